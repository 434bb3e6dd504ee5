"""LiteRT's `benchmark_model`: how it is told what to run, and what it prints.

It prints two lines of statistics, of the runs to warm up and of those that count, in microseconds
(tflite/tools/benchmark in LiteRT's repository):

    count=50 first=266 curr=267 min=265 max=301 avg=266.4 std=4 p5=265 median=266 p95=270
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from edgebert.profiler.android_tool import ROUNDING, Job, Report, finite, in_bytes, strange
from edgebert_runtime.errors import DeviceError
from edgebert_runtime.manifest import tflite_signature
from edgebert_runtime.measurement import Memory, Timing

_MEGABYTE = 1024 * 1024
_MEMORY_RUNS = 5
_STATISTICS = re.compile(r"count=([0-9]{1,12})\b(.*)", re.ASCII)
_VALUE = re.compile(r"\b([a-z0-9]+)=([^\s(]+)", re.ASCII)
_PEAK = re.compile(r"Overall peak memory footprint \(MB\) via periodic monitoring: ([0-9.e+]+)")
_RESIDENT = re.compile(r"- VmRSS\s*: ([0-9]+) MB")


class BenchmarkModel:
    """Of LiteRT, or TensorFlow Lite: one signature of a file, one text at a time."""

    name = "benchmark_model"
    signs: tuple[str, ...] = ("benchmark_model", "--graph")
    backend = "tflite"
    suffix = ".tflite"
    remembers = False

    def check(self, help_text: str, batches: Sequence[int]) -> None:
        """It must know signatures: else it would time the first, whatever length is meant."""
        if "signature_to_run_for" not in help_text:
            raise DeviceError(
                "this benchmark_model has no --signature_to_run_for and can't choose a length; "
                "take that of LiteRT 2 or newer"
            )
        if set(batches) != {1}:
            raise DeviceError(
                f"benchmark_model runs one text at a time, got batches {_listed(batches)}; leave "
                "--batches away"
            )

    def inputs(self, job: Job) -> dict[str, bytes]:
        return {}

    def arguments(self, job: Job, *, memory: bool = False) -> list[str]:
        length = job.artifact.row_length(len(job.ids))
        names = list(job.artifact.inputs)
        # The tool fills inputs in an order of its own: 1 is right for all of them, as a token, as a
        # mark of text and as the second of two types. Times do not depend on values.
        options = {
            "graph": job.model,
            "signature_to_run_for": tflite_signature(length if job.artifact.lengths else None),
            "num_threads": str(job.threads),
            "input_layer": ",".join(names),
            "input_layer_shape": ":".join([f"1,{length}"] * len(names)),
            "input_layer_value_range": ":".join(f"{name},1,1" for name in names),
            "warmup_runs": "3",
            "warmup_min_secs": "0" if memory else f"{job.seconds / 4:.3f}",
            "num_runs": str(_MEMORY_RUNS),
            "min_secs": "0" if memory else f"{job.seconds * 3 / 4:.3f}",
            "max_secs": f"{job.seconds + 10:.3f}",
            "report_peak_memory_footprint": str(memory).lower(),
        }
        return [f"--{name}={value}" for name, value in options.items()]

    def report(self, job: Job, printed: str, results: str) -> Report:
        lines = [_values(*found) for found in _STATISTICS.findall(printed)]
        if len(lines) < 2:
            raise strange(self.name, printed, "two lines that begin with count=")
        warm_up, runs = lines[-2:]
        if "median" not in runs:
            raise DeviceError(
                "this benchmark_model prints no median; take that of LiteRT 2 or newer, whose "
                "lines of statistics have median="
            )
        count, median = int(runs["count"]), runs["median"]
        mean, deviation = runs.get("avg", runs.get("curr")), runs.get("std", 0.0)
        least, most = runs.get("min", median), runs.get("max", median)
        if (
            mean is None
            or count < 1
            or not 0 < least <= median <= most
            or not least * (1 - ROUNDING) <= mean <= most * (1 + ROUNDING)
        ):
            raise strange(self.name, printed, "times in their order")
        # The tool divides by the number of runs, for the deviation of a population.
        deviation *= math.sqrt(count / (count - 1)) if count > 1 else 1
        timing = Timing(
            tokens=len(job.ids),
            batch=job.batch,
            warm_up_runs=int(warm_up["count"]),
            runs=count,
            p50_ms=median / 1000,
            p90_ms=None,
            p99_ms=None,
            mean_ms=mean / 1000,
            standard_deviation_ms=deviation / 1000,
            interval_ms=None,
            quantiles_ms=(),
            sentences_per_second=job.batch * 1e6 / mean,
        )
        peak, resident = _PEAK.search(printed), _RESIDENT.search(printed)
        memory = Memory(
            peak_bytes=in_bytes(peak[1] if peak else None, _MEGABYTE),
            steady_bytes=in_bytes(resident[1] if resident else None, _MEGABYTE),
        )
        return Report(timing, memory)


def _values(count: str, rest: str) -> dict[str, float]:
    """Of `name=value`; what is not a finite number is left out."""
    values = {"count": float(count)}
    for name, text in _VALUE.findall(rest):
        if (value := finite(text)) is not None:
            values[name] = value
    return values


def _listed(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))
