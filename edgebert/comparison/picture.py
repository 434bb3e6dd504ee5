"""A picture's file: checked before there is anything to draw, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from edgebert_runtime.errors import InputError

FORMATS = {".png": "png", ".svg": "svg"}
"""Suffix → format."""


def format_of(path: Path) -> str:
    """The format that a path asks for.

    Raises:
        InputError: if it is none of `FORMATS`, or nothing can be written there.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise InputError(
            f"plot {str(path)!r}: got the suffix {path.suffix!r}, expected {' or '.join(FORMATS)}"
        )
    try:
        folder, taken = path.parent.is_dir(), path.is_dir()
        with contextlib.suppress(FileNotFoundError):
            # Tells of what is no name at all, which is_dir() takes for nothing there.
            path.lstat()
    except (OSError, ValueError) as error:
        raise InputError(f"plot: got {str(path)!r}, expected a path ({error})") from None
    if not folder:
        raise InputError(
            f"plot {str(path)!r}: the folder to write it in does not exist; create it first"
        )
    if taken:
        raise InputError(f"plot {str(path)!r} is a folder; choose another name")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InputError(f"plot {str(path)!r}: no permission to write in its folder")
    return kind


def write(path: Path, content: bytes) -> None:
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
            f"plot {str(path)!r} cannot be written ({reason}); choose another place, or make room"
        ) from None
    finally:
        with contextlib.suppress(OSError, ValueError):
            partial.unlink(missing_ok=True)
