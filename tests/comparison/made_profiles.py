"""A profile of a real measurement, and others in which figures are changed by hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from edgebert.profiler.local import Local
from edgebert.profiler.profile import Machine, Profile, Result, model_of
from edgebert_runtime import Bundle
from edgebert_runtime.measurement import Measurement, Settings


def profile(bundle: Path, *backends: str) -> Profile:
    """Of each backend, at 8 and 16 tokens."""
    settings = [Settings(each, lengths=(8, 16), budget_seconds=0.2) for each in backends]
    return of(bundle, [Local().measure(bundle, each) for each in settings])


def of(bundle: Path, measurements: list[Measurement], *devices: str) -> Profile:
    names = devices or ("local",)
    machines = [Machine(name, name) for name in names]
    results = [Result(name, "model", each) for name in names for each in measurements]
    return Profile.of(machines, [model_of(Bundle(bundle), "model")], results)


def timed(measurement: Measurement, p50_ms: float, reach_ms: float = 0.01) -> Measurement:
    """Every time set to one figure, and its confidence interval to so much on both sides."""

    def change(timing: object) -> object:
        return dataclasses.replace(
            timing,  # type: ignore[type-var]
            p50_ms=p50_ms,
            interval_ms=(p50_ms - reach_ms, p50_ms + reach_ms),
        )

    return dataclasses.replace(
        measurement,
        lengths=tuple(change(each) for each in measurement.lengths),
        text_to_answer=change(measurement.text_to_answer),
    )
