"""Several devices at once, and on each one measurement after another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgebert.profiler import Device, Failure
from edgebert.profiler.running import interrupts_wait
from edgebert_runtime.errors import DeviceError, EdgeBertError, MissingBackendError
from edgebert_runtime.measurement import Measurement, Settings

_WAIT_SECONDS = 0.2

Told = Callable[[str, int, str], None]
"""Told the device, how many of its measurements are finished, and what it does now."""


@dataclass(frozen=True)
class Job:
    """One measurement to make on each device."""

    bundle: Path
    settings: Settings

    @property
    def name(self) -> str:
        """In a few words."""
        kind = f"{self.bundle.name} {self.settings.backend} {self.settings.recipe}"
        return f"{kind}, {self.settings.threads} thread{'s' * (self.settings.threads > 1)}"


@dataclass(frozen=True)
class Outcome:
    """What became of a job on a device."""

    device: str
    job: Job
    found: Measurement | Failure


def measure(devices: Sequence[Device], jobs: Sequence[Job], told: Told) -> list[Outcome]:
    """All jobs on all devices; outcomes in the order of both.

    A device that cannot be reached fails for all of its jobs that are left. Devices are closed
    afterwards. A KeyboardInterrupt ends what runs on all of them first.
    """
    stopping = threading.Event()
    workers = [_Worker(device, jobs, told, stopping) for device in devices]
    try:
        for worker in workers:
            worker.thread.start()
        # A wait without end would not be interrupted by Ctrl-C on every system.
        while not all(worker.finished.wait(_WAIT_SECONDS) for worker in workers):
            pass
    finally:
        stopping.set()
        # Who is impatient and interrupts again would leave processes that nobody knows of.
        with interrupts_wait():
            _finish([worker for worker in workers if worker.thread.ident is not None])
    for worker in workers:
        if worker.error is not None:
            raise worker.error
    return [outcome for worker in workers for outcome in worker.outcomes]


def _finish(started: Sequence[_Worker]) -> None:
    while not all(worker.finished.is_set() for worker in started):
        for worker in started:
            # It may have started something since.
            worker.device.close()
            worker.finished.wait(_WAIT_SECONDS)


@dataclass
class _Worker:
    """The thread of one device."""

    device: Device
    jobs: Sequence[Job]
    told: Told
    stopping: threading.Event
    outcomes: list[Outcome] = field(default_factory=list)
    error: BaseException | None = None
    """What no device should raise."""
    finished: threading.Event = field(default_factory=threading.Event)
    """`Thread.join` would do, had it not taken a thread for finished when it is interrupted itself,
    as in Python 3.11 (bpo-45274)."""

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, name=self.device.name, daemon=True)

    def _run(self) -> None:
        try:
            try:
                gone = self._unreachable()
                for done, job in enumerate(self.jobs):
                    if self.stopping.is_set():
                        return
                    found = gone or self._measure(done, job)
                    self.outcomes.append(Outcome(self.device.name, job, found))
                    if gone is None and isinstance(found, DeviceError):
                        gone = self._unreachable()
                self.told(self.device.name, len(self.jobs), "done" if gone is None else "failed")
            finally:
                self.device.close()
        except BaseException as error:
            if not self.stopping.is_set():
                self.error = error
        finally:
            self.finished.set()

    def _measure(self, done: int, job: Job) -> Measurement | Failure:
        def progress(step: str) -> None:
            self.told(self.device.name, done, f"{job.name}: {step}")

        progress("starting")
        try:
            return self.device.measure(job.bundle, job.settings, progress)
        except (DeviceError, MissingBackendError) as error:
            return error
        except (EdgeBertError, OSError) as error:
            return DeviceError(str(error))

    def _unreachable(self) -> DeviceError | None:
        self.told(self.device.name, len(self.outcomes), "looking at the device")
        try:
            self.device.state()
        except DeviceError as error:
            return error
        except OSError as error:
            return DeviceError(str(error))
        return None
