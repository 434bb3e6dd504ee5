"""The operators of an .onnx file: as much of the format as names need, without the onnx package.

A message of protocol buffers is a row of fields: a number that holds the field's own number and
its kind, and a value (https://protobuf.dev/programming-guides/encoding/). Field numbers are those
of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgebert_runtime.graph_parts import Node

_GRAPH, _NODE = 7, 1
_INPUT, _OUTPUT, _NAME, _KIND = 1, 2, 3, 4
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_WIDTHS = {_FIXED_64: 8, _FIXED_32: 4}


@dataclass(frozen=True)
class NamedNode(Node):
    """A node of the file, by the name that ONNX Runtime's profile uses."""

    name: str


def read_nodes(content: bytes) -> tuple[NamedNode, ...]:
    """The nodes of the main graph, in their order.

    Raises:
        ValueError: if it is no model.
    """
    return tuple(
        _node(node)
        for number, graph in _fields(memoryview(content))
        if number == _GRAPH
        for inner, node in _fields(graph)
        if inner == _NODE
    )


def _node(message: memoryview) -> NamedNode:
    texts: dict[int, list[str]] = {_INPUT: [], _OUTPUT: [], _NAME: [], _KIND: []}
    for number, value in _fields(message):
        if number in texts:
            texts[number].append(str(value, "utf-8"))
    return NamedNode(
        kind="".join(texts[_KIND]),
        # An input that is left out has no name.
        inputs=tuple(filter(None, texts[_INPUT])),
        outputs=tuple(filter(None, texts[_OUTPUT])),
        name="".join(texts[_NAME]),
    )


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and content of each field that has a length; numbers are passed over."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        kind = tag & 7
        if kind == _VARINT:
            _, position = _varint(message, position)
            continue
        if kind == _BYTES:
            length, position = _varint(message, position)
        elif kind in _WIDTHS:
            length = _WIDTHS[kind]
        else:
            raise ValueError(f"not an .onnx file: a field of kind {kind}")
        end = position + length
        if end > len(message):
            raise ValueError("not an .onnx file, or only its beginning")
        if kind == _BYTES:
            yield tag >> 3, message[position:end]
        position = end


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where it ends."""
    value = shift = 0
    while position < len(message):
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("not an .onnx file, or only its beginning")
