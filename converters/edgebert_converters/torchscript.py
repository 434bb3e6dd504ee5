"""TorchScript: a traced module that torch.jit.load opens with nothing else installed."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.ao.nn.quantized.modules.linear import LinearPackedParams

from edgebert_converters.heads import Student
from edgebert_converters.quantization import (
    INT8_MAX,
    SMALLEST,
    affine,
    quantize_rows,
    represented,
)
from edgebert_converters.recipes import Ranges, Recipe

INPUT_DTYPE = "int64"
OUTPUT = "output"


class DynamicLinear(nn.Module):
    """A linear layer on torch's int8 kernels, which take one activation range a tensor.

    Rows are first brought to a largest magnitude of 1, so that this range fits each of them.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        weight, scales = quantize_rows(layer.weight)
        self.packed = _packed(weight, scales)
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach().clone())

    def forward(self, rows: Tensor) -> Tensor:
        largest = rows.abs().amax(dim=-1, keepdim=True).clamp(min=SMALLEST)
        outputs: Tensor = torch.ops.quantized.linear_dynamic(
            rows / largest, self.packed._packed_params, reduce_range=False
        )
        outputs = outputs * largest
        return outputs if self.bias is None else outputs + self.bias


class StaticLinear(nn.Module):
    """A linear layer on torch's int8 kernels, with fixed ranges of inputs and of outputs.

    One range serves all outputs, so the rows of weights have a largest value of 1, and the factors
    come behind.
    """

    def __init__(self, layer: nn.Linear, ranges: Ranges) -> None:
        super().__init__()
        weight, scales = quantize_rows(layer.weight)
        largest = scales * INT8_MAX
        self.packed = _packed(weight, torch.full_like(scales, 1 / INT8_MAX))
        self.input_scale, self.input_zero = affine(ranges.inputs)
        self.output_scale, self.output_zero = affine(ranges.outputs)
        self.register_buffer("largest", largest)
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach().clone())
        self.largest: Tensor

    def forward(self, rows: Tensor) -> Tensor:
        quantized = torch.quantize_per_tensor(rows, self.input_scale, self.input_zero, torch.quint8)
        outputs: Tensor = torch.ops.quantized.linear(
            quantized, self.packed._packed_params, self.output_scale, self.output_zero
        )
        outputs = outputs.dequantize() * self.largest
        return outputs if self.bias is None else outputs + self.bias


def _packed(weight: Tensor, scales: Tensor) -> LinearPackedParams:
    """[rows, columns] int8 and [rows] float32 scales as torch's kernels take them."""
    zeros = torch.zeros(scales.shape, dtype=torch.int64)
    tensor = torch._make_per_channel_quantized_tensor(weight, scales.double(), zeros, 0)
    packed = LinearPackedParams(torch.qint8)  # type: ignore[no-untyped-call]
    packed.set_weight_bias(tensor, None)
    return packed


def export(student: Student, recipe: Recipe, path: Path) -> None:
    """Write `student` as one .pt file: any batch, any length, int64 inputs by position."""

    def special(name: str, layer: nn.Linear) -> nn.Module:
        static = recipe.activations == "static"
        return StaticLinear(layer, recipe.ranges[name]) if static else DynamicLinear(layer)

    example = tuple(torch.ones((2, 7), dtype=torch.int64) for _ in student.input_names)
    # torch.ao and torch.jit announce that they will move; nothing replaces torch.jit.load yet.
    with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")
        module = represented(student, recipe, special)
        traced = torch.jit.trace(module, example, check_trace=False)  # type: ignore[no-untyped-call]
        torch.jit.save(traced, str(path))
