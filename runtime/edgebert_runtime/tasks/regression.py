"""Numbers as they are: one for each of the model's labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Regression:
    """The first value, and every value by its label."""

    value: float
    values: dict[str, float]
    """In the order of the model's labels."""
    truncated: bool
    """A part of the text was not looked at."""
    windows: int = 1
    """How many overlapping parts the text was read in."""


def interpret(
    outputs: Sequence[float],
    labels: tuple[str, ...],
    top_k: int,
    truncated: bool,
    windows: int = 1,
) -> Regression:
    """Raw outputs of one text, one a label; there is nothing to rank, so `top_k` is not used."""
    values = dict(zip(labels, map(float, outputs), strict=True))
    return Regression(float(outputs[0]), values, truncated, windows)
