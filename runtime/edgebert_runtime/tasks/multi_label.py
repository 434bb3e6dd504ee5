"""Any number of labels: a sigmoid for each logit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgebert_runtime.tasks.classification import best

THRESHOLD = 0.5


@dataclass(frozen=True)
class MultiLabel:
    """The labels that apply, and every label's own probability."""

    labels: tuple[str, ...]
    """Those with a score of at least 0.5, in the order of the model's labels; may be empty."""
    scores: dict[str, float]
    """In the order of the model's labels."""
    top: tuple[tuple[str, float], ...]
    """The `top_k` best labels with their scores, best first."""
    truncated: bool
    """A part of the text was not looked at."""
    windows: int = 1
    """How many overlapping parts the text was read in."""


def interpret(
    logits: Sequence[float],
    labels: tuple[str, ...],
    top_k: int,
    truncated: bool,
    windows: int = 1,
) -> MultiLabel:
    """Logits of one text, one a label → independent probabilities."""
    scores = {label: _sigmoid(logit) for label, logit in zip(labels, logits, strict=True)}
    applying = tuple(label for label, score in scores.items() if score >= THRESHOLD)
    return MultiLabel(applying, scores, best(scores, top_k), truncated, windows)


def _sigmoid(logit: float) -> float:
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    weight = math.exp(logit)
    return weight / (1.0 + weight)
