"""ONNX: torch's exporter, over modules that ONNX Runtime runs fastest.

Dynamic activations are quantized a row at a time: each token's row is divided by its largest
magnitude and then quantized with a constant scale. ONNX Runtime's DynamicQuantizeLinear takes one
scale for the whole tensor instead, which makes a sentence's answer depend on its neighbours and
lets one outlier coarsen every token. Products of bytes are ONNX Runtime's own operator, so 8-bit
files are for it alone.
"""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from edgebert_converters.heads import Student
from edgebert_converters.onnx_modules import TRANSLATIONS, for_onnx_runtime
from edgebert_converters.quantization import (
    BLOCK,
    INT8_MAX,
    affine,
    quantize_blocks,
    quantize_rows,
    represented,
)
from edgebert_converters.recipes import Ranges, Recipe

INPUT_DTYPE = "int64"
OUTPUT = "output"
_ZERO_POINT = 128


def _stored(weight: Tensor, *, shared: bool) -> Tensor:
    """[N, K] int8 as [K, N]; in uint8, 128 more, where several layers share it (ALBERT).

    ONNX Runtime makes weights unsigned itself where only that is exact (x86-64 without VNNI), but
    cannot do so twice to one tensor.
    """
    columns = weight.T.contiguous()
    return (columns.to(torch.int16) + _ZERO_POINT).to(torch.uint8) if shared else columns


class QuantizedLinear(nn.Module):
    """A linear layer in int8: a scale for each row of weights, and 8-bit inputs.

    Inputs as numbers from 0 to 255 are input / step + zero point, rounded.
    """

    def __init__(self, layer: nn.Linear, step: float, zero_point: int, *, shared: bool) -> None:
        super().__init__()
        weight, scales = quantize_rows(layer.weight)
        self.register_buffer("weight", _stored(weight, shared=shared))
        self.register_buffer("scales", scales)
        self.step, self.zero_point = step, zero_point
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach().clone())
        self.weight: Tensor
        self.scales: Tensor

    def product(self, rows: Tensor) -> Tensor:
        """[..., K] float32 → [..., N] float32, without the bias.

        For export only: torch computes nothing. The sums of products and their scales are one
        operator of ONNX Runtime's own: of several, each would pass over all numbers.
        """
        # Not buffers: equal ones of several layers would become one, with the name of the first.
        step = torch.full((), self.step)
        zero_point = torch.full((), self.zero_point, dtype=torch.uint8)
        quantized = torch.onnx.ops.symbolic(
            "QuantizeLinear", (rows, step, zero_point), dtype=torch.uint8, shape=rows.shape
        )
        factors = [step, self.scales, zero_point]
        if self.weight.dtype == torch.uint8:
            factors.append(torch.full((), _ZERO_POINT, dtype=torch.uint8))
        output: Tensor = torch.onnx.ops.symbolic(
            "com.microsoft::MatMulIntegerToFloat",
            (quantized, self.weight, *factors),
            dtype=torch.float32,
            shape=(*rows.shape[:-1], self.weight.shape[1]),
            version=1,
        )
        return output


class DynamicLinear(QuantizedLinear):
    """One with a step for each row of inputs, by its largest magnitude.

    A row of zeros is divided by zero, and whatever integers that gives, times zero.
    """

    def __init__(self, layer: nn.Linear, *, shared: bool) -> None:
        super().__init__(layer, 1.0 / INT8_MAX, _ZERO_POINT, shared=shared)

    def forward(self, rows: Tensor) -> Tensor:
        largest = rows.abs().amax(dim=-1, keepdim=True)
        outputs = self.product(rows / largest) * largest
        return outputs if self.bias is None else outputs + self.bias


class StaticLinear(QuantizedLinear):
    """One with a step for all inputs ever."""

    def __init__(self, layer: nn.Linear, ranges: Ranges, *, shared: bool) -> None:
        super().__init__(layer, *affine(ranges.inputs), shared=shared)

    def forward(self, rows: Tensor) -> Tensor:
        outputs = self.product(rows)
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

    exact = recipe.activations == "float32"
    module = for_onnx_runtime(represented(student, recipe, special), exact=exact)
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
            opset_version=20,
            custom_translation_table=TRANSLATIONS,
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
