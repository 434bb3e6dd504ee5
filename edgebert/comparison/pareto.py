"""Which of several choices no other beats in everything.

Dominance as multi-objective optimisation defines it: Kalyanmoy Deb, "Multi-Objective Optimization
using Evolutionary Algorithms" (2001), section 2.4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """What a choice is judged by. None and NaN are figures that nobody knows."""

    score: float | None
    """Higher is better."""
    latency_ms: float | None
    bytes: float | None

    @property
    def known(self) -> bool:
        """Whether all three are numbers."""
        return not any(
            figure is None or math.isnan(figure)
            for figure in (self.score, self.latency_ms, self.bytes)
        )


def dominates(one: Figures, other: Figures) -> bool:
    """Whether `one` is at least as good in every figure, and better in one.

    A choice with an unknown figure neither dominates nor is dominated.
    """
    if not (one.known and other.known):
        return False
    assert one.score is not None
    assert other.score is not None
    gains = (
        one.score - other.score,
        (other.latency_ms or 0.0) - (one.latency_ms or 0.0),
        (other.bytes or 0.0) - (one.bytes or 0.0),
    )
    return min(gains) >= 0 and max(gains) > 0


def front(choices: Sequence[Figures]) -> list[bool]:
    """For each choice, whether it is on the Pareto front: known, and dominated by none.

    Equal choices are on the front together.
    """
    return [
        choice.known and not any(dominates(other, choice) for other in choices)
        for choice in choices
    ]
