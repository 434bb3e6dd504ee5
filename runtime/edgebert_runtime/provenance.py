"""What a manifest says of how its artifacts came about. Nothing here changes an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgebert_runtime.errors import shortened
from edgebert_runtime.json_fields import (
    reject,
    take_fields,
    take_integer,
    take_list,
    take_number,
    take_share,
    take_text,
    take_texts,
)


@dataclass(frozen=True)
class Calibration:
    """How the fixed ranges of activations were found."""

    method: str
    sentences: int
    agreement: Mapping[str, float]
    """Method → agreement of the rounded model with the float model; the best was taken."""


@dataclass(frozen=True)
class Pruning:
    """What was cut out of the model before it was converted."""

    heads: tuple[int, ...]
    """Attention heads of each layer."""
    feed_forward: tuple[int, ...]
    """Feed-forward neurons of each layer."""
    parameters_before: int
    sparsity: float
    """Share of linear weights that were set to zero on top of it."""


@dataclass(frozen=True)
class Trial:
    """An artifact that was made and measured; one for each format was kept."""

    backend: str
    recipe: str
    float_layers: tuple[str, ...]
    value: float
    """Of the search's figure, on its data."""
    p50_ms: float
    """Median milliseconds of one inference, one thread, on the machine that converted."""
    bytes: int
    recovered: bool
    """Made of the checkpoint that learnt with rounded weights, not of the given one."""
    kept: bool


@dataclass(frozen=True)
class Search:
    """How the recipe of each format was chosen: the fastest within the allowed loss."""

    data: str
    rows: int
    figure: str
    """"accuracy" or "correlation"."""
    float_value: float
    """Of the float model."""
    max_drop: float
    """Allowed loss in points: hundredths of the figure."""
    recovery_steps: int
    """Steps of learning with rounded weights that were tried; 0: none."""
    trials: tuple[Trial, ...]


def calibration(data: Any, where: str) -> Calibration | None:
    """An artifact's `calibration`; null is None."""
    if data is None:
        return None
    fields = take_fields(data, where, Calibration)
    figures = fields["agreement"]
    if not isinstance(figures, dict) or len(figures) > 1000:
        reject(f"{where}.agreement", figures, "a figure for each of at most 1000 methods")
    agreement = {
        take_text(name, f"{where}.agreement"): take_number(
            value, f"{where}.agreement[{shortened(name)}]"
        )
        for name, value in figures.items()
    }
    method = take_text(fields["method"], f"{where}.method")
    if method not in agreement:
        reject(f"{where}.method", method, "one of the methods in agreement")
    return Calibration(
        method, take_integer(fields["sentences"], f"{where}.sentences", 1), agreement
    )


def pruning(data: Any) -> Pruning | None:
    """A manifest's `pruning`; null is None."""
    if data is None:
        return None
    fields = take_fields(data, "pruning", Pruning)
    heads, feed_forward = (
        tuple(
            take_integer(each, f"pruning.{name}", 1)
            for each in take_list(fields[name], f"pruning.{name}")
        )
        for name in ("heads", "feed_forward")
    )
    if not heads:
        reject("pruning.heads", heads, "numbers of heads, one for each layer")
    if len(heads) != len(feed_forward):
        reject("pruning.feed_forward", feed_forward, f"{len(heads)} numbers, one for each layer")
    before = take_integer(fields["parameters_before"], "pruning.parameters_before", 1)
    return Pruning(heads, feed_forward, before, take_share(fields["sparsity"], "pruning.sparsity"))


def _trial(data: Any, where: str) -> Trial:
    fields = take_fields(data, where, Trial)
    for name in ("recovered", "kept"):
        if not isinstance(fields[name], bool):
            reject(f"{where}.{name}", fields[name], "true or false")
    return Trial(
        take_text(fields["backend"], f"{where}.backend"),
        take_text(fields["recipe"], f"{where}.recipe"),
        take_texts(fields["float_layers"], f"{where}.float_layers"),
        take_number(fields["value"], f"{where}.value", -1, 1),
        take_number(fields["p50_ms"], f"{where}.p50_ms", 0),
        take_integer(fields["bytes"], f"{where}.bytes", 1),
        fields["recovered"],
        fields["kept"],
    )


def search(data: Any) -> Search | None:
    """A manifest's `search`; null is None."""
    if data is None:
        return None
    fields = take_fields(data, "search", Search)
    return Search(
        take_text(fields["data"], "search.data"),
        take_integer(fields["rows"], "search.rows", 1),
        take_text(fields["figure"], "search.figure", ("accuracy", "correlation")),
        take_number(fields["float_value"], "search.float_value", -1, 1),
        take_number(fields["max_drop"], "search.max_drop", 0, 100),
        take_integer(fields["recovery_steps"], "search.recovery_steps", 0),
        tuple(
            _trial(each, f"search.trials[{index}]")
            for index, each in enumerate(take_list(fields["trials"], "search.trials"))
        ),
    )
