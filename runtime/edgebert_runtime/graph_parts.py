"""Which part of the model an operator of an exported graph belongs to.

What a library calls an operator says little of where it belongs: a matrix product is a matrix
product. So an operator belongs where its weights do, whose names are those of the student's
modules, and one without weights where its output goes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_EMBEDDINGS, _ATTENTION, _FEED_FORWARD = "embeddings", "attention", "feed-forward"
_NORMALIZATION, _HEAD = "normalization", "head"

_TABLES, _HEADS = "encoder.embeddings.", "head."
_LAYERS = ("encoder.layers.", "encoder.last_layer.")

_KINDS = {
    "LayerNormalization": _NORMALIZATION,
    "SimplifiedLayerNormalization": _NORMALIZATION,
    "SkipLayerNormalization": _NORMALIZATION,
    "InstanceNormalization": _NORMALIZATION,
    "aten::layer_norm": _NORMALIZATION,
}
"""Operators that are of one part wherever they are. ONNX Runtime's Skip… adds the residual, too."""

_WEIGHTS = tuple(
    (re.compile(pattern), part)
    for pattern, part in (
        # Behind MobileBERT's bottlenecks a normalisation is the second module of two.
        (r"norm\.|\.narrow(_shared)?\.1\.", _NORMALIZATION),
        (rf"^{re.escape(_HEADS)}", _HEAD),
        (rf"^{re.escape(_TABLES)}", _EMBEDDINGS),
        # MobileBERT widens its rows behind the last feed-forward network, and narrows them for
        # attention.
        (r"^encoder\..*\.(feed_forward|expands|contracts|widen)\.", _FEED_FORWARD),
        (r"^encoder\.(layers|last_layer)\.", _ATTENTION),
    )
)
"""Where a weight belongs, by its name; the first that is found."""


@dataclass(frozen=True)
class Node:
    """An operator of a graph, with the names of what goes in and comes out."""

    kind: str
    inputs: tuple[str, ...]
    """Weights by their names in the student, as "encoder.layers.0.attention.query.bias"."""
    outputs: tuple[str, ...]


def parts(nodes: Sequence[Node], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """The part that computes each value of a graph, by the value's name.

    Args:
        nodes: in an order in which they can be run.
        known: parts of values, which count for more than what these nodes tell.
    """
    known = known or {}
    behind_layers = _behind_layers(nodes)
    found: dict[str, str] = {}
    receivers: dict[str, str] = {}
    """A value → the part for what computes it, by the first node that takes it."""
    for node in reversed(nodes):
        # One tensor can be the table of tokens and a head's last layer, and has one of both names.
        elsewhere = _HEADS if behind_layers.isdisjoint(node.outputs) else _TABLES
        names = [name for name in node.inputs if not name.startswith(elsewhere)]
        candidates = (
            *(known[name] for name in node.outputs if name in known),
            *([_KINDS[node.kind]] if node.kind in _KINDS else []),
            *(part for name in names if (part := part_of_weight(name))),
            *(receivers[name] for name in node.outputs if name in receivers),
            # Nothing takes it but who called the model.
            _HEAD,
        )
        part = candidates[0]
        found.update(dict.fromkeys(node.outputs, part))
        if part == _NORMALIZATION:
            # What a layer's normalisation takes is a sum with the residual, that some libraries
            # compute in one with it. One taken apart has its weights in the operators behind it.
            outside = [each for name in names if (each := _outside_layers(name))]
            behind = [receivers[name] for name in node.outputs if name in receivers]
            weighted = any(part_of_weight(name) for name in names)
            part = next(iter(outside or ([] if weighted else behind)), part)
        receivers.update(dict.fromkeys(node.inputs, part))
    return found


def _outside_layers(name: str) -> str | None:
    outside = {_HEADS: _HEAD, _TABLES: _EMBEDDINGS}
    return next((part for start, part in outside.items() if name.startswith(start)), None)


def _behind_layers(nodes: Sequence[Node]) -> set[str]:
    """Values that the first layer or a later one had a share in."""
    behind: set[str] = set()
    for node in nodes:
        if any(name in behind or name.startswith(_LAYERS) for name in node.inputs):
            behind.update(node.outputs)
    return behind


def part_of_weight(name: str) -> str | None:
    """The part that a weight of the student belongs to; None for any other name."""
    for pattern, part in _WEIGHTS:
        if pattern.search(name):
            return part
    return None


@dataclass(frozen=True)
class Call:
    """One measured call of one operator."""

    part: str
    kind: str
    milliseconds: float
