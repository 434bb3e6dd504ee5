"""Timing repeated runs of one call."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from edgebert_runtime.measurement import Timing

_WINDOW = 3
_STABLE = 0.05
_LEAST_RUNS = 5
_MOST_RUNS = 10_000
_ENOUGH_RUNS = 100
"""Of which one in a hundred is slower than the 99th percentile."""
_ENOUGH_SECONDS = 0.3
"""Neighbours and clocks change from one tenth of a second to the next."""
_LOOK_EVERY = 0.25
_QUANTILES = tuple(range(0, 101, 5))

_Value = TypeVar("_Value")


def timed_ms(call: Callable[[], _Value]) -> tuple[float, _Value]:
    """Milliseconds that one call took, and what it returned."""
    start = time.perf_counter_ns()
    value = call()
    return (time.perf_counter_ns() - start) / 1e6, value


def time_repeatedly(
    tokens: int,
    run: Callable[[], object],
    seconds: float,
    *,
    batch: int = 1,
    precision: float = 0.0,
    look: Callable[[], object] = int,
) -> Timing:
    """Time `run`, on an input of `batch` texts of `tokens`, for at most about `seconds`.

    Runs to warm up come first, until they are stable or half of the time is gone. Then runs are
    made until the 95 % confidence interval of their median reaches no further than `precision`, as
    a share of it, to each side. A few runs of each kind are made however slow they are.

    Four times a second `look` is called between two runs.
    """
    start = time.perf_counter()
    looked = start
    warm_up: list[float] = []
    times: list[float] = []
    gc.collect()
    gc.disable()
    try:
        while len(warm_up) < _WINDOW or (
            time.perf_counter() < start + seconds / 2 and not is_stable(warm_up)
        ):
            warm_up.append(timed_ms(run)[0])
        first = now = time.perf_counter()
        check_at = _ENOUGH_RUNS
        while len(times) < _LEAST_RUNS or (now < start + seconds and len(times) < _MOST_RUNS):
            times.append(timed_ms(run)[0])
            now = time.perf_counter()
            if now > looked + _LOOK_EVERY:
                look()
                looked = time.perf_counter()
            if len(times) >= check_at and now > first + _ENOUGH_SECONDS:
                if _is_precise(times, precision):
                    break
                check_at = len(times) * 5 // 4
    finally:
        gc.enable()
    return statistics(tokens, len(warm_up), times, batch)


def is_stable(times_ms: Sequence[float]) -> bool:
    """Whether the median of the last runs is within 5 % of the median of those before them."""
    if len(times_ms) < 2 * _WINDOW:
        return False
    before = float(np.median(times_ms[-2 * _WINDOW : -_WINDOW]))
    return abs(float(np.median(times_ms[-_WINDOW:])) - before) < _STABLE * before


def _is_precise(times_ms: Sequence[float], precision: float) -> bool:
    interval = interval_of_median(times_ms)
    if interval is None:
        return False
    low, high = interval
    middle = float(np.median(times_ms))
    return max(high - middle, middle - low) <= precision * middle


def interval_of_median(times_ms: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % confidence interval of the median, between two of the times; None for under six.

    By ranks (Conover, Practical Nonparametric Statistics, 1999, section 3.2): whatever the
    distribution, if the times are independent.
    """
    count = len(times_ms)
    if count < 6:
        return None
    reach = 1.96 * math.sqrt(count) / 2
    low = max(1, math.floor(count / 2 - reach + 0.5))
    ordered = sorted(times_ms)
    return ordered[low - 1], ordered[count - low]


def statistics(tokens: int, warm_up_runs: int, times_ms: Sequence[float], batch: int = 1) -> Timing:
    """Of two runs at least; percentiles interpolate linearly, the deviation is of a sample."""
    times = np.asarray(times_ms, dtype=np.float64)
    p50, p90, p99 = np.percentile(times, [50, 90, 99]).tolist()
    mean = float(times.mean())
    return Timing(
        tokens=tokens,
        batch=batch,
        warm_up_runs=warm_up_runs,
        runs=len(times),
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        mean_ms=mean,
        standard_deviation_ms=float(times.std(ddof=1)),
        interval_ms=interval_of_median(times_ms),
        quantiles_ms=tuple(np.percentile(times, _QUANTILES).tolist()),
        sentences_per_second=batch * 1000 / mean,
    )
