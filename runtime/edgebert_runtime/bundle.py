"""A bundle on disk: a folder, or the same folder as one `.edgebert` zip file.

Nothing is read but the manifest and the files it lists, and nothing is handed on before its size
and hash were found right.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
import zlib
from io import BufferedReader
from pathlib import Path

from edgebert_runtime import manifest as manifest_format
from edgebert_runtime.errors import InputError, ManifestError
from edgebert_runtime.manifest import Artifact, File, Manifest

_CHUNK = 1024 * 1024
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    zlib.error,
    EOFError,
    ValueError,
)


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
            self._folder = self.path.is_dir()
        except (TypeError, ValueError) as error:
            raise InputError(
                f"bundle path: got {path!r}, expected a folder or file: {error}"
            ) from None
        if not self.path.exists():
            raise ManifestError(
                f"no bundle at {str(self.path)!r}; expected a folder or .edgebert file "
                "written by 'edgebert convert'"
            )
        text = self._read_limited(manifest_format.FILE_NAME, manifest_format.MAX_BYTES)
        try:
            self.manifest: Manifest = Manifest.from_json(text.decode("utf-8"))
        except UnicodeDecodeError:
            raise ManifestError(f"{self.path}: manifest.json is not UTF-8 text") from None
        except ManifestError as error:
            raise ManifestError(f"{self.path}: {error}") from None

    def read(self, file: File | Artifact) -> bytes:
        """The content of a listed file.

        Raises:
            ManifestError: if it is missing, or not of the size and hash that the manifest gives.
        """
        content = self._read_limited(file.file, file.bytes)
        self._check(file, len(content), hashlib.sha256(content).hexdigest())
        return content

    def locate(self, file: File | Artifact) -> Path | bytes:
        """A listed file as a checked path in a folder bundle, as checked bytes in a zip file.

        Raises:
            ManifestError: as `read`.
        """
        if not self._folder:
            return self.read(file)
        path = self.path / file.file
        digest, size = hashlib.sha256(), 0
        try:
            with _open_regular(path) as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
        except OSError as error:
            raise self._unreadable(file.file, error) from None
        self._check(file, size, digest.hexdigest())
        return path

    def names(self) -> list[str]:
        """Every file name in the bundle, listed in the manifest or not."""
        if self._folder:
            return sorted(
                str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file()
            )
        with zipfile.ZipFile(self.path) as archive:
            return sorted(archive.namelist())

    def _check(self, file: File | Artifact, size: int, digest: str) -> None:
        if size != file.bytes or digest != file.sha256:
            raise ManifestError(
                f"{self.path}: {file.file!r} has {size} bytes and sha256 {digest[:12]}…, the "
                f"manifest says {file.bytes} bytes and {file.sha256[:12]}…; the file was altered "
                "or cut short: copy the bundle anew"
            )

    def _unreadable(self, name: str, error: object) -> ManifestError:
        return ManifestError(
            f"{self.path}: {name!r} cannot be read ({error}); copy the bundle anew"
        )

    def _read_limited(self, name: str, limit: int) -> bytes:
        try:
            if self._folder:
                with _open_regular(self.path / name) as stream:
                    content = stream.read(limit + 1)
            else:
                content = self._read_zipped(name, limit)
        except (OSError, *_ZIP_ERRORS) as error:
            raise self._unreadable(name, error) from None
        if len(content) > limit:
            raise self._unreadable(name, f"more than {limit} bytes")
        return content

    def _read_zipped(self, name: str, limit: int) -> bytes:
        with zipfile.ZipFile(self.path) as archive:
            if archive.namelist().count(name) != 1:
                raise FileNotFoundError(f"not in the file once: {name}")
            with archive.open(name) as stream:
                return stream.read(limit + 1)


def _open_regular(path: Path) -> BufferedReader:
    """Open a regular file; a pipe or a device would block or never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise FileNotFoundError(f"not a regular file: {path.name}")
    return path.open("rb")
