"""TorchScript: a traced module that torch.jit.load opens with nothing else installed."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.ao.nn.quantized.modules.linear import LinearPackedParams

from edgebert_converters.heads import Student
from edgebert_converters.quantization import (
    SMALLEST,
    Int8Embedding,
    quantize_rows,
    with_replaced,
)
from edgebert_converters.recipes import Recipe

INPUT_DTYPE = "int64"
OUTPUT = "output"


class Int8Linear(nn.Module):
    """A linear layer on torch's int8 kernels, which take one activation range a tensor.

    Rows are first brought to a largest magnitude of 1, so that this range fits each of them.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        weight, scales = quantize_rows(layer.weight)
        zeros = torch.zeros(scales.shape, dtype=torch.int64)
        packed = torch._make_per_channel_quantized_tensor(weight, scales.double(), zeros, 0)
        self.packed = LinearPackedParams(torch.qint8)  # type: ignore[no-untyped-call]
        self.packed.set_weight_bias(packed, None)
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach().clone())

    def forward(self, rows: Tensor) -> Tensor:
        largest = rows.abs().amax(dim=-1, keepdim=True).clamp(min=SMALLEST)
        outputs: Tensor = torch.ops.quantized.linear_dynamic(
            rows / largest, self.packed._packed_params, reduce_range=False
        )
        outputs = outputs * largest
        return outputs if self.bias is None else outputs + self.bias


def export(student: Student, recipe: Recipe, path: Path) -> None:
    """Write `student` as one .pt file: any batch, any length, int64 inputs by position."""
    example = tuple(torch.ones((2, 7), dtype=torch.int64) for _ in student.input_names)
    # torch.ao and torch.jit announce that they will move; nothing replaces torch.jit.load yet.
    with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")
        module = with_replaced(student, Int8Linear, Int8Embedding) if recipe.int8 else student
        traced = torch.jit.trace(module, example, check_trace=False)  # type: ignore[no-untyped-call]
        torch.jit.save(traced, str(path))
