"""A profile as a file: what kind is told by its name."""

from __future__ import annotations

from pathlib import Path

from edgebert import output_file
from edgebert.profiler import page, pictures, spreadsheet
from edgebert.profiler.profile import Profile

_NAME = "report"
_KINDS = {
    ".json": lambda profile: profile.to_json().encode("ascii"),
    ".html": lambda profile: page.render(profile).encode("utf-8"),
    ".csv": spreadsheet.render,
    ".png": pictures.render,
}
"""Suffix → content."""


def check_report(path: Path) -> None:
    """Refuse, before anything is measured, a report that could not be written.

    Raises:
        InputError: if the suffix is none of .json, .html, .csv and .png, or nothing can be
            written there.
        MissingBackendError: for a .png without matplotlib.
    """
    if output_file.suffix_of(path, _KINDS, _NAME) == ".png":
        pictures.require()


def write_report(path: Path, profile: Profile) -> None:
    """Write a profile as its suffix says; what was there before stays until it is complete.

    Raises:
        InputError: as `check_report`, or if it cannot be written; then nothing is left behind.
        MissingBackendError: for a .png without matplotlib.
    """
    kind = output_file.suffix_of(path, _KINDS, _NAME)
    output_file.write(path, _KINDS[kind](profile), _NAME)
