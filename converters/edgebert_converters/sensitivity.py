"""What 8-bit rounding of one layer alone does to a student's answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from edgebert_converters.calibration import outputs
from edgebert_converters.heads import Student
from edgebert_converters.quantization import Int8Embedding, rounded_rows, with_replaced
from edgebert_converters.recipes import Recipe
from edgebert_runtime.tokenization import Encoding


class RoundedLinear(nn.Module):
    """A linear layer whose weights and inputs are rounded a row at a time, in float32."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.register_buffer("weight", rounded_rows(layer.weight.detach()))
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach().clone())
        self.weight: Tensor

    def forward(self, rows: Tensor) -> Tensor:
        return functional.linear(rounded_rows(rows), self.weight, self.bias)


def names(student: Student) -> tuple[str, ...]:
    """Linear layers and tables of a student; one that is used several times has one name."""
    return tuple(
        name
        for name, module in student.named_modules()
        if isinstance(module, nn.Linear | nn.Embedding)
    )


def rounded(student: Student, recipe: Recipe) -> Student:
    """A copy of the student that rounds as `int8_dynamic` does where the recipe says so."""
    return with_replaced(student, recipe, lambda _, layer: RoundedLinear(layer), Int8Embedding)


def by_layer(
    student: Student, recipe: Recipe, encodings: Sequence[Encoding]
) -> list[tuple[str, float]]:
    """Layers and tables, the most sensitive first, with what rounding each alone changes.

    The change is the mean absolute difference of raw outputs; infinite where the rounded model
    gives numbers that are not finite.
    """
    expected = outputs(student, encodings)
    every = frozenset(names(student))
    changes = []
    for name in names(student):
        alone = replace(recipe, float_layers=every - {name})
        given = outputs(rounded(student, alone), encodings)
        change = float(np.abs(given - expected).mean())
        changes.append((name, change if np.isfinite(change) else float("inf")))
    return sorted(changes, key=lambda each: -each[1])
