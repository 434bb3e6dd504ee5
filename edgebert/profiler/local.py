"""This machine as a device."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from edgebert_runtime.errors import DeviceError, MissingBackendError
from edgebert_runtime.measurement import Measurement, Settings

_BENCHMARK = (sys.executable, "-m", "edgebert_runtime.benchmark")
_ERROR = "edgebert: error: "


class Local:
    """Runs each measurement in a fresh Python process, and lets none outlive the call."""

    def measure(self, bundle: Path, settings: Settings) -> Measurement:
        """Measure one artifact of a bundle.

        Raises:
            MissingBackendError: if the library of that backend is not installed.
            DeviceError: if the process fails or is killed.
        """
        process: subprocess.Popen[str] | None = None
        try:
            with _interrupts_wait():
                process = subprocess.Popen(
                    [*_BENCHMARK, *arguments(bundle, settings)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    encoding="utf-8",
                    errors="replace",
                )
            output, errors = process.communicate()
        finally:
            if process is not None:
                process.kill()
                with process:
                    process.wait()
        if process.returncode:
            raise _failure(process.returncode, errors)
        # Libraries may have printed something of their own before.
        return Measurement.from_json(output.strip().rpartition("\n")[2])


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """SIGINT and SIGTERM that have a handler reach it after the block.

    An exception out of one within `Popen` would leave a process that nobody knows of.
    """
    if threading.current_thread() is not threading.main_thread():
        # Handlers run in the main thread alone.
        yield
        return
    waiting: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _: waiting.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
        if callable(signal.getsignal(number))
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for each in waiting:
            signal.raise_signal(each)


def arguments(bundle: Path, settings: Settings) -> list[str]:
    """The command line of the benchmark for these settings."""
    options = {
        "--backend": settings.backend,
        "--recipe": settings.recipe,
        "--threads": str(settings.threads),
        "--lengths": settings.lengths and ",".join(map(str, settings.lengths)),
        "--budget": str(settings.budget_seconds),
    }
    given = [f"{name}={value}" for name, value in options.items() if value is not None]
    return [*given, "--json", "--", str(bundle)]


def _failure(status: int, errors: str) -> DeviceError | MissingBackendError:
    lines = [line for line in errors.splitlines() if line.strip()]
    for line in reversed(lines):
        if line.startswith(_ERROR):
            message = line.removeprefix(_ERROR)
            # By contract the message of a MissingBackendError, and no other, has the pip command.
            return (MissingBackendError if "pip install" in message else DeviceError)(message)
    if status < 0:
        name = signal.Signals(-status).name
        hint = "; the machine may be out of memory" if name == "SIGKILL" else ""
        return DeviceError(f"the measuring process was killed by {name}{hint}")
    last = lines[-1].strip() if lines else "no message"
    return DeviceError(f"the measuring process ended with status {status}: {last}")
