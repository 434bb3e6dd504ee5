"""Benchmark programs of other libraries: how they are told what to run, and what they print.

LiteRT's `benchmark_model` (tflite/tools/benchmark in its repository) prints two lines of
statistics, of the runs to warm up and of those that count, in microseconds:

    count=50 first=266 curr=267 min=265 max=301 avg=266.4 std=4 p5=265 median=266 p95=270

ONNX Runtime's `onnxruntime_perf_test` (onnxruntime/test/perftest) writes the seconds of each run
to a file, a row a run, and prints `P50 Latency: 0.0587108 s`, or in older versions
`P50 Latency is 0.0587108sec`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edgebert_runtime.errors import DeviceError, shortened
from edgebert_runtime.manifest import Artifact
from edgebert_runtime.measurement import Memory, Timing
from edgebert_runtime.timing import statistics

RESULTS = "results.csv"
"""Where a tool writes single runs, in the folder of its run."""

_MEGABYTE = 1024 * 1024
_MOST = 1e10
"""Microseconds, or bytes: what is beyond was not understood."""
_MEMORY_RUNS = 5
_DATA_TYPES = {"int32": 6, "int64": 7}
"""Of onnx.TensorProto."""
_ABIS = {0x03: "x86", 0x28: "armeabi-v7a", 0x3E: "x86_64", 0xB7: "arm64-v8a", 0xF3: "riscv64"}
"""Machine in the header of an ELF file → Android's name for it."""
_STATISTICS = re.compile(r"count=([0-9]{1,12})\b(.*)", re.ASCII)
_VALUE = re.compile(r"\b([a-z0-9]+)=([^\s(]+)", re.ASCII)
_PEAK = re.compile(r"Overall peak memory footprint \(MB\) via periodic monitoring: ([0-9.e+]+)")
_RESIDENT = re.compile(r"- VmRSS\s*: ([0-9]+) MB")
_WORKING_SET = re.compile(r"Peak working set size: ([0-9]+)(?: bytes)?")
_MEDIAN = re.compile(r"P50 Latency(?: is|:)\s*([0-9.eE+-]+)\s*s")
_VERSION = re.compile(r"\bversion:?\s+v?([0-9]+(?:\.[0-9]+)+[0-9A-Za-z.+-]*)", re.IGNORECASE)
_ROUNDING = 1e-3
"""Figures are printed with six digits."""


@dataclass(frozen=True)
class Job:
    """What a tool is to run, with absolute paths of the device."""

    artifact: Artifact
    model: str
    folder: str
    """Where it runs; nobody else looks there."""
    ids: tuple[int, ...]
    """Of one text."""
    batch: int
    threads: int
    seconds: float


@dataclass(frozen=True)
class Report:
    """What a tool told. None is what it doesn't."""

    timing: Timing
    memory: Memory


class Tool(Protocol):
    """A program that times models of one backend."""

    name: str
    signs: tuple[str, ...]
    """Of which one is in its name, or in what it prints about its options."""
    backend: str
    suffix: str
    """Of the model's file."""
    remembers: bool
    """Whether the runs that are timed tell of memory, too."""

    def check(self, help_text: str, batches: Sequence[int]) -> None:
        """Raise DeviceError for a version, or for batches, that it can't measure with."""

    def inputs(self, job: Job) -> dict[str, bytes]:
        """Files for the folder of the run: path → content."""

    def arguments(self, job: Job, *, memory: bool = False) -> list[str]:
        """Its command line, without itself; `memory` asks for memory instead of times."""

    def report(self, job: Job, printed: str, results: str) -> Report:
        """Read what it printed, and what it wrote to `RESULTS`; DeviceError if that is strange."""


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
        length = next(each for each in job.artifact.lengths if each >= len(job.ids))
        names = list(job.artifact.inputs)
        # The tool fills inputs in an order of its own: 1 is right for all of them, as a token, as a
        # mark of text and as the second of two types. Times do not depend on values.
        options = {
            "graph": job.model,
            "signature_to_run_for": f"tokens_{length}",
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
            raise _strange(self.name, printed, "two lines that begin with count=")
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
            or not least * (1 - _ROUNDING) <= mean <= most * (1 + _ROUNDING)
        ):
            raise _strange(self.name, printed, "times in their order")
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
            peak_bytes=_bytes(peak[1] if peak else None, _MEGABYTE),
            steady_bytes=_bytes(resident[1] if resident else None, _MEGABYTE),
        )
        return Report(timing, memory)


