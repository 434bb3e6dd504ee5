"""What is copied to a device: bundles as far as they are needed, and wheels."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edgebert.profiler import Progress
from edgebert.profiler.wheel import Wheel
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import InputError
from edgebert_runtime.loading import artifacts
from edgebert_runtime.manifest import FILE_NAME
from edgebert_runtime.measurement import Settings

_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class File:
    """Something to copy."""

    path: str
    """Below the agent's folder."""
    sha256: str
    size: int
    """Bytes."""
    read: Callable[[], Iterable[bytes]]
    """Gives the content in parts."""

    @property
    def folder(self) -> str:
        """That it lies in, below the agent's."""
        return self.path.rpartition("/")[0]


def of_wheel(wheel: Wheel) -> File:
    """A wheel in memory."""
    return _wheel(wheel.name, wheel.sha256, len(wheel.content), lambda: [wheel.content])


def _wheel(name: str, sha256: str, size: int, read: Callable[[], Iterable[bytes]]) -> File:
    # pip goes by names, so a wheel keeps its own, in a folder by its hash.
    return File(f"wheels/{sha256}/{name}", sha256, size, read)


def of_bundle(bundle: Bundle, settings: Settings) -> list[File]:
    """The manifest, the tokenizer and the artifact that `load` will open.

    Raises:
        InputError: if the bundle holds no such artifact.
    """
    artifact = artifacts(bundle.manifest, settings.backend, settings.recipe)[0]
    manifest = bundle.manifest.to_json().encode()
    sha256 = hashlib.sha256(manifest).hexdigest()
    folder = f"bundles/{sha256}"
    return [
        File(f"{folder}/{FILE_NAME}", sha256, len(manifest), lambda: [manifest]),
        *(
            File(f"{folder}/{each.file}", each.sha256, each.bytes, partial(bundle.stream, each))
            for each in (bundle.manifest.tokenizer, artifact)
        ),
    ]


def of_wheelhouse(folder: Path) -> list[File]:
    """Its wheels but for those of edgebert: the one that runs is installed.

    Raises:
        InputError: if there are no wheels.
    """
    paths = sorted(folder.glob("*.whl"))
    if not paths:
        raise InputError(
            f"wheelhouse: {str(folder)!r} holds no wheels; make it by 'edgebert wheelhouse'"
        )
    return [
        _wheel(path.name, _sha256(path), path.stat().st_size, partial(_chunks, path))
        for path in paths
        if not path.name.startswith("edgebert-")
    ]


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def contents(files: Sequence[File], step: str, progress: Progress) -> Iterator[bytes]:
    """The contents of files one after another, telling about once a second how far it is."""
    total, done, told = sum(each.size for each in files), 0, -math.inf
    for file in files:
        for chunk in file.read():
            if time.monotonic() - told > 1:
                told = time.monotonic()
                progress(f"{step}: {done / 1e6:.1f} of {total / 1e6:.1f} MB")
            yield chunk
            done += len(chunk)
