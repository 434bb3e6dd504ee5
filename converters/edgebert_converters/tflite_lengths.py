"""Signatures for any length, or for given ones, made of two that litert-torch converted.

Its graphs are of one length each, and LiteRT packs the weights anew for each. But two of them
differ in nothing but numbers that grow with the length: sides of tensors, and constants that say
where to cut or how to shape. What is `a` at one length and `b` at another lies on the line through
both at a third; and where -1 stands for such a number, the graph is of any length.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgebert_converters.tflite_graph import drop_unused_buffers
from edgebert_runtime.manifest import tflite_signature

_LEAST = 1
"""Tokens that a graph of any length has before its inputs are resized, as is usual."""
_TO_THE_END = -1


class UnlikeError(Exception):
    """Two graphs differ in more than this can follow."""


def of_any_length(content: bytes, known: tuple[int, int]) -> bytes:
    """A .tflite file with one signature, whose inputs are to be resized.

    Args:
        content: a file with signatures for the `known` lengths.
        known: two different numbers of tokens.

    Raises:
        UnlikeError: if the length is needed where nothing stands for it.
    """
    model = _read(content)
    lines = _Lines(model, known)
    graph = lines.graph(_LEAST)
    for tensor, (one, other) in zip(graph.tensors, lines.tensors(), strict=True):
        if one.shape is not None and list(one.shape) != list(other.shape):
            grows = np.not_equal(one.shape, other.shape)
            tensor.shapeSignature = np.where(grows, -1, one.shape).astype(np.int32)
    for operator in graph.operators:
        lines.loosen(graph, operator)
    return _written(model, [lines.signature(tflite_signature(None), 0)], [graph])


def with_lengths(content: bytes, known: tuple[int, int], lengths: Sequence[int]) -> bytes:
    """A .tflite file with a signature for each length, in that order.

    Args:
        content: a file with signatures for the `known` lengths.
        known: two different numbers of tokens.
        lengths: any numbers of tokens.

    Raises:
        UnlikeError: if the known signatures differ in more than numbers on a line.
    """
    model = _read(content)
    lines = _Lines(model, known)
    names = map(tflite_signature, lengths)
    signatures = [lines.signature(name, place) for place, name in enumerate(names)]
    graphs = [lines.graph(length) for length in lengths]
    # Two thirds of a graph are names of its tensors.
    for graph in graphs[1:]:
        for tensor in graph.tensors:
            tensor.name = b""
    return _written(model, signatures, graphs)


def _read(content: bytes) -> Any:
    from ai_edge_litert.tools import flatbuffer_utils

    return flatbuffer_utils.read_model_from_bytearray(content)


def _written(model: Any, signatures: list[Any], graphs: list[Any]) -> bytes:
    from ai_edge_litert.tools import flatbuffer_utils

    model.signatureDefs, model.subgraphs = signatures, graphs
    drop_unused_buffers(model)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


class _Lines:
    """Two graphs of one model, and what lies on the lines through both."""

    def __init__(self, model: Any, known: tuple[int, int]) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema = schema
        self.model = model
        self.first_length, self.second_length = known
        self.signatures = [self._signature(tflite_signature(length)) for length in known]
        self.first, self.second = (model.subgraphs[each.subgraphIndex] for each in self.signatures)
        if len(self.first.tensors) != len(self.second.tensors):
            raise UnlikeError("numbers of tensors")
        if _plain(self.first.operators) != _plain(self.second.operators):
            raise UnlikeError("operators")

    def tensors(self) -> Iterator[tuple[Any, Any]]:
        """Each tensor at both lengths."""
        return zip(self.first.tensors, self.second.tensors, strict=True)

    def signature(self, name: str, place: int) -> Any:
        """One like those that are known, of the graph at that place."""
        made = copy.deepcopy(self.signatures[0])
        made.signatureKey, made.subgraphIndex = name.encode(), place
        return made

    def graph(self, length: int) -> Any:
        """The graph of a length; its weights are the model's."""
        made = copy.deepcopy(self.first)
        made.name = tflite_signature(length).encode()
        for tensor, (one, other) in zip(made.tensors, self.tensors(), strict=True):
            if one.type != other.type:
                raise UnlikeError("types")
            if one.shape is not None:
                tensor.shape = self._at(length, one.shape, other.shape).astype(np.int32)
            if (numbers := self._growing(one, other)) is not None:
                tensor.buffer = self._stored(self._at(length, *numbers))
        return made

    def loosen(self, graph: Any, operator: Any) -> None:
        """Write -1 where an operator of `graph` is told what the length makes of it."""
        codes = self.schema.BuiltinOperator
        code = self.model.operatorCodes[operator.opcodeIndex].builtinCode
        for place, index in enumerate(operator.inputs):
            if index < 0:
                continue
            one, other = self.first.tensors[index], self.second.tensors[index]
            if (numbers := self._growing(one, other)) is None:
                continue
            start, end = numbers
            grows = start != end
            if code == codes.RESHAPE and place == 1:
                allowed = int(grows.sum()) == 1
            elif code == codes.SLICE and place == 2:
                rows, begin, _ = (self.first.tensors[each] for each in operator.inputs)
                first = self._numbers(begin)
                allowed = first is not None and bool((first + start == rows.shape)[grows].all())
            else:
                allowed = False
            if not allowed:
                raise UnlikeError("a constant that nothing stands for")
            graph.tensors[index].buffer = self._stored(np.where(grows, _TO_THE_END, start))

    def _signature(self, name: str) -> Any:
        return next(each for each in self.model.signatureDefs if each.signatureKey == name.encode())

    def _growing(self, one: Any, other: Any) -> tuple[NDArray[Any], NDArray[Any]] | None:
        """A constant's numbers at both lengths, if they differ."""
        if one.buffer == other.buffer:
            return None
        first, second = (self.model.buffers[each.buffer].data for each in (one, other))
        if first is second is None:
            return None
        first, second = (np.asarray(each, np.uint8) for each in (first, second))
        if np.array_equal(first, second):
            return None
        if one.type != self.schema.TensorType.INT32 or first.shape != second.shape:
            raise UnlikeError("constants")
        return first.view(np.int32), second.view(np.int32)

    def _numbers(self, tensor: Any) -> NDArray[Any] | None:
        data = self.model.buffers[tensor.buffer].data
        return None if data is None else np.asarray(data, np.uint8).view(np.int32)

    def _stored(self, numbers: NDArray[Any]) -> int:
        buffer = self.schema.BufferT()
        buffer.data = np.frombuffer(numbers.astype(np.int32).tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        return len(self.model.buffers) - 1

    def _at(self, length: int, one: Iterable[int], other: Iterable[int]) -> NDArray[np.int64]:
        start, end = (np.asarray(each, np.int64) for each in (one, other))
        if start.shape != end.shape:
            raise UnlikeError("ranks")
        slope, rest = np.divmod(end - start, self.second_length - self.first_length)
        if rest.any():
            raise UnlikeError("sides")
        numbers: NDArray[np.int64] = start + slope * (length - self.first_length)
        return numbers


def _plain(value: Any) -> Any:
    """What can be compared of an object of the schema."""
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(each) for each in value]
    if hasattr(value, "__dict__"):
        return {name: _plain(each) for name, each in vars(value).items()}
    return value
