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

from collections.abc import Collection
from typing import Any

from edgebert_converters.quantization import BLOCK, INT8_MAX, affine
from edgebert_converters.recipes import Ranges, Recipe
from edgebert_converters.tflite_graph import Graph, drop_unused_buffers
from edgebert_converters.tflite_weights import Storage, Weights
from edgebert_runtime.errors import ConversionError

_BLOCKS_VERSION = 12
"""Of the linear operator. tflite-runtime 2.14 knows 11 versions and refuses this one; of an older
version it would overlook the scales of blocks, and answer zeros without a word."""
_ZERO = 128
"""From numbers of 0 to 255 to those of -128 to 127."""


def represented(content: bytes, weights: Weights, recipe: Recipe) -> bytes:
    """A .tflite file with `weights` as the recipe has them.

    Linear layers and tables with other weights stay as they are.

    Raises:
        ConversionError: if some of `weights` are nowhere in the file.
    """
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(content)
    storage = Storage(model, weights)
    for graph in model.subgraphs:
        _Rewriting(model, graph, storage, weights, recipe).rewrite()
    if missing := storage.missing():
        raise ConversionError(
            f"tflite: weights of {', '.join(missing)} are not in the converted graph as "
            "they are in the student; export another format, and please report it"
        )
    drop_unused_buffers(model)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _widest(bounds: list[tuple[float, float]]) -> tuple[float, float]:
    lows, highs = zip(*bounds, strict=True)
    return min(lows), max(highs)


class _Rewriting(Graph):
    """One signature's operators and tensors, while they are rewritten."""

    def __init__(
        self, model: Any, graph: Any, storage: Storage, weights: Weights, recipe: Recipe
    ) -> None:
        super().__init__(model, graph)
        self.storage = storage
        self.weights = weights
        self.recipe = recipe
        self.widened: dict[int, int] = {}
        self.quantized: dict[tuple[int, float, int], int] = {}
        self.names = [storage.names(tensor.buffer) for tensor in graph.tensors]

    def rewrite(self) -> None:
        codes = self.schema.BuiltinOperator
        operators = self._without_floors()
        linear = [each for each in operators if self.does(each, codes.FULLY_CONNECTED)]
        tables = [each for each in operators if self.does(each, codes.EMBEDDING_LOOKUP)]
        self._part({each.inputs[1] for each in linear}, tables)
        for operator in operators:
            if operator in linear and (names := self._names(operator, self.weights.layers)):
                self._linear(operator, names)
            elif operator in tables and (names := self._names(operator, self.weights.tables)):
                self._table(operator, names)
            else:
                self.operators.append(operator)
        self.graph.operators = self.operators

    def _names(self, operator: Any, modules: Collection[str]) -> list[str]:
        return [name for name in self.names[operator.inputs[1]] if name in modules]

    def _part(self, weights: Collection[int], tables: list[Any]) -> None:
        """Give a table that is a linear layer's weights too a tensor of its own: types may differ.

        Both tensors refer to one buffer, and go on to do so where they are stored alike.
        """
        for operator in tables:
            ids, table = operator.inputs
            if table in weights:
                own = self.like(table, "FLOAT32", "_table")
                self.graph.tensors[own].buffer = self.graph.tensors[table].buffer
                self.names.append(self.names[table])
                operator.inputs = [ids, own]

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
        self._store(weight, names, self.recipe.weights)
        if self.recipe.activations == "static":
            self._static(operator, names)
            return
        if self.recipe.weights != "int4" and self.recipe.activations == "float32":
            operator.inputs[1] = self._float32(weight)
        else:
            # XNNPACK does so in any case; tflite-runtime's own kernels, without the flag, do not.
            operator.builtinOptions.asymmetricQuantizeInputs = True
        if self.recipe.weights == "int4":
            self.code(self.schema.BuiltinOperator.FULLY_CONNECTED, _BLOCKS_VERSION)
        self.operators.append(operator)

    def _static(self, operator: Any, names: list[str]) -> None:
        codes, ranges = self.schema.BuiltinOperator, self._ranges(names)
        (rows, weight, *_), (outputs,) = operator.inputs, operator.outputs
        key = rows, *affine(ranges.inputs)
        if key not in self.quantized:
            self.quantized[key] = self.like(rows, "INT8", "_int8")
            self._scale(self.quantized[key], key[1], key[2] - _ZERO)
            self.add(codes.QUANTIZE, 1, [rows], self.quantized[key])
        products = self.like(outputs, "INT8", "_int8")
        scale, zero = affine(ranges.outputs)
        self._scale(products, scale, zero - _ZERO)
        operator.inputs, operator.outputs = [self.quantized[key], weight], [products]
        self.code(codes.FULLY_CONNECTED, 4)
        self.operators.append(operator)
        self.add(codes.DEQUANTIZE, 2, [products], outputs)

    def _ranges(self, names: list[str]) -> Ranges:
        """Of layers with the same weights, which cannot be told apart here, the widest."""
        ranges = [self.recipe.ranges[name] for name in names]
        inputs, outputs = [each.inputs for each in ranges], [each.outputs for each in ranges]
        return Ranges(_widest(inputs), _widest(outputs))

    def _table(self, operator: Any, names: list[str]) -> None:
        (ids, table), (rows,) = operator.inputs, operator.outputs
        codes = self.schema.BuiltinOperator
        if self.recipe.weights != "float16":
            self._store(table, names, "int8")
            numbers = self.like(rows, "INT8", "_int8")
            self._scale(numbers, 1 / INT8_MAX, 0)
            self.add(codes.GATHER, 4, [table, ids], numbers, self.schema.GatherOptionsT())
            self.add(codes.DEQUANTIZE, 2, [numbers], rows)
            return
        self._store(table, names, "float16")
        self.graph.tensors[table].type = self.schema.TensorType.INT16
        bits, halves = self.like(rows, "INT16", "_bits"), self.like(rows, "FLOAT16", "_float16")
        self.add(codes.GATHER, 4, [table, ids], bits, self.schema.GatherOptionsT())
        self.add(codes.BITCAST, 1, [bits], halves)
        self.add(codes.DEQUANTIZE, 3, [halves], rows)

    def _store(self, index: int, names: list[str], kind: str) -> None:
        """Give a tensor of weights its type, its numbers and their scales, once."""
        tensor, types = self.graph.tensors[index], self.schema.TensorType
        if tensor.type != types.FLOAT32:
            return
        numbers, *scales = self.storage.stored(tensor, names, kind)
        if scales:
            self._scale_blocks(tensor, scales[0])
        tensor.buffer, tensor.type = numbers, getattr(types, kind.upper())
        if kind == "int8":
            self._scale(index, 1 / INT8_MAX, 0)

    def _float32(self, weight: int) -> int:
        if weight not in self.widened:
            self.widened[weight] = self.like(weight, "FLOAT32", "_float32")
            version = 3 if self.recipe.weights == "float16" else 2
            self.add(
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
