"""HTML and SVG that are escaped by construction: a plain text never becomes markup."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgebert.escaping import printable

_EMPTY = frozenset({"circle", "line", "meta", "polyline", "rect"})
"""Elements that hold nothing."""
_TALL = 15
"""Rows from which a table scrolls in a box of its own height."""


class Markup(str):
    """HTML that is escaped already."""

    __slots__ = ()


def escape(text: str) -> Markup:
    """A text as HTML shows it. What is not printable is shown as Python writes it: it could turn
    the direction of what follows, or have no place in UTF-8."""
    return text if isinstance(text, Markup) else Markup(html.escape(printable(text)))


def element(name: str, /, *children: str, **attributes: str | float | bool | None) -> Markup:
    """An element. A child that is no `Markup` is escaped, and so is every attribute.

    An attribute's `_` is `-`, but for one at its end, which keeps it apart from Python's words.
    None and False leave it out, True has no value.
    """
    written = [name]
    for key, value in attributes.items():
        attribute = key.rstrip("_").replace("_", "-")
        if value is True:
            written.append(attribute)
        elif value is not None and value is not False:
            shown = f"{value:.6g}" if isinstance(value, float) else str(value)
            written.append(f'{attribute}="{escape(shown)}"')
    if name in _EMPTY:
        return Markup(f"<{' '.join(written)}/>")
    return Markup(f"<{' '.join(written)}>{joined(children)}</{name}>")


def joined(parts: Iterable[str]) -> Markup:
    """One after the other, each escaped if it isn't yet."""
    return Markup("".join(map(escape, parts)))


def named(text: str) -> Markup:
    """A name that was given by somebody: its direction changes nothing around it."""
    return element("bdi", text)


@dataclass(frozen=True)
class Cell:
    """A cell of a table."""

    content: str
    value: float | None = None
    """To sort by; None for the text itself."""
    best: bool = False
    numeric: bool = False
    """Whether it stands in a column of figures, known or not."""


def number(text: str, value: float | None, *marks: str) -> Cell:
    """A figure with what marks it. A figure that isn't known sorts behind those that are."""
    return Cell(joined([text, *marks]), value, numeric=True)


def table(
    label: str,
    headers: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    caption: Markup | None = None,
) -> Markup:
    """A table that can be sorted, in a box of its own to scroll in; the first column names rows.

    `caption` is the label as it is shown, if that is more than a text.
    """
    head = [
        element("th", name, scope="col", class_=_class(row[column] for row in rows))
        for column, name in enumerate(headers)
    ]
    body = []
    for first, *others in rows:
        cells = [element("th", first.content, scope="row", data_value=first.value)]
        cells += [_cell(each) for each in others]
        body.append(element("tr", *cells))
    whole = element(
        "table",
        element("caption", label if caption is None else caption),
        element("thead", element("tr", *head)),
        element("tbody", *body),
        class_="sortable",
    )
    box = "scroll tall" if len(rows) > _TALL else "scroll"
    return element("div", whole, class_=box, tabindex="0", role="region", aria_label=label)


def _class(column: Iterable[Cell]) -> str | None:
    return "number" if any(cell.numeric for cell in column) else None


def _cell(cell: Cell) -> Markup:
    value = "" if cell.numeric and cell.value is None else cell.value
    return element("td", cell.content, data_value=value, class_="best" if cell.best else None)
