"""Parameters, bytes and zeros by part of a student: embeddings, attention, feed-forward, head."""

from __future__ import annotations

import math
from collections import Counter

from torch import Tensor, nn

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

    A decoder that is tied to the token table counts with the table where the file holds both once:
    in float32, and in TFLite wherever both have the same bits. Elsewhere it is there twice, since
    each kind of layer has its weights in a layout of its own.
    """
    counts: Counter[str] = Counter()
    counted: set[tuple[int, str]] = set()
    for name, module in student.named_modules():
        for own, parameter in module.named_parameters(recurse=False):
            kind = _kind(name, module, recipe) if own == "weight" else "float32"
            copy = kind if kind == "float32" or backend == "tflite" else name
            if (id(parameter), copy) not in counted:
                counted.add((id(parameter), copy))
                counts[_component(name)] += _stored_bytes(parameter, kind, backend)
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


def _kind(name: str, module: nn.Module, recipe: Recipe) -> str:
    """What a module's weights are stored in; tables have 8 bits where linear layers have 4."""
    if not isinstance(module, nn.Linear | nn.Embedding) or name in recipe.float_layers:
        return "float32"
    return (
        "int8" if recipe.weights == "int4" and isinstance(module, nn.Embedding) else recipe.weights
    )


def _stored_bytes(weight: Tensor, kind: str, backend: str) -> int:
    if kind in ("float32", "float16"):
        return weight.numel() * (_FLOAT_BYTES if kind == "float32" else 2)
    rows, columns = weight.shape
    if kind == "int8":
        return rows * (columns + _FLOAT_BYTES)
    blocks = math.ceil(columns / BLOCK)
    if backend == "tflite":
        return rows * (blocks * (BLOCK // 2 + 2) + _FLOAT_BYTES)
    return rows * blocks * (BLOCK // 2 + _FLOAT_BYTES)


def _component(name: str) -> str:
    parts = name.split(".")
    if parts[0] == "head":
        return "head"
    if parts[1] == "embeddings":
        return "embeddings"
    if any(part.startswith(_FEED_FORWARD) for part in parts):
        return "feed_forward"
    return "bottleneck" if any(part in _BOTTLENECK for part in parts) else "attention"
