"""Bars and boxes in rows: as wide as there is room, a label before each and a figure behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgebert.profiler.page import charts
from edgebert.profiler.page.markup import Markup, element, joined


@dataclass(frozen=True)
class Segment:
    """A part of a bar."""

    name: str
    value: float
    look: charts.Look


@dataclass(frozen=True)
class Bar:
    """A row of bars."""

    label: str
    segments: tuple[Segment, ...]
    text: str
    """Beside it: the whole."""


def bars(rows: Sequence[Bar], described: Callable[[float], str]) -> Markup:
    """Stacked bars, all to one scale. `described` says a segment's value in words."""
    longest = max((sum(each.value for each in row.segments) for row in rows), default=0.0) or 1.0
    items = []
    for row in rows:
        drawn, start = [], 0.0
        for each in row.segments:
            width = 100 * each.value / longest
            title = element("title", f"{each.name}: {described(each.value)}")
            drawn.append(
                element(
                    "g",
                    title,
                    element(
                        "rect", x=f"{start:.2f}%", y=2, width=f"{width:.2f}%", height=14,
                        class_="fill",
                    ),
                    class_=each.look.classes,
                )
            )  # fmt: skip
            start += width
        spoken = ", ".join(f"{each.name} {described(each.value)}" for each in row.segments)
        drawing = element(
            "svg", element("title", spoken), *drawn, width="100%", height=18, role="img"
        )
        items.append(_row(row.label, drawing, row.text))
    return element("ul", *items, class_="rows")


@dataclass(frozen=True)
class Box:
    """How some times are spread."""

    label: str
    look: charts.Look
    ends: tuple[float, float]
    half: tuple[float, float]
    middle: float
    text: str


def boxes(name: str, rows: Sequence[Box], described: Callable[[float], str]) -> Markup:
    """A box and whiskers for each row, on one axis."""
    scale = charts.axis(name, [end for row in rows for end in row.ends])

    def place(value: float) -> str:
        return f"{2 + 96 * scale.share(value):.2f}%"

    grid = joined(
        element("line", x1=place(tick), x2=place(tick), y1=0, y2="100%", class_="grid")
        for tick in scale.ticks
    )
    items = []
    for row in rows:
        width = 96 * (scale.share(row.half[1]) - scale.share(row.half[0]))
        said = (
            f"median {described(row.middle)}, half of them {described(row.half[0])} to "
            f"{described(row.half[1])}, nine in ten {described(row.ends[0])} to "
            f"{described(row.ends[1])}"
        )
        left, right = map(place, row.ends)
        middle = place(row.middle)
        drawing = element(
            "svg",
            element("title", said),
            grid,
            element("line", x1=left, x2=right, y1=11, y2=11, class_="line"),
            element(
                "rect", x=place(row.half[0]), y=4, width=f"{max(width, 0.4):.2f}%", height=14,
                class_="fill box",
            ),
            element("line", x1=middle, x2=middle, y1=1, y2=21, class_="median"),
            width="100%", height=22, role="img", class_=row.look.classes,
        )  # fmt: skip
        items.append(_row(row.label, drawing, row.text))
    ticks = [
        element("text", scale.label(tick), x=place(tick), y=12, text_anchor="middle")
        for tick in scale.ticks
    ]
    foot = element("svg", *ticks, width="100%", height=16, aria_hidden="true")
    items.append(_row("", foot, name))
    return element("ul", *items, class_="rows")


def _row(label: str, drawing: Markup, text: str) -> Markup:
    return element(
        "li",
        element("span", element("bdi", label), class_="label"),
        drawing,
        element("span", text, class_="value"),
    )
