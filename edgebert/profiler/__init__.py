"""Measuring bundles on devices."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from edgebert_runtime.measurement import Measurement, Settings


class Device(Protocol):
    """A machine that can run `python -m edgebert_runtime.benchmark`, or does the same."""

    def measure(self, bundle: Path, settings: Settings) -> Measurement:
        """Measure one artifact of a bundle that lies on the workstation.

        Raises:
            MissingBackendError: if the device lacks the library of that backend.
            DeviceError: if the device can't be reached, or the measurement fails there.
        """
