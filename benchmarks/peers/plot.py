"""Figures as a picture: how long each peer takes, as a multiple of optimum's int8."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import matplotlib
from matplotlib import style, ticker
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from peers import catalogue
from peers.catalogue import BASELINE, OURS, Peer
from peers.report import ratio

_COLOURS = ("#56B4E9", "#0072B2", "#009E73", "#D55E00")
"""Of lengths, shortest first: Okabe and Ito's palette, which every kind of colour vision tells
apart ("Color Universal Design", 2008)."""
_SHAPES = ("o", "s", "D", "^")
_DARK, _GREY, _PALE, _BAND = "#222222", "#6b6b6b", "#dddddd", "#f3f6f9"


def render(figures: Mapping[str, Any], kind: str = "svg") -> bytes:
    """A panel a model, a row a peer, a mark a length; one thread, or the fewest measured."""
    threads = str(min(figures["options"]["threads"]))
    lengths = [str(length) for length in figures["options"]["lengths"]][: len(_SHAPES)]
    models = figures["models"]
    with style.context("default"):
        matplotlib.rcParams["svg.hashsalt"] = "edgebert"
        figure = Figure(figsize=(2.4 + 2.8 * len(models), 4.4), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, len(models), sharex=True, sharey=True, squeeze=False)[0]
        rows = _rows(models, threads)
        for axes, (name, model) in zip(panels, models.items(), strict=True):
            _draw(axes, model["peers"], rows, (threads, lengths))
            axes.set_title(name, loc="left", fontsize=11, color=_DARK)
        panels[0].set_yticks(range(len(rows)), [peer.title for peer in rows], fontsize=8)
        panels[0].invert_yaxis()
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(
            handles,
            labels,
            loc="outside upper right",
            ncols=len(lengths),
            frameon=False,
            fontsize=9,
        )
        figure.supxlabel(
            "time from ids to logits, batch 1, as a multiple of optimum's int8 (less is faster)",
            fontsize=9,
            color=_DARK,
        )
        content = io.BytesIO()
        figure.savefig(content, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return content.getvalue()


def _rows(models: Mapping[str, Any], threads: str) -> list[Peer]:
    """Who was timed from ids to logits with any model; a pipeline's file is there without it."""
    return [
        peer
        for peer in catalogue.PEERS
        if "pipeline" not in peer.name
        and any(_times(model["peers"], peer, threads) for model in models.values())
    ]


def _times(peers: Mapping[str, Any], peer: Peer, threads: str) -> Any:
    """Milliseconds of the rounds by length; empty where there are none."""
    return peers.get(peer.name, {}).get("threads", {}).get(threads, {}).get("ids_ms", {})


def _draw(
    axes: Any, peers: Mapping[str, Any], rows: list[Peer], measured: tuple[str, list[str]]
) -> None:
    threads, lengths = measured
    baseline = peers[BASELINE]["threads"][threads]["ids_ms"]
    for index, length in enumerate(lengths):
        ratios = {
            row: ratio(times[length], baseline[length])
            for row, peer in enumerate(rows)
            if (times := _times(peers, peer, threads))
        }
        axes.scatter(
            list(ratios.values()), list(ratios), s=34, marker=_SHAPES[index],
            color=_COLOURS[index], edgecolor="white", linewidth=0.5, zorder=3,
            label=f"{length} tokens",
        )  # fmt: skip
    for index, peer in enumerate(rows):
        if peer.library == OURS:
            axes.axhspan(index - 0.5, index + 0.5, color=_BAND, zorder=0)
    axes.axvline(1.0, color=_GREY, linewidth=1, zorder=1)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axes.grid(axis="x", color=_PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(colors=_DARK, labelsize=8, left=False)
