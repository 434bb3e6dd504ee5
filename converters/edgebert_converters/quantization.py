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
from edgebert_converters.recipes import Recipe

INT8_MAX = 127.0
UINT8_MAX = 255.0
INT4_LEVELS = 8
BLOCK = 32
"""Columns that share a scale where weights have 4 bits."""
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


def rounded_rows(tensor: Tensor) -> Tensor:
    """[..., columns] float32 in 255 steps between minus and plus its row's largest magnitude."""
    scales = tensor.abs().amax(dim=-1, keepdim=True).clamp(min=SMALLEST) / INT8_MAX
    return torch.round(tensor / scales) * scales


def affine(bounds: tuple[float, float]) -> tuple[float, int]:
    """Scale and zero point of 8-bit numbers from 0 to 255 that cover `bounds`, zero exactly."""
    low, high = min(bounds[0], 0.0), max(bounds[1], 0.0)
    scale = max((high - low) / UINT8_MAX, SMALLEST)
    return scale, round(-low / scale)


def quantize_blocks(weight: Tensor) -> tuple[Tensor, Tensor]:
    """[rows, columns] float32 → 4-bit numbers and their scales, one for each block of columns.

    Numbers [rows, blocks, BLOCK / 2] uint8, two in a byte, the lower half first, each 8 above its
    value; scales [rows, blocks] float32. That is the layout of ONNX Runtime's MatMulNBits, whose
    zero point is 8 by default. The scale of a block has the sign that gives its largest magnitude
    the value -8, since -8 has no counterpart.
    """
    rows, columns = weight.shape
    padded = functional.pad(weight.detach(), (0, -columns % BLOCK)).view(rows, -1, BLOCK)
    largest = padded.gather(2, padded.abs().argmax(dim=2, keepdim=True)).squeeze(2)
    scales = -largest / INT4_LEVELS
    scales = torch.where(scales.abs() < SMALLEST, torch.full_like(scales, SMALLEST), scales)
    numbers = torch.round(padded / scales[:, :, None]).clamp(-INT4_LEVELS, INT4_LEVELS - 1)
    numbers = (numbers + INT4_LEVELS).to(torch.uint8)
    return numbers[:, :, 0::2] | (numbers[:, :, 1::2] << 4), scales


def dequantize_blocks(packed: Tensor, scales: Tensor) -> Tensor:
    """What `quantize_blocks` made → [rows, blocks * BLOCK] float32."""
    numbers = torch.stack([packed & 15, packed >> 4], dim=3).flatten(2)
    return ((numbers.to(torch.float32) - INT4_LEVELS) * scales[:, :, None]).flatten(1)


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


class HalfEmbedding(nn.Module):
    """A table in float16, read row by row: float32 out."""

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        self.register_buffer("weight", table.weight.detach().to(torch.float16))
        self.weight: Tensor

    def forward(self, ids: Tensor) -> Tensor:
        return functional.embedding(ids, self.weight).to(torch.float32)


class HalfLinear(nn.Module):
    """A linear layer whose weights are stored in float16 and widened when they are used."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.register_buffer("weight", layer.weight.detach().to(torch.float16))
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach().clone())
        self.weight: Tensor

    def forward(self, rows: Tensor) -> Tensor:
        return functional.linear(rows, self.weight.to(torch.float32), self.bias)


class WeightsLinear(nn.Module):
    """A linear layer whose weights are stored in int8 and widened when they are used."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        weight, scales = quantize_rows(layer.weight)
        self.register_buffer("weight", weight)
        self.register_buffer("scales", scales)
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach().clone())
        self.weight: Tensor
        self.scales: Tensor

    def forward(self, rows: Tensor) -> Tensor:
        outputs = functional.linear(rows, self.weight.to(torch.float32)) * self.scales
        return outputs if self.bias is None else outputs + self.bias


def with_replaced(
    student: Student,
    recipe: Recipe,
    linear: Callable[[str, nn.Linear], nn.Module],
    embedding: Callable[[nn.Embedding], nn.Module],
) -> Student:
    """A copy of the student with its linear layers and tables replaced; shared ones stay shared.

    `linear` gets the layer's name too. What the recipe keeps in float32 is left as it is.
    """
    replaced = copy.deepcopy(student)
    made: dict[nn.Module, nn.Module] = {}

    def visit(module: nn.Module, path: str) -> None:
        for own, child in module.named_children():
            name = f"{path}{own}"
            if not isinstance(child, nn.Linear | nn.Embedding):
                visit(child, f"{name}.")
                continue
            if child not in made:
                made[child] = child if name in recipe.float_layers else new(name, child)
            setattr(module, own, made[child])

    def new(name: str, layer: nn.Linear | nn.Embedding) -> nn.Module:
        return linear(name, layer) if isinstance(layer, nn.Linear) else embedding(layer)

    visit(replaced, "")
    return replaced.eval()


def represented(
    student: Student, recipe: Recipe, special: Callable[[str, nn.Linear], nn.Module]
) -> Student:
    """The student as ONNX and TorchScript store it.

    `special` makes the linear layers that each backend has operators of its own for: those with
    8-bit activations or 4-bit weights.
    """
    if recipe.weights == "float32":
        return student
    if recipe.weights == "float16":
        return with_replaced(student, recipe, lambda _, layer: HalfLinear(layer), HalfEmbedding)
    widened = recipe.weights == "int8" and recipe.activations == "float32"
    linear = (lambda _, layer: WeightsLinear(layer)) if widened else special
    return with_replaced(student, recipe, linear, Int8Embedding)
