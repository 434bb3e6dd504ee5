"""How a recipe's weights are stored in a .tflite file, and what its linear layers compute in.

A converted graph holds float32 weights. Here those of a recipe are found by their content, stored
in fewer bits, and the operators around them changed to suit (schema:
tensorflow/compiler/mlir/lite/schema/schema.fbs).

float16, int8_weights: a DEQUANTIZE operator widens a linear layer's weights, which interpreters do
once. Tables are not widened: of a float16 table the rows are gathered as 16-bit integers, since
tflite-runtime 2.14 gathers no float16, and taken for float16 behind that.

int8_dynamic: the linear layer takes float32 and quantizes its inputs itself.

int8_static: a QUANTIZE operator in front and a DEQUANTIZE behind, of ranges seen beforehand; what
lies between linear layers, the mask above all, stays float32.

int4_weights: a scale for each block of 32 weights; one scale a row is too coarse for embeddings.
The linear layer quantizes its inputs to 8 bits as in int8_dynamic, which XNNPACK has an operator
for; widened weights of blocks come out as zeros in ai-edge-litert 2.3, and widened weights of rows
are computed again in every call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from edgebert_converters.quantization import BLOCK, INT8_MAX, affine
from edgebert_converters.recipes import Ranges, Recipe
from edgebert_converters.tflite_weights import Storage
from edgebert_runtime.errors import ConversionError

_BLOCKS_VERSION = 12
"""Of the linear operator. tflite-runtime 2.14 knows 11 versions and refuses this one; of an older
version it would overlook the scales of blocks, and answer zeros without a word."""
_ZERO = 128
"""From numbers of 0 to 255 to those of -128 to 127."""


def represented(content: bytes, weights: Mapping[str, Tensor], recipe: Recipe) -> bytes:
    """A .tflite file with `weights` (by module, float32, [rows, columns]) as the recipe has them.

    Linear layers and tables with other weights stay as they are.

    Raises:
        ConversionError: if some of `weights` are nowhere in the file.
    """
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(content)
    storage = Storage(model, weights)
    for graph in model.subgraphs:
        _Graph(model, graph, storage, recipe).rewrite()
    if missing := storage.missing():
        raise ConversionError(
            f"tflite: weights of {', '.join(missing)} are not in the converted graph as "
            "they are in the student; export another format, and please report it"
        )
    storage.drop_unused()
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _widest(bounds: list[tuple[float, float]]) -> tuple[float, float]:
    lows, highs = zip(*bounds, strict=True)
    return min(lows), max(highs)


class _Graph:
    """One signature's operators and tensors, while they are rewritten."""

    def __init__(self, model: Any, graph: Any, storage: Storage, recipe: Recipe) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema = schema
        self.model = model
        self.graph = graph
        self.storage = storage
        self.recipe = recipe
        self.operators: list[Any] = []
        self.widened: dict[int, int] = {}
        self.quantized: dict[tuple[int, float, int], int] = {}
        self.names = [storage.names(tensor.buffer) for tensor in graph.tensors]

    def rewrite(self) -> None:
        codes = self.schema.BuiltinOperator
        kinds = {codes.FULLY_CONNECTED: self._linear, codes.EMBEDDING_LOOKUP: self._table}
        for operator in self._without_floors():
            rewrite = kinds.get(self.model.operatorCodes[operator.opcodeIndex].builtinCode)
            names = [] if rewrite is None else self.names[operator.inputs[1]]
            if rewrite is None or not names:
                self.operators.append(operator)
            else:
                rewrite(operator, names)
        self.graph.operators = self.operators

    def _without_floors(self) -> list[Any]:
        """The operators less those that only kept litert-torch from changing weights."""
        floor = self.schema.BuiltinOperator.FLOOR
        kept: list[Any] = []
        source: dict[int, int] = {}
        for operator in self.graph.operators:
            operator.inputs = [source.get(index, index) for index in operator.inputs]
            if self.model.operatorCodes[operator.opcodeIndex].builtinCode == floor:
                source[operator.outputs[0]] = operator.inputs[0]
            else:
                kept.append(operator)
        self.graph.outputs = [source.get(index, index) for index in self.graph.outputs]
        for signature in self.model.signatureDefs:
            if self.model.subgraphs[signature.subgraphIndex] is self.graph:
                for output in signature.outputs:
                    output.tensorIndex = source.get(output.tensorIndex, output.tensorIndex)
        return kept

    def _linear(self, operator: Any, names: list[str]) -> None:
        weight = operator.inputs[1]
        self._store(weight, self.recipe.weights)
        if self.recipe.activations == "static":
            self._static(operator, names)
            return
        if self.recipe.weights != "int4" and self.recipe.activations == "float32":
            operator.inputs[1] = self._float32(weight)
        else:
            # XNNPACK does so in any case; tflite-runtime's own kernels, without the flag, do not.
            operator.builtinOptions.asymmetricQuantizeInputs = True
        if self.recipe.weights == "int4":
            self._code(self.schema.BuiltinOperator.FULLY_CONNECTED, _BLOCKS_VERSION)
        self.operators.append(operator)

    def _static(self, operator: Any, names: list[str]) -> None:
        codes, ranges = self.schema.BuiltinOperator, self._ranges(names)
        (rows, weight, *_), (outputs,) = operator.inputs, operator.outputs
        key = rows, *affine(ranges.inputs)
        if key not in self.quantized:
            self.quantized[key] = self._like(rows, "INT8", "_int8")
            self._scale(self.quantized[key], key[1], key[2] - _ZERO)
            self._add(codes.QUANTIZE, 1, [rows], self.quantized[key])
        products = self._like(outputs, "INT8", "_int8")
        scale, zero = affine(ranges.outputs)
        self._scale(products, scale, zero - _ZERO)
        operator.inputs, operator.outputs = [self.quantized[key], weight], [products]
        self._code(codes.FULLY_CONNECTED, 4)
        self.operators.append(operator)
        self._add(codes.DEQUANTIZE, 2, [products], outputs)

    def _ranges(self, names: list[str]) -> Ranges:
        """Of layers with the same weights, which cannot be told apart here, the widest."""
        ranges = [self.recipe.ranges[name] for name in names]
        inputs, outputs = [each.inputs for each in ranges], [each.outputs for each in ranges]
        return Ranges(_widest(inputs), _widest(outputs))

    def _table(self, operator: Any, _: list[str]) -> None:
        (ids, table), (rows,) = operator.inputs, operator.outputs
        if self.recipe.weights != "float16":
            self._store(table, "int8")
            self.operators.append(operator)
            return
        self._store(table, "float16")
        self.graph.tensors[table].type = self.schema.TensorType.INT16
        codes = self.schema.BuiltinOperator
        bits, halves = self._like(rows, "INT16", "_bits"), self._like(rows, "FLOAT16", "_float16")
        self._add(codes.GATHER, 4, [table, ids], bits, self.schema.GatherOptionsT())
        self._add(codes.BITCAST, 1, [bits], halves)
        self._add(codes.DEQUANTIZE, 3, [halves], rows)

    def _store(self, index: int, kind: str) -> None:
        """Give a tensor of weights its type, its numbers and their scales, once."""
        tensor, types = self.graph.tensors[index], self.schema.TensorType
        if tensor.type != types.FLOAT32:
            return
        numbers, *scales = self.storage.stored(tensor, kind)
        if scales:
            self._scale_blocks(tensor, scales[0])
        tensor.buffer, tensor.type = numbers, getattr(types, kind.upper())
        if kind == "int8":
            self._scale(index, 1 / INT8_MAX, 0)

    def _float32(self, weight: int) -> int:
        if weight not in self.widened:
            self.widened[weight] = self._like(weight, "FLOAT32", "_float32")
            version = 3 if self.recipe.weights == "float16" else 2
            self._add(
                self.schema.BuiltinOperator.DEQUANTIZE, version, [weight], self.widened[weight]
            )
        return self.widened[weight]

    def _scale(self, index: int, scale: float, zero: int) -> None:
        parameters = self.schema.QuantizationParametersT()
        parameters.scale = [scale]
        parameters.zeroPoint = [zero]
        self.graph.tensors[index].quantization = parameters

    def _scale_blocks(self, tensor: Any, buffer: int) -> None:
        scales = self.schema.TensorT()
        scales.name, scales.buffer = tensor.name + b"_scales", buffer
        scales.type = self.schema.TensorType.FLOAT16
        scales.shape = [tensor.shape[0], tensor.shape[1] // BLOCK]
        self.graph.tensors.append(scales)
        details = self.schema.BlockwiseQuantizationT()
        details.scales, details.zeroPoints = len(self.graph.tensors) - 1, -1
        details.blockSize = BLOCK
        parameters = self.schema.QuantizationParametersT()
        parameters.details = details
        parameters.detailsType = self.schema.QuantizationDetails.BlockwiseQuantization
        tensor.quantization = parameters

    def _like(self, index: int, kind: str, suffix: str) -> int:
        """A new tensor of the same shape."""
        tensor, other = self.schema.TensorT(), self.graph.tensors[index]
        tensor.shape, tensor.shapeSignature = other.shape, other.shapeSignature
        tensor.name, tensor.type = (
            other.name + suffix.encode(),
            getattr(self.schema.TensorType, kind),
        )
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def _add(
        self, code: int, version: int, inputs: list[int], output: int, options: Any = None
    ) -> None:
        operator = self.schema.OperatorT()
        operator.opcodeIndex = self._code(code, version)
        operator.inputs, operator.outputs = inputs, [output]
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = self.schema.BuiltinOptions.GatherOptions
        self.operators.append(operator)

    def _code(self, code: int, version: int) -> int:
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
