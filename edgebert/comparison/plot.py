"""A comparison as a picture: score against latency, bubbles as large as what a device holds."""

from __future__ import annotations

import io
import itertools
import math
import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib import patheffects, style, ticker
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from edgebert.comparison.placement import Box, Mark, place

_LOOKS = {"tflite": ("#E69F00", "s"), "onnx": ("#0072B2", "o"), "torchscript": ("#009E73", "D")}
"""Backend → colour and shape: Okabe and Ito's palette, which every kind of colour vision can tell
apart, and in grey the shapes do ("Color Universal Design", 2008)."""
_DISC = 4 / math.pi
"""The size at which matplotlib's disc has the area of its square of size 1."""
_DARK, _GREY, _PALE = "#222222", "#6b6b6b", "#dddddd"
_LARGEST = 900.0
"""Square points of the largest bubble."""
_SMALLEST = 25.0
"""Square points below which a bubble could not be seen."""
_LOGARITHMIC = 8.0
"""Slowest to fastest, from which a linear axis would crowd the fast ones."""
_LONGEST_LABEL = 48
_LONGEST_AXIS = 70
_FOOTER_WIDTH = 175
_DPI = 150


@dataclass(frozen=True)
class Bubble:
    """One artifact. Times in ms, size in bytes."""

    label: str
    backend: str
    latency_ms: float
    between_ms: tuple[float, float]
    """The fastest round and the slowest."""
    score: float
    bytes: int
    on_front: bool


@dataclass(frozen=True)
class Words:
    """The texts of a plot, each on one line."""

    title: str
    latency: str
    score: str
    footer: tuple[str, ...]


def render(bubbles: Sequence[Bubble], words: Words, kind: str) -> bytes:
    """The picture of one bubble at least as "png" or "svg".

    In SVG a bubble's group has the id `bubble-N`, N from 0.
    """
    with style.context("default"), warnings.catch_warnings():
        # A script that the font has no letters for shows as boxes, which is no reason to fail.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        matplotlib.rcParams["svg.hashsalt"] = "edgebert"
        figure = Figure(figsize=(9, 6), dpi=_DPI, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _describe(figure, axes, words)
        _limits(axes, bubbles)
        front = _front(axes, bubbles)
        for index, each in enumerate(bubbles):
            _draw(axes, each, index, _area(each, bubbles))
        _legend(axes, bubbles)
        canvas.draw()  # type: ignore[no-untyped-call]
        # What is placed from here on in pixels must not move again.
        figure.set_layout_engine("none")
        _label(axes, bubbles, front)
        content = io.BytesIO()
        metadata = {"Date": None} if kind == "svg" else None
        figure.savefig(content, format=kind, dpi=_DPI, metadata=metadata)
    return content.getvalue()


def _describe(figure: Figure, axes: Any, words: Words) -> None:
    plain = {"parse_math": False}
    axes.set_title(
        _shortened(words.title, _LONGEST_AXIS), loc="left", fontsize=12, color=_DARK, **plain
    )
    axes.set_xlabel(_shortened(words.latency, _LONGEST_AXIS), color=_DARK, **plain)
    axes.set_ylabel(_shortened(words.score, _LONGEST_AXIS), color=_DARK, **plain)
    axes.grid(color=_PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_DARK)
    footer = "\n".join(textwrap.fill(line, _FOOTER_WIDTH) for line in words.footer)
    figure.supxlabel(footer, x=0.01, ha="left", fontsize=7, color=_GREY, **plain)


def _limits(axes: Any, bubbles: Sequence[Bubble]) -> None:
    """Room for bubbles and labels around all points."""
    fastest = min(each.between_ms[0] for each in bubbles)
    slowest = max(each.between_ms[1] for each in bubbles)
    if slowest / fastest >= _LOGARITHMIC:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_minor_locator(ticker.NullLocator())
        axes.xaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
        margin = (slowest / fastest) ** 0.12
        axes.set_xlim(fastest / margin, slowest * margin**2)
    else:
        width = max(slowest - fastest, 0.2 * slowest)
        axes.set_xlim(max(0.0, fastest - 0.15 * width), slowest + 0.3 * width)
    scores = [each.score for each in bubbles]
    height = max(max(scores) - min(scores), 0.01)
    axes.set_ylim(min(scores) - 0.25 * height, max(scores) + 0.25 * height)


def _front(axes: Any, bubbles: Sequence[Bubble]) -> list[tuple[float, float]]:
    """The best score that can be had within a latency, as a step line; returns its corners."""
    corners: list[tuple[float, float]] = []
    for each in sorted(bubbles, key=lambda each: (each.latency_ms, -each.score)):
        if not corners or each.score > corners[-1][1]:
            corners.append((each.latency_ms, each.score))
    # On to the right edge: a slower one that is no better changes nothing.
    corners.append((axes.get_xlim()[1], corners[-1][1]))
    line = [corners[0]]
    for across, up in corners[1:]:
        line += [(across, line[-1][1]), (across, up)]
    axes.plot(*zip(*line, strict=True), color=_GREY, linewidth=1.2, zorder=1.5, gid="front")
    return line


def _draw(axes: Any, each: Bubble, index: int, area: float) -> None:
    colour, shape = _LOOKS[each.backend]
    axes.hlines(each.score, *each.between_ms, color=_DARK, linewidth=1, zorder=4)
    axes.scatter(
        [each.latency_ms],
        [each.score],
        s=area * _DISC if shape == "o" else area,
        marker=shape,
        facecolor=colour if each.on_front else "white",
        edgecolor=_DARK if each.on_front else colour,
        linewidth=1.2 if each.on_front else 1.6,
        alpha=0.9,
        # Small ones on top, so that none is hidden.
        zorder=3 - area / _LARGEST,
        gid=f"bubble-{index}",
    )


def _area(each: Bubble, bubbles: Sequence[Bubble]) -> float:
    largest = max(other.bytes for other in bubbles)
    return max(_SMALLEST, _LARGEST * each.bytes / largest)


def _legend(axes: Any, bubbles: Sequence[Bubble]) -> None:
    """Backends by shape, the front, and what size of bubble stands for how many bytes."""
    handles = [
        Line2D([], [], linestyle="", marker=shape, color=colour, markersize=8, label=backend)
        for backend, (colour, shape) in _LOOKS.items()
        if any(each.backend == backend for each in bubbles)
    ]
    handles += [
        Line2D([], [], linestyle="", marker="o", color=_DARK, markersize=8, label="Pareto front"),
        Line2D(
            [], [], linestyle="", marker="o", markerfacecolor="white", markeredgecolor=_DARK,
            markersize=8, label="dominated",
        ),
        Line2D([], [], color=_GREY, linewidth=1.2, label="best score\nwithin a latency"),
    ]  # fmt: skip
    style = {"frameon": False, "fontsize": 9, "borderpad": 0.2, "alignment": "left"}
    legend = axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), **style)
    axes.add_artist(legend)
    largest = max(each.bytes for each in bubbles)
    sizes = [
        Line2D(
            [], [], linestyle="", marker="o", markerfacecolor="none", markeredgecolor=_GREY,
            markersize=math.sqrt(_DISC * _LARGEST * size / largest), label=f"{size / 1e6:.3g} MB",
        )
        for size in (largest / 4, largest)
    ]  # fmt: skip
    axes.legend(
        handles=sizes,
        loc="lower left",
        bbox_to_anchor=(1.01, 0.0),
        labelspacing=2.5,
        handletextpad=2.0,
        handlelength=3.0,
        title="area: size on a device",
        title_fontsize=9,
        **style,
    )


