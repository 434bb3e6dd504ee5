"""Running without rest: what heat does to latency over minutes."""

from __future__ import annotations

import time
from collections.abc import Callable

from edgebert_runtime.conditions import Watch
from edgebert_runtime.measurement import Stretch
from edgebert_runtime.timing import statistics, timed_ms

_STRETCHES = 60
_LEAST_SECONDS = 0.5
_LEAST_RUNS = 2


def run_without_rest(
    run: Callable[[], object], seconds: float, watch: Watch, progress: Callable[[str], None]
) -> tuple[Stretch, ...]:
    """Run for `seconds`, and tell how each of about 60 stretches went; nothing for 0."""
    start = time.perf_counter()
    length = max(seconds / _STRETCHES, _LEAST_SECONDS)
    stretches: list[Stretch] = []
    while time.perf_counter() < start + seconds:
        began = time.perf_counter()
        progress(f"without rest: {began - start:.0f} of {seconds:.0f} s")
        times: list[float] = []
        while len(times) < _LEAST_RUNS or time.perf_counter() < began + length:
            times.append(timed_ms(run)[0])
        moment, timing = watch.look(), statistics(0, 0, times)
        stretches.append(
            Stretch(
                seconds=(began + time.perf_counter()) / 2 - start,
                runs=len(times),
                p50_ms=timing.p50_ms,
                p90_ms=timing.p90_ms,
                frequency_mhz=moment.frequency_mhz,
                temperature_celsius=moment.temperature_celsius,
            )
        )
    return tuple(stretches)
