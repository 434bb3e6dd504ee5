"""One label of several: softmax over the logits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Classification:
    """The best label, and every label's probability."""

    label: str
    score: float
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
) -> Classification:
    """Logits of one text, one a label → probabilities that add up to 1."""
    highest = max(logits)
    weights = [math.exp(logit - highest) for logit in logits]
    total = sum(weights)
    scores = {label: weight / total for label, weight in zip(labels, weights, strict=True)}
    top = best(scores, top_k)
    return Classification(top[0][0], top[0][1], scores, top, truncated, windows)


def best(scores: dict[str, float], top_k: int) -> tuple[tuple[str, float], ...]:
    """The `top_k` highest scores, best first; equal scores keep the order of the labels."""
    return tuple(sorted(scores.items(), key=lambda item: -item[1])[:top_k])
