"""Measured calls of operators, folded to what a person reads."""

from __future__ import annotations

from collections.abc import Iterable

from edgebert_runtime.graph_parts import Call
from edgebert_runtime.measurement import Operator


def folded(calls: Iterable[Call], runs: int) -> tuple[Operator, ...]:
    """Calls of `runs` runs as means of one run, by part and kind, the slowest first."""
    durations: dict[tuple[str, str], list[float]] = {}
    for call in calls:
        durations.setdefault((call.part, call.kind), []).append(call.milliseconds)
    operators = [
        Operator(part, kind, len(each) / runs, sum(each) / runs)
        for (part, kind), each in durations.items()
    ]
    return tuple(sorted(operators, key=lambda each: -each.milliseconds))
