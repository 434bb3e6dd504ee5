"""The largest share of heads and neurons with which a model meets a target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgebert.compression.options import Target
from edgebert_runtime.errors import InputError

_STEPS = {"parameters": 10, "macs": 10, "latency": 5}
"""Halvings of the share: a measurement takes seconds, and its noise hides finer steps."""


@dataclass(frozen=True)
class Figures:
    """What a candidate costs; latency is None unless it was measured."""

    parameters: int
    macs: int
    milliseconds: float | None = None
    latency_ratio: float | None = None
    """Of the unpruned model's latency, measured in turns with it."""


@dataclass(frozen=True)
class Try:
    """One candidate of the search."""

    share: float
    """Of the heads and of the neurons of the unpruned model."""
    figures: Figures
    met: bool


def search(
    target: Target, whole: Figures, measure: Callable[[float], Figures]
) -> tuple[float, list[Try]]:
    """The share to keep, and every candidate on the way, by bisection.

    `measure` costs a share, 0 meaning the least that can stay; `whole` is the unpruned model.

    Raises:
        InputError: if even the least that can stay does not meet the target.
    """
    tries: list[Try] = []

    def attempt(share: float) -> bool:
        figures = measure(share)
        tries.append(Try(share, figures, _figure(target, figures) <= _limit(target, whole)))
        return tries[-1].met

    if attempt(1.0):
        return 1.0, tries
    if not attempt(0.0):
        least = _figure(target, tries[-1].figures)
        raise InputError(
            f"target {target.kind}={target.value:g} cannot be met by pruning heads and neurons: "
            f"with the least of both it is {least:,.4g}, the limit is "
            f"{_limit(target, whole):,.4g}; remove --layers too, or aim higher"
        )
    low, high = 0.0, 1.0
    for _ in range(_STEPS[target.kind]):
        middle = (low + high) / 2
        low, high = (middle, high) if attempt(middle) else (low, middle)
    return low, tries


def _limit(target: Target, whole: Figures) -> float:
    if target.value >= 1:
        return target.value
    return target.value * (1.0 if target.kind == "latency" else _figure(target, whole))


def _figure(target: Target, figures: Figures) -> float:
    if target.kind != "latency":
        return float(getattr(figures, target.kind))
    value = figures.latency_ratio if target.value < 1 else figures.milliseconds
    assert value is not None
    return value