class PerfTest:
    """Of ONNX Runtime: any length and batch, on the ids of real text."""

    name = "onnxruntime_perf_test"
    signs: tuple[str, ...] = ("perf_test",)
    backend = "onnx"
    suffix = ".onnx"
    remembers = True

    def check(self, help_text: str, batches: Sequence[int]) -> None:
        """All versions know what is asked for."""

    def inputs(self, job: Job) -> dict[str, bytes]:
        """It reads inputs of the one folder that lies beside the model."""
        ids = np.tile(np.array(job.ids, dtype=np.int64), (job.batch, 1))
        values = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        return {
            f"test_data_set_0/input_{number}.pb": tensor(name, values[name].astype(kind))
            for number, (name, kind) in enumerate(job.artifact.inputs.items())
        }

    def arguments(self, job: Job, *, memory: bool = False) -> list[str]:
        # It counts whole seconds.
        seconds = max(1, round(job.seconds))
        options = f"-e cpu -x {job.threads} -y 1 -o 99 -m duration -t {seconds} -s"
        return [*options.split(), job.model, f"{job.folder}/{RESULTS}"]

    def report(self, job: Job, printed: str, results: str) -> Report:
        found = _MEDIAN.search(printed)
        median = _finite(found[1]) if found else None
        if median is None:
            raise _strange(
                self.name,
                printed,
                "a line such as 'P50 Latency: 0.0587 s', which ONNX Runtime 1.0 or newer prints",
            )
        seconds = _seconds_of_runs(results, median)
        # One run to warm up is its own; at full speed are those behind the first tenth.
        early = len(seconds) // 10
        timed = [each * 1000 for each in seconds[early:]]
        if len(timed) < 2:
            raise _strange(self.name, printed, f"rows of at least two runs in {RESULTS}")
        timing = statistics(len(job.ids), 1 + early, timed, job.batch)
        peak = _WORKING_SET.search(printed)
        return Report(timing, Memory(peak_bytes=_bytes(peak[1] if peak else None, 1)))


_TOOLS: tuple[Tool, ...] = (PerfTest(), BenchmarkModel())


def is_known(text: str) -> bool:
    """Whether a text is what a known tool prints about its options."""
    return any(sign in text for tool in _TOOLS for sign in tool.signs)


def tool_of(name: str, help_text: str) -> Tool:
    """The tool that says so in the text of its --help, or has such a name.

    Raises:
        DeviceError: if it is none that is known.
    """
    for text in (help_text, name):
        for tool in _TOOLS:
            if any(sign in text for sign in tool.signs):
                return tool
    raise DeviceError(
        f"tool {shortened(name)} is neither LiteRT's benchmark_model nor ONNX Runtime's "
        "onnxruntime_perf_test, by its name and its --help"
    )


def version_of(help_text: str) -> str | None:
    """The version that a tool tells, if it does."""
    found = _VERSION.search(help_text)
    return found[1] if found else None


def abi_of(path: Path) -> str | None:
    """Which devices a program is for, by its ELF header; None if it has none."""
    with path.open("rb") as stream:
        head = stream.read(20)
    if head[:4] != b"\x7fELF" or len(head) < 20:
        return None
    machine = int.from_bytes(head[18:20], "big" if head[5] == 2 else "little")
    return _ABIS.get(machine, f"machine {machine:#x}")


def tensor(name: str, array: npt.NDArray[np.generic]) -> bytes:
    """An onnx.TensorProto of int32 or int64, written out: a tag and a value for each field.

    Fields are dims 1, data_type 2, name 8 and raw_data 9 (onnx/onnx.proto).
    """
    dims = b"".join(b"\x08" + _varint(size) for size in array.shape)
    kind = b"\x10" + _varint(_DATA_TYPES[array.dtype.name])
    raw = array.astype(array.dtype.newbyteorder("<")).tobytes()
    texts = ((b"\x42", name.encode()), (b"\x4a", raw))
    return dims + kind + b"".join(tag + _varint(len(text)) + text for tag, text in texts)


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more come."""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def _seconds_of_runs(results: str, median: float) -> list[float]:
    """Of the columns, which differ between versions, the one with the median that was printed."""
    # A last row without an end was cut.
    rows = [line.split(",") for line in results.split("\n")[:-1] if line.count(",") >= 4]
    width = min(map(len, rows), default=0)
    for column in range(1, width):
        values = [_finite(row[column]) for row in rows]
        times = [value for value in values if value is not None and value > 0]
        if len(times) == len(rows):
            middle = sorted(times)[len(times) // 2]
            if abs(middle - median) <= _ROUNDING * median:
                return times
    raise DeviceError(
        f"onnxruntime_perf_test wrote no runs to {RESULTS} that have the median it printed, "
        f"{median:g} s; this version is not understood"
    )


def _values(count: str, rest: str) -> dict[str, float]:
    """Of `name=value`; what is not a finite number is left out."""
    values = {"count": float(count)}
    for name, text in _VALUE.findall(rest):
        if (value := _finite(text)) is not None:
            values[name] = value
    return values


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < _MOST else None


def _bytes(text: str | None, unit: int) -> int | None:
    value = _finite(text) if text else None
    return None if not value else round(value * unit)


def _listed(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def _strange(name: str, printed: str, expected: str) -> DeviceError:
    lines = ["".join(filter(str.isprintable, line)).strip() for line in printed.splitlines()]
    last = next((line for line in reversed(lines) if line), "nothing")
    return DeviceError(f"{name} printed {shortened(last)}, expected {expected}")
