"""A machine that ssh reaches as a device: a Raspberry Pi, for one.

What is copied there, by hash and once, and what is made there lies in `~/.cache/edgebert`;
`ssh_agent.py` says how.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from edgebert.profiler import Progress, State, running, silent, ssh_files
from edgebert.profiler.ssh_address import parse
from edgebert.profiler.ssh_connection import Connection
from edgebert.profiler.ssh_files import File
from edgebert.profiler.wheel import Wheel, running_wheel
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import DeviceError, MissingBackendError
from edgebert_runtime.hardware import Facts
from edgebert_runtime.measurement import Measurement, Settings

_NOT_MADE = "environment not made yet; the first profile makes it"


class Ssh:
    """Measures on another machine, in an environment that it makes there."""

    def __init__(self, address: str, wheelhouse: Path | None = None) -> None:
        """Nothing is run yet.

        Args:
            address: ssh://HOST, ssh://USER@HOST or ssh://USER@HOST:PORT.
            wheelhouse: a folder of wheels, where the device shall not use its package index.

        Raises:
            InputError: for another address, or a folder that holds no wheels.
        """
        self.name = address
        self._connection = Connection(address, parse(address))
        self._wheelhouse = None if wheelhouse is None else ssh_files.of_wheelhouse(wheelhouse)
        self._there: set[str] = set()
        """Paths of files that are there."""
        self._pythons: dict[str, str] = {}
        """Backend → interpreter of its environment."""
        self._missing: dict[str, MissingBackendError] = {}

    def state(self) -> State:
        """What is there, by one call that changes nothing.

        Raises:
            DeviceError: if the device can't be reached, or python3 there doesn't serve.
        """
        answer = self._asked("state", environment=self._environment)
        try:
            remark = None if answer["facts"] else f"{answer['system']}; {_NOT_MADE}"
            return State(
                python=str(answer["python"]),
                libraries=dict(answer["libraries"]),
                free_bytes=int(answer["free_bytes"]),
                facts=_facts(answer["facts"]),
                remark=answer["problem"] or remark,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise self._not_understood(error) from None

    def measure(self, bundle: Path, settings: Settings, progress: Progress = silent) -> Measurement:
        """Measure one artifact of a bundle, copied there with what it needs.

        Raises:
            InputError: if the bundle holds no such artifact.
            ManifestError: if the bundle can't be used.
            MissingBackendError: if the library of the backend can't be had there.
            DeviceError: if the device can't be reached, or the measurement fails there.
        """
        files = ssh_files.of_bundle(Bundle(bundle), settings)
        python = self._python(settings.backend, progress)
        self._copy(files, f"copying {bundle.name}", progress)
        arguments = running.arguments(files[0].folder, settings)
        command = [python, "-I", "-m", "edgebert_runtime.benchmark", *arguments]
        line = self._connection.call(["run", *command], progress=progress)
        try:
            return replace(Measurement.from_json(line), bundle=str(bundle))
        except DeviceError as error:
            raise DeviceError(f"{self.name}: {error}") from None

    def close(self) -> None:
        """End what runs there, and the connection; may be called from another thread."""
        self._connection.close()

    @cached_property
    def _wheel(self) -> Wheel:
        return running_wheel()

    @property
    def _environment(self) -> str:
        """How the names of environments with this wheel begin."""
        return self._wheel.sha256[:16]

    def _python(self, backend: str, progress: Progress) -> str:
        """The interpreter of the environment for a backend, made where it is not there yet."""
        if backend in self._missing:
            raise self._missing[backend]
        if backend not in self._pythons:
            try:
                self._pythons[backend] = self._made(backend, progress)
            except MissingBackendError as error:
                self._missing[backend] = error
                raise
        return self._pythons[backend]

    def _made(self, backend: str, progress: Progress) -> str:
        progress("looking what is there")
        environment = f"{self._environment}-{backend}"
        first = not self._there
        found = self._asked("look", files=[], environment=environment, clean=first)["python"]
        if found is not None:
            return str(found)
        own = ssh_files.of_wheel(self._wheel)
        wheelhouse = self._wheelhouse
        self._copy([own, *(wheelhouse or ())], "copying wheels", progress)
        answer = self._asked(
            "environment",
            progress,
            environment=environment,
            extra=backend,
            wheel=own.path,
            links=None if wheelhouse is None else [each.folder for each in wheelhouse],
        )
        return str(answer["python"])

    def _copy(self, files: Sequence[File], step: str, progress: Progress) -> None:
        """Have these files there, each copied once."""
        unknown = [each for each in files if each.path not in self._there]
        if not unknown:
            return
        pairs = [(each.path, each.sha256) for each in unknown]
        lacking = self._asked("look", files=pairs, environment="")["missing"]
        if missing := [each for each in unknown if each.path in lacking]:
            given = [(each.path, each.sha256, each.size) for each in missing]
            task = json.dumps({"files": given})
            self._connection.call(
                ["receive", task], ssh_files.contents(missing, step, progress), progress
            )
        self._there |= {each.path for each in unknown}

    def _asked(self, task: str, progress: Progress = silent, **details: object) -> dict[str, Any]:
        answer = self._connection.call([task, json.dumps(details)], progress=progress)
        try:
            data = json.loads(answer)
        except ValueError as error:
            raise self._not_understood(error) from None
        if not isinstance(data, dict):
            raise self._not_understood(TypeError(f"{answer[:80]!r} is no object"))
        return data

    def _not_understood(self, error: Exception) -> DeviceError:
        return DeviceError(
            f"{self.name}: its answer is not understood ({error}); a shell that prints something "
            "as it logs out would be a reason"
        )


def _facts(data: Any) -> Facts | None:
    """The environment there holds this very wheel, so the fields are the same."""
    if data is None:
        return None
    throttling = data["throttling"]
    return Facts(**{**data, "throttling": None if throttling is None else tuple(throttling)})
