"""Lines in a panel, as SVG that needs no program, and what colours stand for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgebert.profiler.page.markup import Markup, element
from edgebert.profiler.report import figure

COLOURS = 8
"""Classes c0 … c7 of page.css."""
_DASHES = (None, "6 3", "2 3", "8 3 2 3")
_WIDTH, _HEIGHT = 360.0, 236.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 12.0, 10.0, 36.0
_LOGARITHMIC = 8.0
"""Largest to smallest, from which a linear axis would crowd the small ones."""
_SPACE = 22.0
"""Between the middles of two labels below an axis."""


@dataclass(frozen=True)
class Look:
    """How one series is drawn."""

    colour: int
    dash: int = 0

    @property
    def classes(self) -> str:
        """Of the stylesheet."""
        return f"c{self.colour % COLOURS}"

    @property
    def dashes(self) -> str | None:
        """As SVG has them."""
        return _DASHES[self.dash % len(_DASHES)]


@dataclass(frozen=True)
class Series:
    """A line: points from left to right, and which of them are doubtful."""

    name: str
    look: Look
    points: tuple[tuple[float, float], ...]
    doubtful: bool = False


@dataclass(frozen=True)
class Axis:
    """What it counts, where it begins and ends, and its labels."""

    name: str
    low: float
    high: float
    ticks: tuple[float, ...]
    logarithmic: bool = False
    unit: str = ""

    def share(self, value: float) -> float:
        """How far along a value lies: 0 at the beginning, 1 at the end."""
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def label(self, value: float) -> str:
        """A value as it stands at the axis."""
        return f"{value:.6g}{self.unit}"


def axis(name: str, values: Sequence[float]) -> Axis:
    """From 0, or logarithmic where values above 0 are far apart; ticks at round numbers."""
    least, most = min(values), max(values)
    if least > 0 and most / least >= _LOGARITHMIC:
        low, high = _step(least, math.floor), _step(most, math.ceil)
        ticks = [
            factor * 10.0**power
            for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            for factor in (1, 2, 5)
            if low * 0.999 <= factor * 10.0**power <= high * 1.001
        ]
        every = math.ceil(len(ticks) / 7)
        # With few decades 1, 2 and 5 are labelled, with many only every third.
        return Axis(name, low, high, tuple(ticks[:: 3 if every == 2 else every]), logarithmic=True)
    step = _round_step(most / 5)
    high = step * math.ceil(most / step)
    return Axis(name, 0.0, high, tuple(step * index for index in range(round(high / step) + 1)))


def between(name: str, values: Sequence[float], unit: str = "") -> Axis:
    """From the least to the most, with some room."""
    least, most = min(values), max(values)
    step = _round_step(max(most - least, abs(most) / 50) / 4)
    low, high = math.floor(least / step) * step, math.ceil(most / step) * step
    if low == high:
        low, high = low - step, high + step
    count = round((high - low) / step)
    return Axis(name, low, high, tuple(low + step * index for index in range(count + 1)), unit=unit)


def lengths(name: str, values: Sequence[int]) -> Axis:
    """Numbers of tokens, as far apart as their ratios; labelled where there is room."""
    ordered = sorted(set(values))
    if len(ordered) == 1:
        only = float(ordered[0])
        return Axis(name, only / 2, only * 2, (only,), logarithmic=True)
    room = _WIDTH - _LEFT - _RIGHT
    whole = Axis(name, float(ordered[0]), float(ordered[-1]), (), logarithmic=True)
    ticks: list[float] = []
    for value in reversed(ordered):
        if not ticks or (whole.share(ticks[-1]) - whole.share(value)) * room >= _SPACE:
            ticks.append(float(value))
    return Axis(name, whole.low, whole.high, tuple(ticks), logarithmic=True)


def _round_step(value: float) -> float:
    """The next of 1, 2, 5, 10 … up."""
    return _step(value, math.ceil) if value > 0 else 1.0


def _step(value: float, direction: Callable[[float], int]) -> float:
    """The next of 1, 2, 5, 10 … in a direction."""
    power = math.floor(math.log10(value))
    # A little off is what came of reckoning.
    scaled = value / 10.0**power
    steps = (1.0, 2.0, 5.0, 10.0)
    if direction is math.ceil:
        factor = next((each for each in steps if each >= scaled * 0.999999), 10.0)
    else:
        factor = next(each for each in reversed(steps) if each <= scaled * 1.000001)
    return float(factor * 10.0**power)


def panel(title: str, across: Axis, up: Axis, series: Sequence[Series]) -> Markup:
    """Lines in one system of coordinates. A hollow point is a doubtful one."""

    def x(value: float) -> float:
        return _LEFT + across.share(value) * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - up.share(value) * (_HEIGHT - _TOP - _BOTTOM)

    bottom = _HEIGHT - _BOTTOM
    parts: list[Markup] = []
    for tick in up.ticks:
        parts.append(
            element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y(tick), y2=y(tick), class_="grid")
        )
        parts.append(
            element(
                "text", up.label(tick), x=_LEFT - 6, y=y(tick) + 4, text_anchor="end",
            )
        )  # fmt: skip
    for tick in across.ticks:
        parts.append(
            element("line", x1=x(tick), x2=x(tick), y1=bottom, y2=bottom + 4, class_="grid")
        )
        parts.append(
            element(
                "text", across.label(tick), x=x(tick), y=bottom + 16, text_anchor="middle",
            )
        )  # fmt: skip
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(element("text", across.name, x=middle, y=_HEIGHT - 4, text_anchor="middle"))
    for each in series:
        places = [(x(left), y(height)) for left, height in each.points]
        line = " ".join(f"{left:.1f},{height:.1f}" for left, height in places)
        name = f"{each.name}: " + ", ".join(
            f"{across.label(left)} {figure(height)}{up.unit}" for left, height in each.points
        )
        drawn = [element("title", name)]
        if len(places) > 1:
            drawn.append(
                element("polyline", points=line, class_="line", stroke_dasharray=each.look.dashes)
            )
        if len(places) <= 12:
            kind = "point doubtful" if each.doubtful else "point"
            drawn += [element("circle", cx=a, cy=b, r=3, class_=kind) for a, b in places]
        parts.append(element("g", *drawn, class_=each.look.classes))
    drawing = element(
        "svg", *parts, viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}", role="img",
        aria_label=f"{title}: {up.name} by {across.name}",
    )  # fmt: skip
    scale = ", logarithmic" if up.logarithmic else ""
    caption = element("figcaption", element("b", title), f" {up.name}{scale}")
    return element("figure", caption, drawing, class_="panel")


def legend(entries: Mapping[str, Look], *, dashed: bool = True) -> Markup:
    """What colours and dashes stand for."""
    items = []
    for name, look in entries.items():
        if dashed:
            sample = element(
                "line", x1=1, x2=25, y1=6, y2=6, class_="line", stroke_dasharray=look.dashes
            )
        else:
            sample = element("rect", x=1, y=1, width=24, height=10, class_="fill")
        drawing = element(
            "svg", sample, class_=look.classes, width=26, height=12, aria_hidden="true"
        )
        items.append(element("li", drawing, " ", name))
    return element("ul", *items, class_="legend")
