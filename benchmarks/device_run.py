"""One run of `device_probe.py` under a condition: what it answered, and what it took."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import device_conditions
import numpy as np
from device_conditions import Condition

PROBE = Path(__file__).with_name("device_probe.py")


@dataclass(frozen=True)
class Job:
    """What to run: the bundle on a backend, with the interpreter that has the runtime."""

    python: str
    bundle: Path
    backend: str
    threads: int | None = 1
    answers: int = 0
    """Further answers after the first ones, one text at a time."""
    timeout: float = 300
    """Seconds until the process is killed."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    status: int
    """Exit status; below 0 the number of the signal that ended it."""
    found: dict[str, Any]
    """What the probe said; empty if it said nothing."""
    errors: str
    """Standard error."""
    peak_bytes: int
    """The most resident memory of the process, by its own /proc. Where that is hidden, or the
    process was killed, what the kernel tells its parent, which may count the parent's too."""
    seconds: float
    timed_out: bool

    def result(self, expected: Outcome | None = None) -> str:
        """In a few words: whether answers are those `expected`, or how it failed."""
        if self.timed_out:
            return "not done in time"
        if self.status < 0:
            return f"killed by signal {-self.status}"
        if self.status or "scores" not in self.found:
            lines = [str(self.found.get("error", "")), *reversed(self.errors.splitlines())]
            return next((line for line in lines if line), f"status {self.status}")
        if expected is None:
            return "answers"
        difference = self.difference(expected)
        return "same answers" if difference == 0 else f"answers differ by {difference:.2g}"

    def difference(self, other: Outcome) -> float:
        """The largest between scores of two runs that answered."""
        scores = np.array(self.found["scores"]), np.array(other.found["scores"])
        return float(np.abs(scores[0] - scores[1]).max())


def run(job: Job, condition: Condition = device_conditions.ORDINARY) -> Outcome:
    """Run the probe and wait for its end."""
    reader, writer = os.pipe()
    arguments = [job.python, str(PROBE), str(job.bundle.resolve()), job.backend]
    arguments += ["--answers", str(job.answers), "--descriptor", str(writer)]
    arguments += [] if job.threads is None else ["--threads", str(job.threads)]
    started = time.perf_counter()
    with tempfile.TemporaryFile() as errors, os.fdopen(reader, "rb") as said:
        process = subprocess.Popen(
            device_conditions.command(condition, arguments),
            env=device_conditions.environment(condition, job.bundle),
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            pass_fds=(writer,),
        )
        os.close(writer)
        late = threading.Event()

        def kill() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(job.timeout, kill)
        timer.start()
        # subprocess itself would throw the figures of the process away.
        _, ended, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(ended)
        errors.seek(0)
        found: dict[str, Any] = {}
        with contextlib.suppress(ValueError):
            found = json.loads(said.read())
        return Outcome(
            status=process.returncode,
            found=found,
            errors=errors.read().decode("utf-8", "replace"),
            peak_bytes=found.get("peak_bytes") or usage.ru_maxrss * 1024,
            seconds=time.perf_counter() - started,
            timed_out=late.is_set(),
        )
