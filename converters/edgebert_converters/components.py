"""Parameters and bytes by part of a student: embeddings, attention, feed-forward, head."""

from __future__ import annotations

from collections import Counter

from torch import nn

from edgebert_converters.heads import Student
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


def weight_bytes(student: Student, recipe: Recipe) -> dict[str, int]:
    """Bytes of weights of each part as the recipe stores them.

    In int8, a linear layer or a table takes one byte a weight and four bytes a row for its scale.
    """
    counts: Counter[str] = Counter()
    for name, module in student.named_modules():
        for own, parameter in module.named_parameters(recurse=False):
            size = parameter.numel() * _FLOAT_BYTES
            if recipe.int8 and own == "weight" and isinstance(module, nn.Linear | nn.Embedding):
                size = parameter.numel() + parameter.shape[0] * _FLOAT_BYTES
            counts[_component(name)] += size
    return dict(counts)


def _component(name: str) -> str:
    parts = name.split(".")
    if parts[0] == "head":
        return "head"
    if parts[1] == "embeddings":
        return "embeddings"
    if any(part.startswith(_FEED_FORWARD) for part in parts):
        return "feed_forward"
    return "bottleneck" if any(part in _BOTTLENECK for part in parts) else "attention"
