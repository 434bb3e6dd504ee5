"""A picture's file: checked before there is anything to draw, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from edgebert import output_file

FORMATS = {".png": "png", ".svg": "svg"}
"""Suffix → format."""
_NAME = "plot"


def format_of(path: Path) -> str:
    """The format that a path asks for.

    Raises:
        InputError: if it is none of `FORMATS`, or nothing can be written there.
    """
    return FORMATS[output_file.suffix_of(path, FORMATS, _NAME)]


def write(path: Path, content: bytes) -> None:
    """Put a file in its place; what was there before stays until the new one is complete.

    Raises:
        InputError: if it cannot be written; then nothing is left behind.
    """
    output_file.write(path, content, _NAME)
