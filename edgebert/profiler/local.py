"""This machine as a device."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
import tempfile
from pathlib import Path

from edgebert.profiler import Progress, State, running, silent
from edgebert_runtime.hardware import LIBRARIES, facts
from edgebert_runtime.measurement import Measurement, Settings

_BENCHMARK = (sys.executable, "-m", "edgebert_runtime.benchmark")


class Local:
    """Runs each measurement in a fresh Python process, and lets none outlive the call."""

    name = "local"

    def __init__(self) -> None:
        self._runner = running.Runner()

    def state(self) -> State:
        """This interpreter and what is installed beside it."""
        return State(
            python=platform.python_version(),
            libraries=_installed(),
            free_bytes=shutil.disk_usage(tempfile.gettempdir()).free,
            facts=facts(),
        )

    def measure(self, bundle: Path, settings: Settings, progress: Progress = silent) -> Measurement:
        """Measure one artifact of a bundle.

        Raises:
            MissingBackendError: if the library of that backend is not installed.
            DeviceError: if the process fails or is killed.
        """
        return self._runner.measure([*_BENCHMARK, *running.arguments(bundle, settings)], progress)

    def close(self) -> None:
        """End what another thread measures."""
        self._runner.stop()


def _installed() -> dict[str, str]:
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
