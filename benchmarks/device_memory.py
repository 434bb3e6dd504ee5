"""The least memory in which a bundle answers: a cgroup, made smaller until it doesn't."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import device_conditions
import device_run
from device_run import Job, Outcome

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Limited:
    """A run within a limit."""

    limit_bytes: int
    outcome: Outcome
    used_most_bytes: int
    """The most that the group held, page cache of the files that it read included."""

    @property
    def answered(self) -> bool:
        """Whether it came to its end."""
        return self.outcome.status == 0 and not self.outcome.timed_out


def run_within(job: Job, limit: int) -> Limited:
    """Run the probe in a cgroup of `limit` bytes, with none of its files cached from before.

    Raises:
        OSError: if this system lets nobody make a cgroup.
    """
    for folder in {*_library_folders(job.python), job.bundle.resolve()}:
        device_conditions.forget_files(folder)
    with device_conditions.memory_limit(limit) as procs:
        outcome = device_run.run(job, device_conditions.within(procs))
        return Limited(limit, outcome, device_conditions.used_most(procs))


def least(job: Job, most: int, step: int = MEBIBYTE) -> tuple[Limited, Limited]:
    """The smallest limit that works and the largest that doesn't, `step` bytes apart.

    Raises:
        RuntimeError: if `most` is too little.
    """
    works, fails = run_within(job, most), None
    if not works.answered:
        raise RuntimeError(f"{job.backend}: {works.outcome.result()} in {most} bytes")
    low = 0
    while works.limit_bytes - low > step:
        middle = (works.limit_bytes + low) // 2 // step * step
        tried = run_within(job, middle)
        if tried.answered:
            works = tried
        else:
            low, fails = middle, tried
    assert fails is not None
    return works, fails


def address_space(job: Job, limit: int) -> Outcome:
    """Run the probe with at most `limit` bytes of addresses (RLIMIT_AS), as `ulimit -v` gives."""
    kilobytes = limit // 1024
    condition = device_conditions.Condition("few addresses", f"ulimit -v {kilobytes}")
    return device_run.run(job, condition)


def _library_folders(python: str) -> set[Path]:
    """Where the interpreter finds what it imports."""
    ask = [python, "-c", "import sys; print(*sys.path[1:], sep='\\n')"]
    lines = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.splitlines()
    return {Path(line) for line in lines if Path(line).is_dir()}
