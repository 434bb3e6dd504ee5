"""ONNX Runtime's `onnxruntime_perf_test`: how it is told what to run, and what it prints.

It writes the seconds of each run to a file, a row a run, and prints `P50 Latency: 0.0587108 s`, or
in older versions `P50 Latency is 0.0587108sec` (onnxruntime/test/perftest in its repository).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgebert.profiler.android_tool import (
    RESULTS,
    ROUNDING,
    Job,
    Report,
    finite,
    in_bytes,
    strange,
)
from edgebert_runtime.errors import DeviceError
from edgebert_runtime.measurement import Memory
from edgebert_runtime.timing import statistics

_DATA_TYPES = {"int32": 6, "int64": 7}
"""Of onnx.TensorProto."""
_WORKING_SET = re.compile(r"Peak working set size: ([0-9]+)(?: bytes)?")
_MEDIAN = re.compile(r"P50 Latency(?: is|:)\s*([0-9.eE+-]+)\s*s")


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
        median = finite(found[1]) if found else None
        if median is None:
            raise strange(
                self.name,
                printed,
                "a line such as 'P50 Latency: 0.0587 s', which ONNX Runtime 1.0 or newer prints",
            )
        seconds = _seconds_of_runs(results, median)
        # One run to warm up is its own; at full speed are those behind the first tenth.
        early = len(seconds) // 10
        timed = [each * 1000 for each in seconds[early:]]
        if len(timed) < 2:
            raise strange(self.name, printed, f"rows of at least two runs in {RESULTS}")
        timing = statistics(len(job.ids), 1 + early, timed, job.batch)
        peak = _WORKING_SET.search(printed)
        return Report(timing, Memory(peak_bytes=in_bytes(peak[1] if peak else None, 1)))


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
        values = [finite(row[column]) for row in rows]
        times = [value for value in values if value is not None and value > 0]
        if len(times) == len(rows):
            middle = sorted(times)[len(times) // 2]
            if abs(middle - median) <= ROUNDING * median:
                return times
    raise DeviceError(
        f"onnxruntime_perf_test wrote no runs to {RESULTS} that have the median it printed, "
        f"{median:g} s; this version is not understood"
    )
