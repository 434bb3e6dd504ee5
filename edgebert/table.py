"""A readable table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from edgebert.escaping import printable


def render(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns: the first to the left, the others to the right; controls are escaped."""
    lines = [[printable(cell) for cell in line] for line in (headers, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headers))]
    rendered = []
    for line in [lines[0], ["-" * width for width in widths], *lines[1:]]:
        first, *others = (
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        rendered.append("  ".join([first, *others]).rstrip())
    return "\n".join(rendered)
