"""An Android device, reached through `adb`.

A phone has no Python. What times a model there is a benchmark program of the backend's own library
that a person gives, or else EdgeBERT's app.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from dataclasses import replace
from pathlib import Path

from edgebert.profiler import Progress, State, android_app, silent
from edgebert.profiler.adb_client import Client, serial_of
from edgebert.profiler.adb_programs import Programs, keep
from edgebert.profiler.android_facts import Snapshot, doubts, everything, facts, read
from edgebert.profiler.android_measuring import Installed, ToolMeasuring, install
from edgebert.profiler.android_tools import abi_of
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import DeviceError, InputError, shortened
from edgebert_runtime.loading import artifacts
from edgebert_runtime.manifest import FILE_NAME, Artifact
from edgebert_runtime.measurement import Measurement, Settings, fitting_lengths

_LEAST_API_LEVEL = 24
"""Android 7, from which on adb tells how a command ended."""
_FREE = re.compile(r"\s(\d+)\s+(\d+)\s+(\d+)\s+\d+%\s")
"""Of `df -k`: blocks of 1024 bytes, used, available."""


class Adb:
    """One device of `adb devices`."""

    def __init__(self, address: str, tool: Path | None = None) -> None:
        """
        Args:
            address: `adb` for the only device there is, or `adb:SERIAL`.
            tool: LiteRT's `benchmark_model` or ONNX Runtime's `onnxruntime_perf_test`, built for
                Android; None to measure in the app.

        Raises:
            InputError: if the address is none, or the tool is no file.
        """
        self.name = address
        self._client = Client(serial_of(address))
        if tool is not None and not tool.is_file():
            raise InputError(f"tool: got {shortened(str(tool))}, expected a program for Android")
        self._tool = tool
        self._programs = Programs(self._client)
        self._installed: Installed | None = None

    def state(self) -> State:
        """Whether it can be reached, what it is, and what could measure there.

        Raises:
            DeviceError: if it can't be reached.
        """
        snapshot = self._look()
        free = _FREE.search(self._client.shell("df -k /data/local/tmp").output)
        app = android_app.is_installed(self._client)
        if self._tool is not None:
            remark = f"tool {shortened(self._tool.name)} ({abi_of(self._tool) or 'no ELF file'})"
        elif app:
            remark = f"app {android_app.PACKAGE}"
        else:
            remark = f"nothing that measures: no --tool, no app {android_app.PACKAGE}"
        return State(
            python=None,
            libraries={},
            free_bytes=int(free[3]) * 1024 if free else None,
            facts=facts(snapshot),
            remark=f"{snapshot.abi or 'unknown ABI'}; {remark}",
        )

    def measure(self, bundle: Path, settings: Settings, progress: Progress = silent) -> Measurement:
        """Measure one artifact of a bundle that lies on the workstation.

        Raises:
            InputError: if the bundle has no such artifact, or a length doesn't fit.
            MissingBackendError: if the tool is of another backend.
            DeviceError: if the device can't be reached, or the measurement fails there.
        """
        opened = Bundle(bundle)
        artifact = artifacts(opened.manifest, settings.backend, settings.recipe)[0]
        lengths = fitting_lengths(settings.lengths, opened.manifest.max_length)
        settings = replace(settings, lengths=lengths, recipe=artifact.recipe)
        before = self._look()
        if self._tool is not None:
            if self._installed is None:
                progress("installing the tool")
                self._installed = install(self._client, self._programs, self._tool, before)
            measuring = ToolMeasuring(self._client, self._programs, self._installed, progress)
            return measuring.measure(opened, artifact, settings)
        if not android_app.is_installed(self._client):
            raise DeviceError(
                f"{self._client.name} has nothing that measures; give --tool PATH (LiteRT's "
                "benchmark_model or ONNX Runtime's onnxruntime_perf_test for Android), or install "
                f"the app {android_app.PACKAGE}"
            )
        progress("copying")
        place = _keep_bundle(self._client, opened, artifact)
        measurement = android_app.measure(self._client, place, settings, progress)
        after = self._look()
        conditions = measurement.conditions
        found = doubts((), before, after)
        marks = (*conditions.marks, *(mark for mark in found if mark not in conditions.marks))
        return replace(
            measurement,
            bundle=str(bundle),
            conditions=replace(conditions, marks=marks),
            facts=facts(after),
        )

    def close(self) -> None:
        """Leave nothing running on the device; tools and bundles stay there by their hash."""
        self._client.close()
        self._programs.stop()

    def _look(self) -> Snapshot:
        self._client.connect()
        snapshot = read(self._client.shell(everything()).output)
        if 0 < snapshot.api_level < _LEAST_API_LEVEL:
            raise DeviceError(
                f"{self._client.name} has Android of API level {snapshot.api_level}, expected "
                f"{_LEAST_API_LEVEL} (Android 7) or newer"
            )
        return snapshot


def _keep_bundle(client: Client, bundle: Bundle, artifact: Artifact) -> str:
    """Copy what one artifact needs of a bundle, once, as a folder; its path on the device."""
    manifest = bundle.manifest.to_json().encode()
    digest = hashlib.sha256(manifest + artifact.sha256.encode()).hexdigest()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / FILE_NAME).write_bytes(manifest)
        for file in (bundle.manifest.tokenizer, artifact):
            with (folder / file.file).open("wb") as stream:
                for part in bundle.stream(file):
                    stream.write(part)
        return keep(client, folder, f"bundles/{digest}")
