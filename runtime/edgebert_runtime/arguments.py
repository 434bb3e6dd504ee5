"""Kinds of command-line arguments that the device's command and the workstation's share."""

from __future__ import annotations

import argparse
import re

from edgebert_runtime.errors import shortened


def whole_number(text: str) -> int:
    """An argument that is a whole number of at least 1."""
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise argparse.ArgumentTypeError(
            f"got {shortened(text)}, expected a whole number of at least 1"
        )
    return int(text)


def whole_numbers(text: str) -> tuple[int, ...]:
    """An argument of whole numbers with commas between them, in the order given."""
    return tuple(whole_number(part.strip()) for part in text.split(","))
