"""Measuring bundles on devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edgebert_runtime.errors import DeviceError, MissingBackendError
from edgebert_runtime.hardware import Facts
from edgebert_runtime.measurement import Measurement, Settings

Failure = DeviceError | MissingBackendError
"""What keeps one artifact from being measured on a device, and none of the others."""
Progress = Callable[[str], None]
"""Told in a few words what a device is doing now."""


def silent(step: str) -> None:
    """A `Progress` that tells nobody."""


@dataclass(frozen=True)
class State:
    """What a device has, before anything is measured on it."""

    python: str | None
    """Version of the interpreter that would be used; None where there is none."""
    libraries: Mapping[str, str]
    """Library of a backend that is there → version."""
    free_bytes: int | None
    """Where bundles would be copied to."""
    facts: Facts | None
    """None where nothing can read them before something is installed."""
    remark: str | None = None
    """What a person should know: that the environment is not made yet, for one."""


class Device(Protocol):
    """A machine that can run `python -m edgebert_runtime.benchmark`, or does the same."""

    name: str
    """As it was given: "local", "ssh://pi@kitchen", "adb:SERIAL"."""

    def state(self) -> State:
        """What is there; changes nothing on the device.

        Raises:
            DeviceError: if the device can't be reached.
        """

    def measure(self, bundle: Path, settings: Settings, progress: Progress = silent) -> Measurement:
        """Measure one artifact of a bundle that lies on the workstation.

        Raises:
            MissingBackendError: if the device lacks the library of that backend.
            DeviceError: if the device can't be reached, or the measurement fails there.
        """

    def close(self) -> None:
        """Leave nothing running on the device, whatever another thread waits for.

        What may serve again stays on its disk. May be called more than once.
        """
