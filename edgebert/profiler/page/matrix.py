"""Devices by models: one figure at a time, chosen in the page."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgebert.profiler import derived
from edgebert.profiler.page.markup import Cell, Markup, element, joined, named, number, table
from edgebert.profiler.page.view import View
from edgebert.profiler.profile import Profile, Result
from edgebert.profiler.report import figure
from edgebert_runtime.measurement import Timing


@dataclass(frozen=True)
class _Figure:
    """Something to choose."""

    name: str
    least: bool
    """Whether the least is the best."""
    by_length: Callable[[Timing], str] | None = None
    alone: Callable[[Profile, Result], float | None] | None = None


def _p50(timing: Timing) -> str:
    return figure(timing.p50_ms) + (" ~" if derived.imprecise(timing) else "")


def _megabytes(count: int | None) -> float | None:
    return None if count is None else count / 1e6


_FIGURES = {
    "p50": _Figure("p50 latency, ms", True, _p50),
    "p90": _Figure("p90 latency, ms", True, lambda timing: figure(timing.p90_ms)),
    "p99": _Figure("p99 latency, ms", True, lambda timing: figure(timing.p99_ms)),
    "rate": _Figure(
        "sentences a second", False, lambda timing: figure(timing.sentences_per_second)
    ),
    "start": _Figure(
        "start to first answer, ms",
        True,
        alone=lambda _, result: result.measurement.startup.to_first_answer_ms,
    ),
    "memory": _Figure(
        "peak memory, MB",
        True,
        alone=lambda _, result: _megabytes(result.measurement.memory.peak_bytes),
    ),
    "size": _Figure(
        "size on the device, MB",
        True,
        alone=lambda profile, result: derived.device_bytes(profile, result) / 1e6,
    ),
}
_FIRST = "p50"


def data(view: View) -> dict[str, object]:
    """What the page's program shows for each choice: texts by figure, then length."""
    rows = _rows(view)
    return {
        "least": {key: each.least for key, each in _FIGURES.items()},
        "lengths": [key for key, each in _FIGURES.items() if each.by_length is not None],
        "cells": [
            [None if result is None else _texts(view, result) for result in row.values()]
            for row in rows.values()
        ],
    }


def section(view: View) -> Markup:
    """The matrix as it is first, with what chooses another figure."""
    tokens = derived.typical_tokens(view.profile)
    head = _FIGURES[_FIRST]
    texts = {
        (label, device): "-" if result is None else _texts(view, result)[_FIRST].get(
            str(tokens), "-"
        )
        for label, row in _rows(view).items()
        for device, result in row.items()
    }  # fmt: skip
    best = {
        device: _best([text for (_, on), text in texts.items() if on == device])
        for device in (each.name for each in view.profile.devices)
    }
    rows = []
    for label, row in _rows(view).items():
        cells = [Cell(named(label))]
        for device, result in row.items():
            text = texts[label, device]
            shown = element("span", text, class_="figure")
            marks = Markup() if result is None else view.mark(result)
            cells.append(
                dataclasses.replace(
                    number(shown, _value(text), marks),
                    best=text != "-" and _value(text) == best[device],
                )
            )
        rows.append(cells)
    headers = ["model", *(named(each.name) for each in view.profile.devices)]
    shown = element("span", f"{head.name}, {tokens} tokens", id="shown")
    caption = joined([shown, "; the best of each device is bold"])
    if not view.names.several_models:
        headers[0] = "artifact"
    return joined([_chooser(view, tokens), table("Devices by models", headers, rows, caption)])


def _chooser(view: View, tokens: int | None) -> Markup:
    figures = [
        element("option", each.name, value=key, selected=key == _FIRST)
        for key, each in _FIGURES.items()
    ]
    lengths = [
        element("option", f"{each} tokens", value=each, selected=each == tokens)
        for each in view.profile.tokens()
    ]
    return element(
        "form",
        element("label", "Show ", element("select", *figures, id="figure")),
        " ",
        element("label", "at ", element("select", *lengths, id="tokens")),
        id="chooser",
        class_="controls",
        hidden=True,
    )


def _rows(view: View) -> dict[str, dict[str, Result | None]]:
    """Artifact and threads → device → result."""
    devices = [each.name for each in view.profile.devices]
    rows: dict[str, dict[str, Result | None]] = {}
    for result in view.profile.results:
        row = rows.setdefault(view.names.on_device(result), dict.fromkeys(devices))
        row[result.device] = result
    return rows


def _texts(view: View, result: Result) -> dict[str, dict[str, str]]:
    """Figure → length → text; what no length changes is under ""."""
    texts: dict[str, dict[str, str]] = {}
    for key, each in _FIGURES.items():
        if each.by_length is not None:
            texts[key] = {
                str(timing.tokens): each.by_length(timing) for timing in derived.alone(result)
            }
        elif each.alone is not None:
            texts[key] = {"": figure(each.alone(view.profile, result))}
    return texts


def _value(text: str) -> float | None:
    return None if text == "-" else float(text.removesuffix(" ~"))


def _best(texts: Sequence[str]) -> float | None:
    """The least of several; nothing is the best of one."""
    known = [value for value in map(_value, texts) if value is not None]
    return min(known) if len(known) > 1 else None
