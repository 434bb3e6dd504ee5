"""A profile as a PNG: latency against length for each device, and each artifact as bars."""

from __future__ import annotations

import io
import math
import warnings
from typing import TYPE_CHECKING, Any

from edgebert.escaping import printable
from edgebert.profiler import derived
from edgebert.profiler.derived import Names
from edgebert.profiler.profile import Profile, Result
from edgebert.profiler.report import figure
from edgebert_runtime.errors import MissingBackendError

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6F4AA0", "#70757A",
)  # fmt: skip
"""Of Okabe and Ito's palette ("Color Universal Design", 2008), and two more."""
_DASHES = ("-", "--", ":", "-.")
_DARK, _GREY, _PALE = "#222222", "#6b6b6b", "#dddddd"
_LONGEST = 60
"""Characters of a name."""
_MOST_ACROSS = 3
_DPI = 130
_MOST_BARS = 60
"""Of a device: a picture of more could not be read."""


def require() -> None:
    """Before minutes of measuring, not after them.

    Raises:
        MissingBackendError: if matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingBackendError(
            f"a .png needs {error.name}, which is not installed; run: "
            "pip install 'edgebert[compare]'"
        ) from None


def render(profile: Profile) -> bytes:
    """The picture, as PNG.

    Raises:
        MissingBackendError: if matplotlib is not installed.
    """
    require()
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    devices = [each.name for each in profile.devices if profile.on(each.name)]
    most = max((len(_bars(profile, device)) for device in devices), default=1)
    across = max(1, min(_MOST_ACROSS, len(devices)))
    down = max(1, math.ceil(len(devices) / across))
    heights = (3.2, 0.8 + 0.26 * most)
    with matplotlib.style.context("default"), warnings.catch_warnings():
        # A script that the font has no letters for shows as boxes, which is no reason to fail.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        drawing = Figure(
            figsize=(1.0 + 6.2 * across, 0.9 + down * sum(heights)),
            dpi=_DPI,
            layout="constrained",
        )
        FigureCanvasAgg(drawing)
        grid = drawing.add_gridspec(2 * down, across, height_ratios=heights * down)
        names = ", ".join(each.name for each in profile.models)
        drawing.suptitle(
            _shortened(f"Profile of {names}", 90), x=0.01, ha="left", color=_DARK, parse_math=False
        )
        for place, device in enumerate(devices):
            row, column = divmod(place, across)
            _lines(drawing.add_subplot(grid[2 * row, column]), profile, device)
            _show_bars(drawing.add_subplot(grid[2 * row + 1, column]), profile, device, most)
        footer = f"{profile.created[:10]}, edgebert {profile.edgebert}."
        if any(derived.marked(profile.results)):
            footer += " Hollow: something disturbed the measurement."
        drawing.supxlabel(footer, x=0.01, ha="left", fontsize=7, color=_GREY, parse_math=False)
        content = io.BytesIO()
        drawing.savefig(content, format="png", dpi=_DPI)
    return content.getvalue()


def _looks(profile: Profile) -> dict[tuple[str, str], str]:
    kinds = dict.fromkeys((each.model, each.artifact) for each in profile.results)
    return {kind: _COLOURS[place % len(_COLOURS)] for place, kind in enumerate(kinds)}


def _dash(profile: Profile, result: Result) -> str:
    counts = sorted({each.measurement.threads for each in profile.results})
    return _DASHES[counts.index(result.measurement.threads) % len(_DASHES)]


def _lines(axes: Any, profile: Profile, device: str) -> None:
    """p50 by tokens, both logarithmic: as far apart as their ratios."""
    colours = _looks(profile)
    tokens: set[int] = set()
    for each in profile.on(device):
        timings = derived.alone(each)
        tokens.update(timing.tokens for timing in timings)
        colour = colours[each.model, each.artifact]
        axes.plot(
            [timing.tokens for timing in timings],
            [timing.p50_ms for timing in timings],
            color=colour,
            linestyle=_dash(profile, each),
            linewidth=1.4,
            marker="o",
            markersize=4,
            markerfacecolor="white" if each.measurement.conditions.marks else colour,
        )
    axes.set_title(_shortened(device, _LONGEST), loc="left", fontsize=11, parse_math=False)
    axes.set_xlabel("tokens")
    axes.set_ylabel("p50 in ms")
    if tokens:
        axes.set_xscale("log")
        axes.set_yscale("log")
        _plain_ticks(axes, sorted(tokens))
    _tidy(axes, "both")


def _plain_ticks(axes: Any, tokens: Sequence[int]) -> None:
    from matplotlib import ticker

    axes.xaxis.set_major_locator(ticker.FixedLocator([float(each) for each in tokens]))
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_minor_locator(ticker.NullLocator())
    for each in (axes.xaxis, axes.yaxis):
        each.set_major_formatter(ticker.FormatStrFormatter("%g"))


def _bars(profile: Profile, device: str) -> list[tuple[Result, float]]:
    """Results of a device with their p50 at a typical length, in their order."""
    tokens = derived.typical_tokens(profile)
    if tokens is None:
        return []
    found = [(each, each.timing(tokens)) for each in profile.on(device)]
    return [(each, timing.p50_ms) for each, timing in found if timing is not None][:_MOST_BARS]


def _show_bars(axes: Any, profile: Profile, device: str, rows: int) -> None:
    """Bars with room for `rows` of them, as high as those of the other devices."""
    colours, names = _looks(profile), Names.of(profile)
    bars = _bars(profile, device)
    for place, (each, p50) in enumerate(bars):
        colour = colours[each.model, each.artifact]
        doubtful = bool(each.measurement.conditions.marks)
        axes.barh(
            place, p50, height=0.7, edgecolor=colour, color="white" if doubtful else colour,
            linestyle=_dash(profile, each),
        )  # fmt: skip
        peak = each.measurement.memory.peak_bytes
        memory = "" if peak is None else f", {peak / 1e6:.0f} MB in use"
        size = derived.device_bytes(profile, each) / 1e6
        axes.annotate(
            f"{figure(p50)} ms{memory}, {figure(size)} MB on disk", (p50, place), (4, 0),
            textcoords="offset points", va="center", fontsize=7, color=_GREY, parse_math=False,
        )  # fmt: skip
    axes.set_yticks(range(len(bars)))
    axes.set_yticklabels(
        [_shortened(names.on_device(each), _LONGEST) for each, _ in bars],
        fontsize=8,
        parse_math=False,
    )
    axes.set_ylim(rows - 0.4, -0.6)
    most = max((p50 for _, p50 in bars), default=1.0)
    # Room for what stands behind the longest one.
    axes.set_xlim(0, 2.3 * most)
    axes.set_xlabel(f"p50 in ms at {derived.typical_tokens(profile)} tokens")
    _tidy(axes, "x")


def _tidy(axes: Any, lines: str) -> None:
    axes.grid(color=_PALE, linewidth=0.6, axis=lines)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_DARK)


def _shortened(text: str, most: int) -> str:
    shown = printable(text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
