"""Parameters, bytes and zeros by part of a student: embeddings, attention, feed-forward, head."""

from __future__ import annotations

import math
from collections import Counter

from torch import nn

from edgebert_converters.heads import Student
from edgebert_converters.quantization import BLOCK, quantize_rows
from edgebert_converters.recipes import Recipe

_FLOAT_BYTES = 4
_FEED_FORWARD = ("feed_forward", "expands", "contracts")
_BOTTLENECK = ("narrow", "narrow_shared", "widen")


def parameters(student: Student) -> dict[str, int]:
    """Number of parameters of each part; shared ones count once."""
    counts: Counter[str] = Counter()
    for name, parameter in student.named_parameters():
        counts[_component(name)] += parameter.numel()
    return dict(counts)


def weight_bytes(student: Student, recipe: Recipe, backend: str) -> dict[str, int]:
    """Bytes of weights of each part as the recipe stores them.

    In int8, a linear layer or a table takes one byte a weight and four bytes a row for its scale;
    in int4, half a byte a weight, and for each block of 32 four bytes in ONNX, in TFLite two, and
    four for the row.
    """
    counts: Counter[str] = Counter()
    for name, module in student.named_modules():
        for own, parameter in module.named_parameters(recurse=False):
            size = parameter.numel() * _FLOAT_BYTES
            if own == "weight" and name not in recipe.float_layers:
                size = _represented_bytes(module, recipe, backend) or size
            counts[_component(name)] += size
    return dict(counts)


def sparsity(student: Student, recipe: Recipe) -> float:
    """Share of zeros among the weights of linear layers and tables, as the recipe stores them."""
    zeros = count = 0
    for name, module in student.named_modules():
        if not isinstance(module, nn.Linear | nn.Embedding):
            continue
        weight = module.weight.detach()
        if recipe.weights in ("int8", "int4") and name not in recipe.float_layers:
            weight, _ = quantize_rows(weight)
        zeros += int((weight == 0).sum())
        count += weight.numel()
    return zeros / count


def _represented_bytes(module: nn.Module, recipe: Recipe, backend: str) -> int | None:
    if not isinstance(module, nn.Linear | nn.Embedding) or recipe.weights == "float32":
        return None
    rows, columns = module.weight.shape
    if recipe.weights == "float16":
        return 2 * rows * columns
    if recipe.weights == "int4" and isinstance(module, nn.Linear):
        blocks = math.ceil(columns / BLOCK)
        if backend == "tflite":
            return rows * (blocks * (BLOCK // 2 + 2) + _FLOAT_BYTES)
        return rows * blocks * (BLOCK // 2 + _FLOAT_BYTES)
    return rows * (columns + _FLOAT_BYTES)


def _component(name: str) -> str:
    parts = name.split(".")
    if parts[0] == "head":
        return "head"
    if parts[1] == "embeddings":
        return "embeddings"
    if any(part.startswith(_FEED_FORWARD) for part in parts):
        return "feed_forward"
    return "bottleneck" if any(part in _BOTTLENECK for part in parts) else "attention"
