"""From importance to the heads and neurons that stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from edgebert.compression.importance import Scores
from edgebert_converters.pruning import Kept, Widths
from edgebert_runtime.errors import InputError, shortened


@dataclass(frozen=True)
class Amounts:
    """How many heads and neurons stay: a number for all layers together, or one for each."""

    heads: int | tuple[int, ...]
    neurons: int | tuple[int, ...]


def choose(
    scores: Scores, owners: Sequence[int], amounts: Amounts, multiple: int
) -> tuple[Kept, ...]:
    """The most important heads and neurons; neurons in groups of `multiple`.

    `owners` says which layers share weights (see `pruning.owners`): they count once.
    """
    own = sorted(set(owners))
    heads = _chosen([scores.heads[layer] for layer in own], amounts.heads, 1)
    neurons = _chosen([scores.neurons[layer] for layer in own], amounts.neurons, multiple)
    kept = {layer: Kept(heads[index], neurons[index]) for index, layer in enumerate(own)}
    return tuple(kept[owner] for owner in owners)


def layers(scores: Scores, count: int) -> tuple[int, ...]:
    """The `count` layers whose heads and neurons matter most together, from 0, ascending."""
    totals = [
        float(heads.sum() + neurons.sum())
        for heads, neurons in zip(scores.heads, scores.neurons, strict=True)
    ]
    best = sorted(range(len(totals)), key=lambda layer: -totals[layer])[:count]
    return tuple(sorted(best))


def total(widths: Sequence[Widths], owners: Sequence[int]) -> Widths:
    """Heads and neurons of all layers; those that share weights count once."""
    own = [widths[layer] for layer in sorted(set(owners))]
    return Widths(sum(each.heads for each in own), sum(each.feed_forward for each in own))


def _chosen(
    scores: Sequence[Tensor], amount: int | tuple[int, ...], multiple: int
) -> list[tuple[int, ...]]:
    orders = [torch.argsort(score, descending=True, stable=True) for score in scores]
    if isinstance(amount, tuple):
        counts = [
            min(len(order), -(-count // multiple) * multiple)
            for order, count in zip(orders, amount, strict=True)
        ]
    else:
        counts = _shared_out(
            [score[o] for score, o in zip(scores, orders, strict=True)], amount, multiple
        )
    return [
        tuple(sorted(order[:count].tolist())) for order, count in zip(orders, counts, strict=True)
    ]


def _shared_out(scores: list[Tensor], amount: int, multiple: int) -> list[int]:
    """How many of each layer's, in descending order, are among the best groups of all layers.

    Each layer keeps its best group at least: a layer without heads or neurons is none.
    """
    counts = [min(multiple, len(score)) for score in scores]
    groups = [
        (float(score[start : start + multiple].mean()), layer, len(score[start : start + multiple]))
        for layer, score in enumerate(scores)
        for start in range(multiple, len(score), multiple)
    ]
    # A layer's own groups come in descending order already, and sorting keeps it among equals.
    for _, layer, size in sorted(groups, key=lambda group: -group[0]):
        if sum(counts) + size / 2 > amount:
            break
        counts[layer] += size
    return counts


def per_layer(
    value: int | tuple[int, ...], found: Sequence[int], owners: Sequence[int], name: str
) -> tuple[int, ...]:
    """A count for each layer with weights of its own, none more than it has.

    Raises:
        InputError: for another number of counts, or a count that is not there.
    """
    counts = (value,) * len(found) if isinstance(value, int) else value
    if len(counts) != len(found):
        raise InputError(
            f"{name}: got {len(counts)} counts, expected {len(found)}, one for each layer"
        )
    for layer, (count, has) in enumerate(zip(counts, found, strict=True), start=1):
        if count > has:
            raise InputError(f"{name}: got {shortened(count)} for layer {layer}, which has {has}")
    if any(counts[layer] != counts[owner] for layer, owner in enumerate(owners)):
        raise InputError(f"{name}: got {counts}, but these layers share their weights; give one")
    return tuple(counts[layer] for layer in sorted(set(owners)))
