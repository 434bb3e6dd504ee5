"""int8 with one scale a row, for linear layers and embedding tables alike.

A row of a linear layer makes one output, a row of a table is one token: each gets the scale of its
own largest weight. The modules here stand in for nn.Linear and nn.Embedding in a copy of the
student.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from edgebert_converters.heads import Student

INT8_MAX = 127.0
SMALLEST = 1e-12
"""Stands in for the largest value of a row of zeros, so that nothing is divided by zero."""


def row_scales(weight: Tensor) -> Tensor:
    """[rows, columns] float32 → [rows] float32: the largest magnitude of each row, never zero."""
    return weight.detach().abs().amax(dim=1).clamp(min=SMALLEST)


def quantize_rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """[rows, columns] float32 → int8 of that shape, and [rows] float32 scales: w ≈ int8 * scale."""
    scales = row_scales(weight) / INT8_MAX
    rounded = torch.round(weight.detach() / scales[:, None])
    return rounded.clamp(-INT8_MAX, INT8_MAX).to(torch.int8), scales


class Int8Embedding(nn.Module):
    """A table in int8, read row by row and scaled back: float32 out."""

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        weight, scales = quantize_rows(table.weight)
        self.register_buffer("weight", weight)
        self.register_buffer("scales", scales[:, None].clone())
        self.weight: Tensor
        self.scales: Tensor

    def forward(self, ids: Tensor) -> Tensor:
        rows = functional.embedding(ids, self.weight).to(torch.float32)
        return rows * functional.embedding(ids, self.scales)


def with_replaced(
    student: Student,
    linear: Callable[[nn.Linear], nn.Module],
    embedding: Callable[[nn.Embedding], nn.Module],
) -> Student:
    """A copy of the student with its linear layers and tables replaced; shared ones stay shared."""
    replaced = copy.deepcopy(student)
    made: dict[nn.Module, nn.Module] = {}

    def visit(module: nn.Module) -> None:
        for name, child in module.named_children():
            if isinstance(child, nn.Linear):
                made.setdefault(child, linear(child))
            elif isinstance(child, nn.Embedding):
                made.setdefault(child, embedding(child))
            else:
                visit(child)
                continue
            setattr(module, name, made[child])

    visit(replaced)
    return replaced.eval()
