"""The benchmark as a command: its arguments, its process, and what it says when it fails."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from edgebert.profiler import Progress, silent
from edgebert_runtime.errors import DeviceError, MissingBackendError
from edgebert_runtime.measurement import PROGRESS, Measurement, Settings

ERROR = "edgebert: error: "


def arguments(bundle: str | Path, settings: Settings) -> list[str]:
    """The command line of the benchmark for these settings."""
    options = {
        "--backend": settings.backend,
        "--recipe": settings.recipe,
        "--threads": str(settings.threads),
        "--lengths": settings.lengths and ",".join(map(str, settings.lengths)),
        "--batches": ",".join(map(str, settings.batches)),
        "--budget": str(settings.budget_seconds),
        "--precision": str(settings.precision),
        "--minutes": str(settings.minutes),
    }
    given = [f"{name}={value}" for name, value in options.items() if value is not None]
    operators = ["--operators"] * settings.operators
    return [*given, *operators, "--progress", "--json", "--", str(bundle)]


class Runner:
    """Runs one command after another; another thread may stop it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def measure(self, command: Sequence[str], progress: Progress = silent) -> Measurement:
        """The measurement that a command prints, whose process never outlives this call.

        Raises:
            MissingBackendError: if the library of the backend is not installed.
            DeviceError: if the process fails or is killed.
        """
        process: subprocess.Popen[str] | None = None
        try:
            with interrupts_wait():
                process = self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    encoding="utf-8",
                    errors="replace",
                )
            assert process.stdout is not None
            assert process.stderr is not None
            errors: list[str] = []
            reader = threading.Thread(
                target=_read_errors, args=(process.stderr, errors, progress), daemon=True
            )
            reader.start()
            output = process.stdout.read()
            process.wait()
            reader.join()
        finally:
            if process is not None:
                process.kill()
                with process:
                    process.wait()
            self._process = None
        if process.returncode:
            raise failure(process.returncode, errors)
        return Measurement.from_json(printed(output.splitlines()))

    def stop(self) -> None:
        """Kill what `measure` waits for, in whatever thread."""
        process = self._process
        if process is not None:
            process.kill()


def printed(lines: Sequence[str]) -> str:
    """The measurement among what was printed; libraries may print before it, and behind it."""
    found = [line for line in lines if line.startswith('{"schema_version"')]
    return (found or lines or [""])[-1]


def _read_errors(stream: IO[str], errors: list[str], progress: Progress) -> None:
    with contextlib.suppress(ValueError):  # closed by who was interrupted
        for line in stream:
            if line.startswith(PROGRESS):
                progress(line.removeprefix(PROGRESS).strip())
            elif line.strip():
                errors.append(line.strip())


@contextlib.contextmanager
def interrupts_wait() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP that have a handler reach it after the block.

    An exception out of one within `Popen` would leave a process that nobody knows of.
    """
    if threading.current_thread() is not threading.main_thread():
        # Handlers run in the main thread alone.
        yield
        return
    waiting: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _: waiting.append(number))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if callable(signal.getsignal(number))
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for each in waiting:
            signal.raise_signal(each)


_HINTS = {
    "SIGKILL": "; the machine may be out of memory",
    "SIGILL": "; the library may be built for a newer processor: try an older version of it",
}


def failure(status: int, errors: Sequence[str]) -> DeviceError | MissingBackendError:
    """What the last lines of a failed benchmark say."""
    for line in reversed(errors):
        if line.startswith(ERROR):
            message = line.removeprefix(ERROR)
            # By contract: a library that is there and broken is to be installed by force.
            missing = "pip install" in message and "--force-reinstall" not in message
            return (MissingBackendError if missing else DeviceError)(message)
    if status < 0:
        name = signal.Signals(-status).name
        hint = _HINTS.get(name, "")
        return DeviceError(f"the measuring process was killed by {name}{hint}")
    last = errors[-1] if errors else "no message"
    return DeviceError(f"the measuring process ended with status {status}: {last}")
