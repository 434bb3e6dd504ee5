"""Timing repeated runs of one call."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from edgebert_runtime.measurement import Timing

_WINDOW = 3
_STABLE = 0.05
_LEAST_RUNS = 5
_MOST_RUNS = 10_000

_Value = TypeVar("_Value")


def timed_ms(call: Callable[[], _Value]) -> tuple[float, _Value]:
    """Milliseconds that one call took, and what it returned."""
    start = time.perf_counter_ns()
    value = call()
    return (time.perf_counter_ns() - start) / 1e6, value


def time_repeatedly(tokens: int, run: Callable[[], object], seconds: float) -> Timing:
    """Time `run`, on an input of `tokens`, for about `seconds`.

    Runs to warm up come first, until they are stable or half of the time is gone. A few runs of
    each kind are made however slow they are.
    """
    start = time.perf_counter()
    warm_up: list[float] = []
    times: list[float] = []
    gc.collect()
    gc.disable()
    try:
        while len(warm_up) < _WINDOW or (
            time.perf_counter() < start + seconds / 2 and not is_stable(warm_up)
        ):
            warm_up.append(timed_ms(run)[0])
        while len(times) < _LEAST_RUNS or (
            time.perf_counter() < start + seconds and len(times) < _MOST_RUNS
        ):
            times.append(timed_ms(run)[0])
    finally:
        gc.enable()
    return statistics(tokens, len(warm_up), times)


def is_stable(times_ms: Sequence[float]) -> bool:
    """Whether the median of the last runs is within 5 % of the median of those before them."""
    if len(times_ms) < 2 * _WINDOW:
        return False
    before = float(np.median(times_ms[-2 * _WINDOW : -_WINDOW]))
    return abs(float(np.median(times_ms[-_WINDOW:])) - before) < _STABLE * before


def statistics(tokens: int, warm_up_runs: int, times_ms: Sequence[float]) -> Timing:
    """Of two runs at least; percentiles interpolate linearly, the deviation is of a sample."""
    times = np.asarray(times_ms, dtype=np.float64)
    p50, p90, p99 = np.percentile(times, [50, 90, 99]).tolist()
    mean = float(times.mean())
    return Timing(
        tokens=tokens,
        warm_up_runs=warm_up_runs,
        runs=len(times),
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        mean_ms=mean,
        standard_deviation_ms=float(times.std(ddof=1)),
        sentences_per_second=1000 / mean,
    )
