"""Running without rest: what heat does to latency over minutes."""

from __future__ import annotations

import time
from collections.abc import Callable

from edgebert_runtime.measurement import Moment, Stretch, Timing
from edgebert_runtime.timing import statistics, timed_ms

_STRETCHES = 60
_LEAST_RUNS = 2


def without_rest(
    stretch: Callable[[float], tuple[Timing, Moment]],
    seconds: float,
    least_seconds: float,
    progress: Callable[[str], None],
) -> tuple[Stretch, ...]:
    """How each of about 60 stretches went, one behind the other; nothing for 0 seconds.

    `stretch` runs for as many seconds as it is given, `least_seconds` or more.
    """
    start = time.perf_counter()
    length = max(seconds / _STRETCHES, least_seconds)
    stretches: list[Stretch] = []
    while (began := time.perf_counter()) < start + seconds:
        progress(f"without rest: {began - start:.0f} of {seconds:.0f} s")
        timing, moment = stretch(length)
        stretches.append(
            Stretch(
                seconds=(began + time.perf_counter()) / 2 - start,
                runs=timing.runs,
                p50_ms=timing.p50_ms,
                p90_ms=timing.p90_ms,
                frequency_mhz=moment.frequency_mhz,
                temperature_celsius=moment.temperature_celsius,
            )
        )
    return tuple(stretches)


def run_for(run: Callable[[], object], tokens: int, seconds: float) -> Timing:
    """Time `run` for so long, whatever the times are; two runs at least."""
    end = time.perf_counter() + seconds
    times: list[float] = []
    while len(times) < _LEAST_RUNS or time.perf_counter() < end:
        times.append(timed_ms(run)[0])
    return statistics(tokens, 0, times)
