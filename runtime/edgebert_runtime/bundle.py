"""A bundle on disk: a folder, or the same folder as one `.edgebert` zip file.

Nothing is read but the manifest and the files it lists, and nothing but what is streamed is handed
on before its size and hash were found right.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from edgebert_runtime import manifest as manifest_format
from edgebert_runtime.errors import InputError, ManifestError, shortened
from edgebert_runtime.manifest import Artifact, File, Manifest

_CHUNK = 1024 * 1024
_EXPECTED = "expected a folder or .edgebert file written by 'edgebert convert'"


class Bundle:
    """An opened bundle. `manifest` is read and checked; files are checked when asked for."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open a folder or a `.edgebert` file.

        Raises:
            InputError: if `path` is not a path.
            ManifestError: if there is no bundle, or its manifest is not understood.
        """
        try:
            self.path = Path(path)
            self._folder = stat.S_ISDIR(self.path.stat().st_mode)
        except (TypeError, ValueError) as error:
            raise InputError(f"bundle path: got {shortened(path)}, {_EXPECTED}: {error}") from None
        except FileNotFoundError:
            raise ManifestError(f"no bundle at {str(self.path)!r}; {_EXPECTED}") from None
        except OSError as error:
            raise ManifestError(
                f"bundle {shortened(str(path))} cannot be opened ({error.strerror}); {_EXPECTED}"
            ) from None
        if self._folder and _is_missing(self.path / manifest_format.FILE_NAME):
            raise ManifestError(f"no manifest.json in {str(self.path)!r}; {_EXPECTED}")
        text = b"".join(self._limited(manifest_format.FILE_NAME, manifest_format.MAX_BYTES))
        try:
            self.manifest: Manifest = Manifest.from_json(text.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise self._unreadable(manifest_format.FILE_NAME, f"not UTF-8 text: {error}") from None
        except ManifestError as error:
            raise type(error)(f"{self._name}: {error}") from None

    def read(self, file: File | Artifact) -> bytes:
        """The content of a listed file.

        Raises:
            ManifestError: if it is missing, or not of the size and hash that the manifest gives.
        """
        return b"".join(self.stream(file))

    def stream(self, file: File | Artifact) -> Iterator[bytes]:
        """The content of a listed file in parts, each as it is read; it is checked behind the last.

        Raises:
            ManifestError: as `read`, at the end.
        """
        digest, size = hashlib.sha256(), 0
        for chunk in self._limited(file.file, file.bytes):
            digest.update(chunk)
            size += len(chunk)
            yield chunk
        self._check(file, size, digest.hexdigest())

    def locate(self, file: File | Artifact) -> Path | bytes:
        """A listed file as a checked path, or as checked bytes where no library could open a path.

        That is in a zip file, and in a folder whose name is not UTF-8 text.

        Raises:
            ManifestError: as `read`.
        """
        path = self.path / file.file
        if not self._folder or not _is_text(path):
            return self.read(file)
        for _ in self.stream(file):
            pass
        return path

    def names(self) -> list[str]:
        """Every file name in the bundle, listed in the manifest or not."""
        if self._folder:
            return sorted(
                str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file()
            )
        with _open_regular(self.path) as stream, zipfile.ZipFile(stream) as archive:
            return sorted(archive.namelist())

    @property
    def _name(self) -> str:
        """The path for a message, on one line whatever is in it."""
        return repr(str(self.path))

    def _check(self, file: File | Artifact, size: int, digest: str) -> None:
        if size != file.bytes or digest != file.sha256:
            raise ManifestError(
                f"{self._name}: {file.file!r} has {size} bytes and sha256 {digest[:12]}…, the "
                f"manifest says {file.bytes} bytes and {file.sha256[:12]}…; the file was altered "
                "or cut short: copy the bundle anew"
            )

    def _unreadable(self, name: str, error: object) -> ManifestError:
        return ManifestError(
            f"{self._name}: {name!r} cannot be read ({error}); copy the bundle anew"
        )

    def _limited(self, name: str, limit: int) -> Iterator[bytes]:
        try:
            with self._opened(name) as stream:
                yield from _chunks(stream, limit)
        except MemoryError:
            raise
        except Exception as error:
            # zipfile meets damage with more kinds of exceptions than it documents.
            raise self._unreadable(name, error or type(error).__name__) from None

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        if self._folder:
            with _open_regular(self.path / name) as stream:
                yield stream
            return
        with _open_regular(self.path) as file, zipfile.ZipFile(file) as archive:
            if archive.namelist().count(name) != 1:
                raise FileNotFoundError("expected exactly one entry of that name")
            entry = archive.getinfo(name)
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                # zipfile inflates other methods without a bound.
                raise zipfile.BadZipFile("compressed with a method other than deflate")
            with archive.open(entry) as stream:
                yield stream


def _is_missing(path: Path) -> bool:
    """Whether there is surely nothing; a folder that may not be looked into tells nothing."""
    try:
        path.lstat()
    except OSError as error:
        return isinstance(error, FileNotFoundError)
    return False


def _open_regular(path: Path) -> IO[bytes]:
    """Open a regular file; a pipe or a device would block or never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise FileNotFoundError(f"not a regular file: {str(path)!r}")
    return path.open("rb")


def _chunks(stream: IO[bytes], limit: int) -> Iterator[bytes]:
    """A stream of at most `limit` bytes, without setting memory aside for what is not there.

    Raises:
        OSError: if there is more.
    """
    size = 0
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise OSError(f"more than {limit} bytes")
        yield chunk


def _is_text(path: Path) -> bool:
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
