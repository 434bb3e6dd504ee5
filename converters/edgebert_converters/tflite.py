"""TFLite: litert-torch converts, and `tflite_lengths` and `tflite_quantization` rewrite the file.

8-bit weights have one scale a row, like everywhere, but are stored with one scale a tensor.
tflite-runtime 2.14 reads a per-row scale as zero and answers zeros without a word; so each row is
divided by its largest weight beforehand, and the layer's output multiplied by it. The numbers are
the same.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from edgebert_converters.heads import Student
from edgebert_converters.quantization import BLOCK, row_scales, with_replaced
from edgebert_converters.recipes import Recipe
from edgebert_converters.tflite_lengths import (
    UnlikeError,
    of_any_length,
    with_lengths,
)
from edgebert_converters.tflite_modules import in_rows, with_plain_scores
from edgebert_converters.tflite_quantization import represented
from edgebert_converters.tflite_weights import Weights
from edgebert_runtime.manifest import tflite_signature

INPUT_DTYPE = "int32"
OUTPUT = "output_0"
"""As litert-torch names the one output of a module."""
_KNOWN = (37, 53)
"""Tokens of what is converted. Where a length happens to be a number of heads, say, two constants
would be one; primes of this size are no other side of a tensor."""


class OpaqueLinear(nn.Module):
    """A linear layer that litert-torch converts as it is.

    It would multiply factors before or behind a linear layer, those of a layer normalisation for
    one, into the weights. The rounding, which is for tracing alone, keeps it from that;
    `represented` takes it out again.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.weight = layer.weight
        self.bias: nn.Parameter | None = layer.bias

    def forward(self, rows: Tensor) -> Tensor:
        return torch.floor(functional.linear(torch.floor(rows), self.weight, self.bias))


class NormalizedLinear(OpaqueLinear):
    """The same with rows whose largest weight is 1, and the factors behind it."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__(layer)
        scales = row_scales(layer.weight)
        self.weight = nn.Parameter(layer.weight.detach() / scales[:, None])
        if layer.bias is not None:
            self.bias = nn.Parameter(layer.bias.detach() / scales)
        self.scales = nn.Parameter(scales)

    def forward(self, rows: Tensor) -> Tensor:
        return super().forward(rows) * self.scales


class StaticLinear(NormalizedLinear):
    """The same with the bias behind the factors.

    The range of outputs is fixed: where a row's weights are all but zero, its bias divided by the
    largest of them would take the whole range.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__(layer)
        self.bias, self.last = None, layer.bias

    def forward(self, rows: Tensor) -> Tensor:
        outputs = super().forward(rows)
        return outputs if self.last is None else outputs + self.last


class BlockLinear(NormalizedLinear):
    """The same with rows filled up to whole blocks by zeros."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__(layer)
        self.missing = -layer.in_features % BLOCK
        self.weight = nn.Parameter(functional.pad(self.weight.detach(), (0, self.missing)))

    def forward(self, rows: Tensor) -> Tensor:
        return super().forward(functional.pad(rows, (0, self.missing)) if self.missing else rows)


class NormalizedEmbedding(nn.Module):
    """A table whose rows have a largest weight of 1, with a factor for each row."""

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        scales = row_scales(table.weight)
        self.weight = nn.Parameter(table.weight.detach() / scales[:, None])
        self.scales = nn.Parameter(scales[:, None].clone())

    def forward(self, ids: Tensor) -> Tensor:
        return functional.embedding(ids, self.weight) * functional.embedding(ids, self.scales)


def export(
    student: Student, recipe: Recipe, path: Path, lengths: Sequence[int], *, fixed: bool = False
) -> tuple[int, ...]:
    """Write `student` as one .tflite file: batch 1, int32 inputs.

    Args:
        student: what it is to compute.
        recipe: how weights and activations are represented.
        path: where.
        lengths: numbers of tokens.
        fixed: whether it is to have a signature for each of them. It has one for any length, else;
            where the student's graph does not allow that, those, too.

    Returns:
        The lengths of the file's signatures; none if it takes any length.

    Raises:
        ConversionError: if a weight is not where it should be in the converted graph.
    """
    module = _module(student, recipe)
    content, made = _converted(module, path, tuple(lengths), fixed=fixed)
    if recipe.weights != "float32":
        content = represented(content, _weights(module, recipe), recipe)
    path.write_bytes(content)
    return made


def _converted(
    module: Student, path: Path, lengths: tuple[int, ...], *, fixed: bool
) -> tuple[bytes, tuple[int, ...]]:
    """A file with float32 weights, and the lengths of its signatures; `path` is written over."""
    known = _by_litert(module, path, _KNOWN)
    if not fixed:
        with contextlib.suppress(UnlikeError):
            return of_any_length(known, _KNOWN), ()
    with contextlib.suppress(UnlikeError):
        return with_lengths(known, _KNOWN, lengths), lengths
    return _by_litert(module, path, lengths), lengths


def _module(student: Student, recipe: Recipe) -> Student:
    plain = with_plain_scores(student)
    if recipe.weights == "float32":
        return in_rows(plain, _joined)
    if recipe.weights == "float16":
        linear: type[OpaqueLinear] = OpaqueLinear
    elif recipe.weights == "int4":
        linear = BlockLinear
    else:
        linear = StaticLinear if recipe.activations == "static" else NormalizedLinear
    table = (lambda table: table) if recipe.weights == "float16" else NormalizedEmbedding
    represented = with_replaced(plain, recipe, lambda _, layer: linear(layer), table)
    return in_rows(represented, _joined)


def _joined(layers: Sequence[nn.Module]) -> nn.Module | None:
    """One layer of the outputs of all, where all are represented alike, a row at a time.

    Ranges of outputs are each layer's own.
    """
    forms = {
        (type(layer), *((name, each.shape) for name, each in layer.named_parameters()))
        for layer in layers
    }
    if len(forms) > 1 or isinstance(layers[0], StaticLinear):
        return None
    joined = copy.deepcopy(layers[0])
    for name, _ in layers[0].named_parameters():
        rows = torch.cat([layer.get_parameter(name).detach() for layer in layers])
        setattr(joined, name, nn.Parameter(rows))
    return joined


def _weights(module: Student, recipe: Recipe) -> Weights:
    """What is to be represented, by the names of the student's modules."""

    def of(*kinds: type[nn.Module]) -> dict[str, Tensor]:
        return {
            name: each.get_parameter("weight").detach()
            for name, each in module.named_modules()
            if isinstance(each, kinds) and name not in recipe.float_layers
        }

    return Weights(of(OpaqueLinear), of(NormalizedEmbedding, nn.Embedding))


def _by_litert(module: Student, path: Path, lengths: Sequence[int]) -> bytes:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import litert_torch

        logging.getLogger().setLevel(logging.ERROR)
        converter = litert_torch
        for length in lengths:
            # A tensor of its own for each input: the exporter takes one that is there twice for
            # one input.
            ones = {name: torch.ones((1, length), dtype=torch.int32) for name in module.input_names}
            converter = converter.signature(tflite_signature(length), module, sample_kwargs=ones)
        converter.convert(strict_export=False).export(str(path))
    return path.read_bytes()
