"""ONNX: torch's exporter, and for int8 one custom operator that it translates.

Activations are quantized a row at a time, by ordinary operators: each token's row is divided by its
largest magnitude and then quantized with a constant scale. ONNX Runtime's DynamicQuantizeLinear
takes one scale for the whole tensor instead, which makes a sentence's answer depend on its
neighbours and lets one outlier coarsen every token.
"""

from __future__ import annotations

import warnings
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
    INT8_MAX,
    SMALLEST,
    Int8Embedding,
    quantize_rows,
    with_replaced,
)
from edgebert_converters.recipes import Recipe

INPUT_DTYPE = "int64"
OUTPUT = "output"
_ZERO_POINT = 128


@torch.library.custom_op("edgebert::quantized_matmul", mutates_args=())
def quantized_matmul(rows: Tensor, weight: Tensor) -> Tensor:
    """[..., K] float32 within ±1, [K, N] int8 → [..., N] float32 sums of 8-bit products."""
    quantized = torch.round(rows * INT8_MAX).clamp(-INT8_MAX, INT8_MAX)
    return quantized.to(torch.float64).matmul(weight.to(torch.float64)).to(torch.float32)


@quantized_matmul.register_fake
def _(rows: Tensor, weight: Tensor) -> Tensor:
    return rows.new_empty((*rows.shape[:-1], weight.shape[1]))


def _translate(rows: Any, weight: Any) -> Any:
    op: Any = onnxscript.opset18
    scale = op.Constant(value=numpy_helper.from_array(np.float32(1 / INT8_MAX)))
    zero_point = op.Constant(value=numpy_helper.from_array(np.uint8(_ZERO_POINT)))
    quantized = op.QuantizeLinear(rows, scale, zero_point)
    return op.Cast(op.MatMulInteger(quantized, weight, zero_point), to=onnx.TensorProto.FLOAT)


class Int8Linear(nn.Module):
    """A linear layer in int8: a scale for each row of weights, and one for each row of inputs."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        weight, scales = quantize_rows(layer.weight)
        self.register_buffer("weight", weight.T.contiguous())
        self.register_buffer("scales", scales / INT8_MAX)
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach().clone())
        self.weight: Tensor
        self.scales: Tensor

    def forward(self, rows: Tensor) -> Tensor:
        largest = rows.abs().amax(dim=-1, keepdim=True).clamp(min=SMALLEST)
        products: Tensor = quantized_matmul(rows / largest, self.weight)
        outputs = products * self.scales * largest
        return outputs if self.bias is None else outputs + self.bias


def export(student: Student, recipe: Recipe, path: Path) -> None:
    """Write `student` as one .onnx file: any batch, any length, int64 inputs, weights inside."""
    module = with_replaced(student, Int8Linear, Int8Embedding) if recipe.int8 else student
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
