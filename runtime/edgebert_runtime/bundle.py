"""A bundle on disk: a folder, or the same folder as one `.edgebert` zip file.

Nothing is read but the manifest and the files it lists, and nothing but what is streamed is handed
on before its size, its hash and its kind were found right. Opening a bundle holds no more than the
manifest; a file is read in parts of a megabyte, and only `read` holds it whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from edgebert_runtime import manifest as manifest_format
from edgebert_runtime.errors import InputError, ManifestError, shortened
from edgebert_runtime.file_kinds import HEAD_BYTES, misfit
from edgebert_runtime.manifest import Artifact, File, Manifest
from edgebert_runtime.zip_reading import ZipError, ZipReader

_CHUNK = 1024 * 1024
_MOST_NAMES = 10_000
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
            ManifestError: if it is missing, not of the size and hash that the manifest gives, or
                not of the kind that its place in the manifest means.
        """
        content = io.BytesIO()
        for chunk in self.stream(file):
            content.write(chunk)
        return content.getvalue()

    def stream(self, file: File | Artifact) -> Iterator[bytes]:
        """The content of a listed file in parts, each as it is read; it is checked behind the last.

        Raises:
            ManifestError: as `read`, at the end.
        """
        digest, size, head = hashlib.sha256(), 0, b""
        for chunk in self._limited(file.file, file.bytes):
            digest.update(chunk)
            size += len(chunk)
            head += chunk[: HEAD_BYTES - len(head)]
            yield chunk
        self._check(file, size, digest.hexdigest())
        kind = file.backend if isinstance(file, Artifact) else "tokenizer"
        if problem := misfit(kind, head, size):
            raise ManifestError(
                f"{self._name}: {file.file!r} is {problem}, though its hash is the manifest's; do "
                "not trust this bundle, convert again"
            )

    def check(self, file: File | Artifact) -> None:
        """Read a listed file and keep nothing of it.

        Raises:
            ManifestError: as `read`.
        """
        for _ in self.stream(file):
            pass

    def names(self) -> list[str]:
        """Every file name in the bundle, listed in the manifest or not.

        Raises:
            ManifestError: if they cannot be read, or are more than 10,000.
        """
        if not self._folder:
            try:
                with self._zip() as archive:
                    return sorted(archive.names())
            except (OSError, ZipError) as error:
                raise self._unreadable(self.path.name, error) from None
        found = (
            str((Path(folder) / name).relative_to(self.path))
            for folder, _, names in os.walk(self.path)
            for name in names
        )
        names = sorted(itertools.islice(found, _MOST_NAMES + 1))
        if len(names) > _MOST_NAMES:
            raise ManifestError(
                f"{self._name}: got more than {_MOST_NAMES} files, expected the few of a bundle; "
                "remove what is not of it"
            )
        return names

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
        """The content of a file in parts, as long as it is no larger than `limit`."""
        try:
            if self._folder:
                with _open_regular(self.path / name) as stream:
                    yield from _chunks(stream, limit)
            else:
                with self._zip() as archive:
                    yield from archive.content(name, limit)
        except (OSError, ZipError) as error:
            raise self._unreadable(name, error) from None

    @contextlib.contextmanager
    def _zip(self) -> Iterator[ZipReader]:
        with _open_regular(self.path) as stream:
            yield ZipReader(stream)


def _is_missing(path: Path) -> bool:
    """Whether there is surely nothing; a folder that may not be looked into tells nothing."""
    try:
        path.lstat()
    except OSError as error:
        return isinstance(error, FileNotFoundError)
    return False


def _open_regular(path: Path) -> IO[bytes]:
    """Open a regular file, or what a link to one leads to.

    A device might never end, and the mere opening of one can have effects.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise FileNotFoundError(f"not a regular file: {str(path)!r}")
    # Should a pipe have taken its place since, opening it must not wait for the other end.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    stream = os.fdopen(os.open(path, flags), "rb")
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise FileNotFoundError(f"not a regular file: {str(path)!r}")
    return stream


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
