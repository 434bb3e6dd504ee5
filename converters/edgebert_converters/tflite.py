"""TFLite: litert-torch converts, ai-edge-quantizer quantizes; one signature a length.

int8 here has one scale a row, like everywhere, but is stored as one scale a tensor. tflite-runtime
2.14 reads a per-row scale as zero and answers zeros without a word; so each row is divided by its
largest weight beforehand, and the layer's output multiplied by it. The int8 numbers are the same.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from edgebert_converters.heads import Student
from edgebert_converters.quantization import row_scales, with_replaced
from edgebert_converters.recipes import Recipe
from edgebert_runtime.errors import ConversionError

INPUT_DTYPE = "int32"
_QUANTIZED = "^(?!.*RowScales)"
"""Names of the operators to quantize: litert-torch makes them of the modules' class names."""
OUTPUT = "output_0"
"""As litert-torch names the one output of a module."""


class NormalizedLinear(nn.Module):
    """A linear layer whose rows have a largest weight of 1, with the factors behind it."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        scales = row_scales(layer.weight)
        self.weight = nn.Parameter(layer.weight.detach() / scales[:, None])
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach() / scales)
        self.scales = nn.Parameter(scales)

    def forward(self, rows: Tensor) -> Tensor:
        return functional.linear(rows, self.weight, self.bias) * self.scales


class RowScales(nn.Module):
    """A factor for each row of a table. Its name keeps the quantizer away from it."""

    def __init__(self, scales: Tensor) -> None:
        super().__init__()
        self.scales = nn.Parameter(scales[:, None].clone())

    def forward(self, ids: Tensor) -> Tensor:
        return functional.embedding(ids, self.scales)


class NormalizedEmbedding(nn.Module):
    """A table whose rows have a largest weight of 1, with a factor for each row."""

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        scales = row_scales(table.weight)
        self.weight = nn.Parameter(table.weight.detach() / scales[:, None])
        self.scales = RowScales(scales)

    def forward(self, ids: Tensor) -> Tensor:
        scales: Tensor = self.scales(ids)
        return functional.embedding(ids, self.weight) * scales


def export(student: Student, recipe: Recipe, path: Path, lengths: Sequence[int]) -> None:
    """Write `student` as one .tflite file: batch 1, int32 inputs, weights shared by all lengths."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = _convert(student, recipe, path, lengths)
        path.write_bytes(_quantize(content) if recipe.int8 else content)


def _convert(student: Student, recipe: Recipe, path: Path, lengths: Sequence[int]) -> bytes:
    import litert_torch

    logging.getLogger().setLevel(logging.ERROR)
    module = (
        with_replaced(student, NormalizedLinear, NormalizedEmbedding) if recipe.int8 else student
    )
    converter = litert_torch
    for length in lengths:
        # A tensor of its own for each input: the exporter takes one tensor twice for one input.
        example = {name: torch.ones((1, length), dtype=torch.int32) for name in student.input_names}
        converter = converter.signature(f"tokens_{length}", module, sample_kwargs=example)
    converter.convert(strict_export=False).export(str(path))
    return path.read_bytes()


def _quantize(content: bytes) -> bytes:
    from ai_edge_quantizer import qtyping, quantizer, recipe_manager

    recipes = recipe_manager.RecipeManager()
    for name in ("FULLY_CONNECTED", "EMBEDDING_LOOKUP"):
        recipes.add_dynamic_config(
            regex=_QUANTIZED,
            operation_name=qtyping.TFLOperationName[name],
            num_bits=8,
            granularity=qtyping.QuantGranularity.TENSORWISE,
        )
    quantized = quantizer.Quantizer(
        bytearray(_with_asymmetric_inputs(content)), recipes.get_quantization_recipe()
    ).quantize()
    if quantized.quantized_model is None:
        raise ConversionError("ai-edge-quantizer returned no model")
    return bytes(quantized.quantized_model)


def _with_asymmetric_inputs(content: bytes) -> bytes:
    """Have every interpreter quantize activations asymmetrically, as XNNPACK does in any case.

    Without the flag, tflite-runtime's own kernels quantize symmetrically and answer differently.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_quantizer.utils import tfl_flatbuffer_utils

    model = tfl_flatbuffer_utils.read_model(bytearray(content))
    for graph in model.subgraphs:
        for operator in graph.operators:
            if isinstance(operator.builtinOptions, schema.FullyConnectedOptionsT):
                operator.builtinOptions.asymmetricQuantizeInputs = True
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
