"""A readable table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from edgebert.escaping import printable

Row = Sequence[str]


def render(headers: Row, rows: Sequence[Row]) -> str:
    """Aligned columns: the first to the left, the others to the right; controls are escaped."""
    found = widths(headers, rows)
    return "\n".join([header(headers, found), *([body(rows, found)] if rows else [])])


def widths(headers: Row, rows: Sequence[Row]) -> list[int]:
    """Characters that each column needs."""
    lines = [[printable(cell) for cell in line] for line in (headers, *rows)]
    return [max(len(line[column]) for line in lines) for column in range(len(headers))]


def header(headers: Row, widths: Sequence[int]) -> str:
    """The line of names, and the line below it."""
    return body([headers, ["-" * width for width in widths]], widths)


def body(rows: Sequence[Row], widths: Sequence[int]) -> str:
    """The rows below, a line each."""
    rendered = []
    for row in rows:
        first, *others = (
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(map(printable, row), widths, strict=True))
        )
        rendered.append("  ".join([first, *others]).rstrip())
    return "\n".join(rendered)