def _label(axes: Any, bubbles: Sequence[Bubble], front: Sequence[tuple[float, float]]) -> None:
    """Names beside the bubbles, those on the front first; a line leads to one that is far."""
    figure = axes.figure
    renderer = figure.canvas.get_renderer()
    ordered = sorted(bubbles, key=lambda each: (not each.on_front, each.latency_ms))
    looks = {
        "fontsize": 9,
        "color": _DARK,
        "ha": "center",
        "va": "center",
        "zorder": 6,
        "parse_math": False,
        "path_effects": [patheffects.withStroke(linewidth=2.5, foreground="white")],
    }
    texts = [
        axes.text(each.latency_ms, each.score, _shortened(each.label, _LONGEST_LABEL), **looks)
        for each in ordered
    ]
    marks = []
    for each, text in zip(ordered, texts, strict=True):
        x, y = axes.transData.transform((each.latency_ms, each.score))
        # Half the diagonal of a square: no shape reaches further.
        radius = math.sqrt(_area(each, bubbles) / 2) * _DPI / 72
        extent = text.get_window_extent(renderer)
        marks.append(Mark(x, y, radius, extent.width, extent.height))
    window = axes.get_window_extent(renderer)
    frame = Box(window.x0, window.y0, window.x1, window.y1)
    pixels = axes.transData.transform(front)
    taken = [
        Box(min(a[0], b[0]), min(a[1], b[1]) - 2, max(a[0], b[0]) + 2, max(a[1], b[1]) + 2)
        for a, b in itertools.pairwise(pixels)
    ]
    for mark, text, box in zip(marks, texts, place(marks, frame, taken), strict=True):
        middle = ((box.left + box.right) / 2, (box.bottom + box.top) / 2)
        text.set_position(axes.transData.inverted().transform(middle))
        near = (
            min(max(mark.x, box.left), box.right),
            min(max(mark.y, box.bottom), box.top),
        )
        distance = math.dist(near, (mark.x, mark.y))
        if distance > mark.radius + 12:
            share = mark.radius / distance
            edge = (mark.x + share * (near[0] - mark.x), mark.y + share * (near[1] - mark.y))
            ends = axes.transData.inverted().transform([edge, near])
            axes.plot(*ends.T, color=_GREY, linewidth=0.6, zorder=2)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
