"""ONNX: torch's exporter, and a custom operator that it translates for 8 bits.

Dynamic activations are quantized a row at a time, by ordinary operators: each token's row is
divided by its largest magnitude and then quantized with a constant scale. ONNX Runtime's
DynamicQuantizeLinear takes one scale for the whole tensor instead, which makes a sentence's answer
depend on its neighbours and lets one outlier coarsen every token.
"""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxscript
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from edgebert_converters.heads import Student
from edgebert_converters.quantization import (
    BLOCK,
    INT8_MAX,
    SMALLEST,
    affine,
    quantize_blocks,
    quantize_rows,
    represented,
)
from edgebert_converters.recipes import Ranges, Recipe

INPUT_DTYPE = "int64"
OUTPUT = "output"
_ZERO_POINT = 128
_LARGEST = 255


@torch.library.custom_op("edgebert::quantized_matmul", mutates_args=())
def quantized_matmul(rows: Tensor, weight: Tensor, scale: float, zero_point: int) -> Tensor:
    """[..., K] float32, [K, N] int8 → [..., N] float32 sums of products of 8-bit numbers.

    The rows as numbers from 0 to 255 are rows / scale + zero_point, rounded. Weights in uint8 are
    128 more than they stand for.
    """
    quantized = torch.round(rows / scale).clamp(-zero_point, _LARGEST - zero_point)
    signed = weight.to(torch.float64) - _ZERO_POINT * (weight.dtype == torch.uint8)
    return quantized.to(torch.float64).matmul(signed).to(torch.float32)


@quantized_matmul.register_fake
def _(rows: Tensor, weight: Tensor, scale: float, zero_point: int) -> Tensor:
    return rows.new_empty((*rows.shape[:-1], weight.shape[1]))


def _translate(rows: Any, weight: Any, scale: float, zero_point: int) -> Any:
    op: Any = onnxscript.opset18
    step = op.Constant(value=numpy_helper.from_array(np.float32(scale)))
    zero = op.Constant(value=numpy_helper.from_array(np.uint8(zero_point)))
    quantized = op.QuantizeLinear(rows, step, zero)
    offsets = [zero]
    if weight.dtype == onnxscript.ir.DataType.UINT8:
        offsets.append(op.Constant(value=numpy_helper.from_array(np.uint8(_ZERO_POINT))))
    return op.Cast(op.MatMulInteger(quantized, weight, *offsets), to=onnx.TensorProto.FLOAT)


def _stored(weight: Tensor, *, shared: bool) -> Tensor:
    """[N, K] int8 as [K, N]; in uint8, 128 more, where several layers share it (ALBERT).

    ONNX Runtime makes weights unsigned itself where only that is exact (x86-64 without VNNI), but
    cannot do so twice to one tensor.
    """
    columns = weight.T.contiguous()
    return (columns.to(torch.int16) + _ZERO_POINT).to(torch.uint8) if shared else columns


class DynamicLinear(nn.Module):
    """A linear layer in int8: a scale for each row of weights, and one for each row of inputs."""

    def __init__(self, layer: nn.Linear, *, shared: bool) -> None:
        super().__init__()
        weight, scales = quantize_rows(layer.weight)
        self.register_buffer("weight", _stored(weight, shared=shared))
        self.register_buffer("scales", scales / INT8_MAX)
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach().clone())
        self.weight: Tensor
        self.scales: Tensor

    def forward(self, rows: Tensor) -> Tensor:
        largest = rows.abs().amax(dim=-1, keepdim=True).clamp(min=SMALLEST)
        products: Tensor = quantized_matmul(
            rows / largest, self.weight, 1.0 / INT8_MAX, _ZERO_POINT
        )
        outputs = products * self.scales * largest
        return outputs if self.bias is None else outputs + self.bias


class StaticLinear(nn.Module):
    """A linear layer in int8: a scale for each row of weights, one for all inputs ever."""

    def __init__(self, layer: nn.Linear, ranges: Ranges, *, shared: bool) -> None:
        super().__init__()
        weight, scales = quantize_rows(layer.weight)
        self.scale, self.zero_point = affine(ranges.inputs)
        self.register_buffer("weight", _stored(weight, shared=shared))
        self.register_buffer("scales", scales * self.scale)
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach().clone())
        self.weight: Tensor
        self.scales: Tensor

    def forward(self, rows: Tensor) -> Tensor:
        products: Tensor = quantized_matmul(rows, self.weight, self.scale, self.zero_point)
        outputs = products * self.scales
        return outputs if self.bias is None else outputs + self.bias


class Int4Linear(nn.Module):
    """A linear layer whose weights have 4 bits, and a scale for each 32 of them.

    For export only: standard ONNX has no operator that multiplies 4-bit weights, so this is ONNX
    Runtime's own, and torch computes nothing.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        packed, scales = quantize_blocks(layer.weight)
        self.rows, self.columns = layer.weight.shape
        self.register_buffer("packed", packed)
        self.register_buffer("scales", scales)
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach().clone())
        self.packed: Tensor
        self.scales: Tensor

    def forward(self, rows: Tensor) -> Tensor:
        outputs: Tensor = torch.onnx.ops.symbolic(
            "com.microsoft::MatMulNBits",
            (rows, self.packed, self.scales),
            {"K": self.columns, "N": self.rows, "bits": 4, "block_size": BLOCK},
            dtype=torch.float32,
            shape=(*rows.shape[:-1], self.rows),
            version=1,
        )
        return outputs if self.bias is None else outputs + self.bias


def export(student: Student, recipe: Recipe, path: Path) -> None:
    """Write `student` as one .onnx file: any batch, any length, int64 inputs, weights inside."""

    modules = list(student.named_modules(remove_duplicate=False))
    places = Counter(id(module) for _, module in modules)
    several = {name for name, module in modules if places[id(module)] > 1}

    def special(name: str, layer: nn.Linear) -> nn.Module:
        if recipe.weights == "int4":
            return Int4Linear(layer)
        shared = name in several
        if recipe.activations == "static":
            return StaticLinear(layer, recipe.ranges[name], shared=shared)
        return DynamicLinear(layer, shared=shared)

    module = represented(student, recipe, special)
    names = student.input_names
    example = {name: torch.ones((2, 7), dtype=torch.int64) for name in names}
    dynamic = {name: {0: "batch", 1: "tokens"} for name in names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            (),
            kwargs=example,
            dynamo=True,
            verbose=False,
            input_names=list(names),
            output_names=[OUTPUT],
            dynamic_shapes=dynamic,
            opset_version=18,
            custom_translation_table={torch.ops.edgebert.quantized_matmul.default: _translate},
        )
    assert program is not None
    model = program.model_proto
    model.producer_name = "edgebert"
    del model.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output]:
        del value.metadata_props[:]
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
