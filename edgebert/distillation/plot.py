"""A run as a picture: losses over steps, and the figures of the development set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from edgebert.distillation.run import replace

_NOT_LOSSES = ("stage", "stage_number", "step", "rate", "seconds")


def draw(metrics: list[dict[str, Any]], path: Path) -> None:
    """One panel a stage: losses on the left axis, development figures on the right.

    `metrics` are the lines of metrics.jsonl. Written whole or not at all.
    """
    stages = list(dict.fromkeys((each["stage_number"], each["stage"]) for each in metrics))
    if not stages:
        return
    figure = Figure(figsize=(6 * len(stages), 4), layout="constrained")
    for index, (number, name) in enumerate(stages, start=1):
        lines = [each for each in metrics if each["stage_number"] == number]
        axes = figure.add_subplot(1, len(stages), index)
        positive = all(line.get("loss", 1.0) > 0 for line in lines)
        scale = "log" if positive else "linear"
        axes.set(title=name, xlabel="step", ylabel="loss", yscale=scale)
        _curves(axes, lines, development=False)
        if any(key.startswith("dev_") for line in lines for key in line):
            _curves(axes.twinx(), lines, development=True)
    canvas = FigureCanvasAgg(figure)
    replace(path, lambda partial: canvas.print_figure(partial, format="png"))


def _curves(axes: Any, lines: list[dict[str, Any]], *, development: bool) -> None:
    names = dict.fromkeys(
        key
        for line in lines
        for key in line
        if key not in _NOT_LOSSES and key.startswith("dev_") == development
    )
    if len(names) == 2 and not development:
        # The sum of one part is that part.
        del names["loss"]
    for name in names:
        points = [(line["step"], line[name]) for line in lines if name in line]
        style = "o--" if development else "-"
        axes.plot(*zip(*points, strict=True), style, label=name.replace("_", " "), linewidth=1)
    axes.legend(loc="lower right" if development else "upper right", fontsize="small")
