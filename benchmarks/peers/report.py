"""Figures → tables in Markdown."""

from __future__ import annotations

import functools
import operator
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from peers import catalogue
from peers.catalogue import BASELINE, OURS, Peer

_PIPELINE = f"{BASELINE}-pipeline"
_RIVALS = {"text-classification": _PIPELINE, "embedding": "fastembed-float32"}
"""Task → whom its users would call with texts."""


def ratio(times: Sequence[float], baseline: Sequence[float]) -> float:
    """The median of the rounds' ratios: what slows a whole round down counts for nothing."""
    return statistics.median(mine / theirs for mine, theirs in zip(times, baseline, strict=True))


def spread(times: Sequence[float]) -> float:
    """The middle half's width as a share of the median; 0 for a single round."""
    if len(times) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(times, n=4, method="inclusive")
    return (high - low) / middle


def peers_of(model: Mapping[str, Any]) -> list[Peer]:
    """The peers that figures are there of, in the catalogue's order."""
    return [peer for peer in catalogue.PEERS if peer.name in model["peers"]]


def document(figures: Mapping[str, Any]) -> str:
    """Everything: a table for each model and number of threads, and where it was measured."""
    parts = []
    for name, model in figures["models"].items():
        parts.append(f"### {name}\n\n{model['note']}")
        for threads in figures["options"]["threads"]:
            words = "one thread" if threads == 1 else f"{threads} threads"
            parts.append(f"{words[0].upper()}{words[1:]}:\n\n{table(figures, name, threads)}")
            parts.append(summary(figures, name, threads))
        failed = [
            f"- {peer.title}: {model['peers'][peer.name]['error']}"
            for peer in peers_of(model)
            if "error" in model["peers"][peer.name]
        ]
        if failed:
            parts.append("\n".join(["Not possible here:", "", *failed]))
    return "\n\n".join([*parts, caption(figures)])


def table(figures: Mapping[str, Any], name: str, threads: int) -> str:
    """Rows of peers; times in ms, with their ratio to the baseline's."""
    model, options = figures["models"][name], figures["options"]
    measured = {
        peer: model["peers"][peer.name]
        for peer in peers_of(model)
        if "error" not in model["peers"][peer.name]
    }
    baseline = model["peers"].get(BASELINE, {}).get("threads", {}).get(str(threads))
    heads = ["", "MB", "agrees", *(f"{each} tokens" for each in options["lengths"])]
    heads += [f"{options['sentences']:,} sentences, s", "start, ms", "resident, MB", "spread"]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for peer, each in measured.items():
        times = each["threads"][str(threads)]
        cells = [peer.title, f"{each['bytes'] / 1e6:.1f}", agreement(each["agreement"])]
        for length in map(str, options["lengths"]):
            against = baseline and baseline["ids_ms"][length]
            cells.append(_cell(times["ids_ms"].get(length), against))
        against = baseline and baseline["texts"]["seconds"]
        cells.append(_cell(times["texts"]["seconds"], against))
        cells.append(f"{statistics.median(each['start']['ms']):.0f}")
        cells.append(f"{each['start']['all_lengths_bytes'] / 1e6:.0f}")
        widest = max(map(spread, [*times["ids_ms"].values(), times["texts"]["seconds"]]))
        cells.append(f"{100 * widest:.0f} %")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def agreement(figures: Mapping[str, float]) -> str:
    """In a cell: the centred cosine with the float model, and the share of equal labels."""
    parts = []
    if "centred_cosine" in figures:
        parts.append(f"{figures['centred_cosine']:.4f}")
    if "equal_labels" in figures:
        parts.append(f"{100 * figures['equal_labels']:.1f} %")
    return ", ".join(parts)


def summary(figures: Mapping[str, Any], name: str, threads: int) -> str:
    """The best of ours at each thing, as a share of what a user would pick instead."""
    model = figures["models"][name]
    found = {peer: each for peer, each in model["peers"].items() if "error" not in each}
    ours = [peer.name for peer in peers_of(model) if peer.library == OURS and peer.name in found]
    if not ours or BASELINE not in found:
        return ""
    parts = []
    for length in figures["options"]["lengths"]:
        keys = ("threads", str(threads), "ids_ms", str(length))
        parts.append(f"{_best(found, ours, BASELINE, keys)} at {length}")
    sentence = f"EdgeBERT's fastest takes, of {_title(BASELINE)}: {', '.join(parts)} tokens."
    rival = _RIVALS[model["task"]]
    if rival in found:
        texts = _best(found, ours, rival, ("threads", str(threads), "texts", "seconds"))
        starts = _best(found, ours, rival, ("start", "ms"))
        sentence += (
            f" Of {_title(rival)}: {texts} from text to answer, {starts} from the process's start "
            "to the first answer."
        )
    return sentence


def _best(found: Mapping[str, Any], ours: Sequence[str], rival: str, keys: Sequence[str]) -> str:
    """The smallest ratio that any of ours has to a rival in the figures below these keys."""
    times = {name: functools.reduce(operator.getitem, keys, found[name]) for name in [*ours, rival]}
    return f"{min(ratio(times[name], times[rival]) for name in ours):.2f}"


def caption(figures: Mapping[str, Any]) -> str:
    """Where, when and with what."""
    machine = figures["machine"]
    vnni = "with" if machine["dot_product"] else "without"
    rounds = figures["options"]["rounds"]
    versions = ", ".join(f"{name} {each}" for name, each in figures["versions"].items())
    place = (
        f"{machine['cpu']} ({machine['architecture']}, {vnni} 8-bit dot product, "
        f"{machine['available_processors']} processors, load average "
        f"{figures['load_average']:.1f} beforehand), {machine['operating_system']}"
    )
    return (
        f"Medians of {rounds} rounds, of which each runs every peer in turn; in brackets the ratio "
        f"to {_title(BASELINE)}. *agrees*: mean cosine of raw outputs with the float model's, its "
        "mean output taken away; share of equal labels. *spread*: the widest middle half of a "
        "row's rounds. *start*: from the process's start to its first answer, one thread. "
        f"{place}, Python {machine['python']}, {versions}; {figures['date']}, "
        f"{figures['minutes']:.0f} minutes, by `benchmarks/peers`."
    )


def _title(name: str) -> str:
    return next(peer.title for peer in catalogue.PEERS if peer.name == name)


def _cell(times: Sequence[float] | None, baseline: Sequence[float] | None) -> str:
    if not times:
        return "–"
    text = f"{statistics.median(times):.2f}"
    return f"{text} ({ratio(times, baseline):.2f})" if baseline else text
