"""A file that a command writes: checked before the work, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from pathlib import Path

from edgebert_runtime.errors import InputError


def suffix_of(path: Path, suffixes: Collection[str], name: str) -> str:
    """The suffix of a path in lower case. `name` is what messages call the file.

    Raises:
        InputError: if it is none of `suffixes`, or nothing can be written there.
    """
    suffix = path.suffix.lower()
    if suffix not in suffixes:
        *others, last = suffixes
        expected = f"{', '.join(others)} or {last}" if others else last
        raise InputError(
            f"{name} {str(path)!r}: got the suffix {path.suffix!r}, expected {expected}"
        )
    try:
        folder, taken = path.parent.is_dir(), path.is_dir()
        with contextlib.suppress(FileNotFoundError):
            # Tells of what is no name at all, which is_dir() takes for nothing there.
            path.lstat()
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: got {str(path)!r}, expected a path ({error})") from None
    if not folder:
        raise InputError(
            f"{name} {str(path)!r}: the folder to write it in does not exist; create it first"
        )
    if taken:
        raise InputError(f"{name} {str(path)!r} is a folder; choose another name")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InputError(f"{name} {str(path)!r}: no permission to write in its folder")
    return suffix


def write(path: Path, content: bytes, name: str) -> None:
    """Put a file in its place; what was there before stays until the new one is complete.

    Raises:
        InputError: if it cannot be written; then nothing is left behind.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{name} {str(path)!r} cannot be written ({reason}); choose another place, or make room"
        ) from None
    finally:
        with contextlib.suppress(OSError, ValueError):
            partial.unlink(missing_ok=True)
