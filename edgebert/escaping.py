"""Characters that a terminal cannot show, or would obey."""

from __future__ import annotations

import re

UNSAFE = re.compile(r"[^ -~]")
"""What may have to be escaped: everything but printable ASCII."""


def printable(text: str) -> str:
    """A text on one line, whatever is in it: control characters and the like are escaped."""
    return UNSAFE.sub(lambda found: found[0] if found[0].isprintable() else escaped(found[0]), text)


def escaped(character: str) -> str:
    """A character as Python writes it in a string."""
    return character.encode("unicode_escape").decode("ascii")
