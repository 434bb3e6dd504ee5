"""A JSON Lines file that is put in its place when it is whole, and continued until then."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from edgebert_runtime.errors import InputError


class PartialFile:
    """`.NAME.partial` beside a file, and `.NAME.partial.json`, which says what it is made of.

    The lines are JSON objects. Killed at any moment, the next run that makes the same finds whole
    groups of them.
    """

    def __init__(self, output: Path, made_of: dict[str, Any]) -> None:
        """`made_of` is all that the content follows from, as JSON."""
        self._output = output
        self._path = output.with_name(f".{output.name}.partial")
        self._record = output.with_name(f".{output.name}.partial.json")
        self._made_of = json.loads(json.dumps(made_of))

    def __enter__(self) -> PartialFile:
        with self._writing():
            # Without a buffer: nothing is left to be written when the disk is full.
            self._file = self._path.open("ab", buffering=0)
        try:
            self._lock()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def resume(self, size: int, found: Callable[[bytes], None]) -> int:
        """The number of whole groups of `size` lines that are there; all else goes.

        `found` gets each of their lines.

        Raises:
            InputError: if the disk is full or may not be written.
        """
        with self._writing():
            groups = 0
            if self._recorded() == self._made_of:
                groups = self._whole_groups(size)
            length = self._start_of(groups * size, found)
            self._file.truncate(length)
            if not groups:
                self._record.write_text(json.dumps(self._made_of), encoding="utf-8")
            return groups

    def write(self, line: bytes) -> None:
        """Append a line, its end included.

        Raises:
            InputError: if the disk is full or may not be written; whole groups stay.
        """
        with self._writing():
            rest = memoryview(line)
            while rest:
                rest = rest[self._file.write(rest) :]

    def finish(self) -> None:
        """Put the file in its place, once it is on the disk.

        Raises:
            InputError: if the disk is full or may not be written; whole groups stay.
        """
        with self._writing():
            os.fsync(self._file.fileno())
            self._path.replace(self._output)
            folder = os.open(self._output.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
            self._record.unlink(missing_ok=True)

    def _lock(self) -> None:
        """Two runs at once would mix their lines."""
        busy = InputError(
            f"another run is writing {str(self._output)!r}; wait for it, or choose another name"
        )
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise busy from None
        except OSError:
            # Not every network drive can lock.
            return
        # The other one may have put the file in its place since it was opened here.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(self._file.fileno()), self._path.stat()):
                return
        raise busy

    def _recorded(self) -> object:
        try:
            return json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def _whole_groups(self, size: int) -> int:
        with self._path.open("rb") as lines:
            return sum(1 for _ in itertools.takewhile(_is_whole, lines)) // size

    def _start_of(self, count: int, found: Callable[[bytes], None]) -> int:
        """Where line `count` begins, in bytes."""
        start = 0
        with self._path.open("rb") as lines:
            for _, line in zip(range(count), lines, strict=False):
                found(line)
                start += len(line)
        return start

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"{str(self._path)!r} cannot be written ({error.strerror}); what is done stays: "
                "make room, then give the same command again to continue"
            ) from None


def _is_whole(line: bytes) -> bool:
    # Where a machine lost power, a file system may have put zeros.
    return line.startswith(b"{") and line.endswith(b"}\n") and b"\0" not in line
