"""A graph of a .tflite file as it is taken apart and put together: tensors, operators, codes."""

from __future__ import annotations

from typing import Any


class Graph:
    """One signature's graph; `operators` are those that it is to have."""

    def __init__(self, model: Any, graph: Any) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema = schema
        self.model = model
        self.graph = graph
        self.operators: list[Any] = []

    def does(self, operator: Any, code: int) -> bool:
        """Whether that builtin code is what an operator does."""
        return bool(self.model.operatorCodes[operator.opcodeIndex].builtinCode == code)

    def like(self, index: int, kind: str, suffix: str) -> int:
        """A new tensor of the same shape."""
        tensor, other = self.schema.TensorT(), self.graph.tensors[index]
        tensor.shape, tensor.shapeSignature = other.shape, other.shapeSignature
        tensor.name, tensor.type = (
            other.name + suffix.encode(),
            getattr(self.schema.TensorType, kind),
        )
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def add(
        self, code: int, version: int, inputs: list[int], output: int, options: Any = None
    ) -> None:
        """A new operator behind those that are there."""
        operator = self.schema.OperatorT()
        operator.opcodeIndex = self.code(code, version)
        operator.inputs, operator.outputs = inputs, [output]
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = self.schema.BuiltinOptions.GatherOptions
        self.operators.append(operator)

    def code(self, code: int, version: int) -> int:
        """The index of an operator's code, which is then at least of that version."""
        for index, known in enumerate(self.model.operatorCodes):
            if known.builtinCode == code:
                known.version = max(known.version, version)
                return index
        added = self.schema.OperatorCodeT()
        added.builtinCode, added.deprecatedBuiltinCode = code, min(code, 127)
        added.version = version
        self.model.operatorCodes.append(added)
        return len(self.model.operatorCodes) - 1


def drop_unused_buffers(model: Any) -> None:
    """Empty the buffers that no tensor refers to any more."""
    used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
    used |= {each.buffer for each in model.metadata or ()}
    for index, buffer in enumerate(model.buffers):
        if index not in used:
            buffer.data = None
