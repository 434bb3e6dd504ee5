"""Models whose layers have fewer heads and narrower feed-forward networks than their config says.

A pruned checkpoint is a `save_pretrained` folder whose config.json has one key more:

    "edgebert_pruning": {"layers": [{"heads": 6, "feed_forward": 768}, …],
                         "parameters_before": 22713216, "sparsity": 0.0}

An entry a layer, in the order in which layers run (ALBERT's shared layer once for each time). A
head is as wide as before: hidden_size / num_attention_heads of the same file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from edgebert_converters import families
from edgebert_runtime.errors import ConversionError, InputError, shortened

KEY = "edgebert_pruning"
_FIELDS = {"layers", "parameters_before", "sparsity"}
_LAYER_FIELDS = {"heads", "feed_forward"}
_MOST = 2**53
_HEAD_COUNTS = ("num_attention_heads", "n_heads")


@dataclass(frozen=True)
class Widths:
    """What a layer has, or is to keep."""

    heads: int
    feed_forward: int


@dataclass(frozen=True)
class Pruning:
    """What was taken from a model."""

    layers: tuple[Widths, ...]
    parameters_before: int
    """Of the whole model, before anything was pruned."""
    sparsity: float
    """Share of the encoder's linear weights that are zero (see `sparsity`); 0 to 1."""

    @property
    def heads(self) -> tuple[int, ...]:
        """Attention heads of each layer."""
        return tuple(layer.heads for layer in self.layers)

    @property
    def feed_forward(self) -> tuple[int, ...]:
        """Feed-forward neurons of each layer."""
        return tuple(layer.feed_forward for layer in self.layers)

    def store(self, config: Any) -> None:
        """Write it into a transformers configuration, with which `save_pretrained` keeps it."""
        layers = [vars(layer).copy() for layer in self.layers]
        rest = {"parameters_before": self.parameters_before, "sparsity": self.sparsity}
        setattr(config, KEY, {"layers": layers, **rest})


@dataclass(frozen=True)
class Kept:
    """Heads and neurons of one layer that stay, by their positions, ascending."""

    heads: tuple[int, ...]
    neurons: tuple[int, ...]


def read(config: Any) -> Pruning | None:
    """The pruning that a transformers configuration tells of; None for a model that has none.

    Raises:
        ConversionError: for anything but what `Pruning.store` writes.
    """
    data = getattr(config, KEY, None)
    if data is None:
        return None
    _fields(data, _FIELDS, KEY)
    layers = data["layers"]
    if not isinstance(layers, list) or not layers or len(layers) > 10_000:
        raise _wrong(f"{KEY}.layers", layers, "a list with an entry for each layer")
    most_heads, most_neurons = int(config.num_attention_heads), feed_forward_width(config)
    widths = []
    for number, layer in enumerate(layers):
        where = f"{KEY}.layers[{number}]"
        _fields(layer, _LAYER_FIELDS, where)
        heads = _whole(layer["heads"], f"{where}.heads", most_heads)
        neurons = _whole(layer["feed_forward"], f"{where}.feed_forward", most_neurons)
        widths.append(Widths(heads, neurons))
    before = _whole(data["parameters_before"], f"{KEY}.parameters_before", _MOST)
    share = data["sparsity"]
    if not isinstance(share, int | float) or isinstance(share, bool) or not 0 <= share <= 1:
        raise _wrong(f"{KEY}.sparsity", share, "a number from 0 to 1")
    return Pruning(tuple(widths), before, float(share))


def feed_forward_width(config: Any) -> int:
    """Feed-forward neurons of a layer, as the configuration says."""
    return int(
        config.intermediate_size if hasattr(config, "intermediate_size") else config.hidden_dim
    )


def widths(model: Any) -> tuple[Widths, ...]:
    """What each layer has, in the order in which they run.

    Raises:
        InputError: for MobileBERT.
    """
    width = _head_width(model.config)
    return tuple(
        Widths(linear["query"].out_features // width, linear["expand"].out_features)
        for linear in linears(model)
    )


def linears(model: Any) -> Iterator[dict[str, nn.Linear]]:
    """The six linear layers of each layer, by their names in `families.LayerNames`.

    Raises:
        InputError: for MobileBERT, whose bottlenecks tie every width to the others.
    """
    _check_family(model)
    yield from families.linears(model.base_model)


def owners(model: Any) -> tuple[int, ...]:
    """For each layer, the first layer that has the same weights: itself, but for ALBERT.

    Raises:
        InputError: for MobileBERT.
    """
    _check_family(model)
    parts = [id(part) for part in families.layers(model.base_model)]
    return tuple(parts.index(part) for part in parts)


def parameters(model: nn.Module) -> int:
    """Number of parameters; shared ones count once."""
    return sum(parameter.numel() for parameter in model.parameters())


def prune(model: Any, kept: Sequence[Kept]) -> None:
    """Keep these heads and neurons of each layer, in place, and say so in the configuration.

    The pruned model answers as the whole one would with the other heads' and neurons' outputs at
    zero. A layer that runs several times (ALBERT) is pruned once.

    Raises:
        InputError: if there is not one entry for each layer, positions do not exist, a layer
            would have nothing left, or layers that share weights differ; for MobileBERT.
    """
    before, found = read(model.config), widths(model)
    _check_kept(kept, found)
    original = before.parameters_before if before else parameters(model)
    width = _head_width(model.config)
    done: dict[int, Kept] = {}
    for part, keep in zip(families.layers(model.base_model), kept, strict=True):
        if done.setdefault(id(part), keep) != keep:
            raise InputError(
                "layers that share their weights must keep the same heads and neurons; got "
                f"{shortened(keep)} and {shortened(done[id(part)])}"
            )
    for part in {id(part): part for part in families.layers(model.base_model)}.values():
        _narrow(part, families.names(model.base_model), done[id(part)], width)
    Pruning(widths(model), original, before.sparsity if before else 0.0).store(model.config)


def keep_layers(model: Any, layers: Sequence[int]) -> None:
    """Keep these whole layers, counted from 0 and ascending, in place.

    Raises:
        InputError: for layers that do not exist; for ALBERT with several groups, whose layers are
            not each their own; for MobileBERT.
    """
    before, found = read(model.config), widths(model)
    if not layers or list(layers) != sorted({*layers} & {*range(len(found))}):
        raise InputError(
            f"layers: got {', '.join(str(layer + 1) for layer in layers) or 'none'}, expected some "
            f"of 1 to {len(found)}, ascending"
        )
    original = before.parameters_before if before else parameters(model)
    families.keep_layers(model.base_model, layers)
    sparsity = before.sparsity if before else 0.0
    Pruning(tuple(found[layer] for layer in layers), original, sparsity).store(model.config)


def narrow(model: Any, pruning: Pruning) -> None:
    """Give a model that was made from a configuration the widths that a checkpoint has.

    Raises:
        ConversionError: if the number of layers is another, or shared layers differ.
    """
    try:
        kept = [Kept(tuple(range(e.heads)), tuple(range(e.feed_forward))) for e in pruning.layers]
        prune(model, kept)
    except InputError as error:
        raise ConversionError(f"{KEY} does not fit the model ({error}); prune it again") from None
    pruning.store(model.config)


def _narrow(part: nn.Module, names: families.LayerNames, keep: Kept, width: int) -> None:
    columns = [head * width + column for head in keep.heads for column in range(width)]
    for name in (names.query, names.key, names.value):
        _replace(part, name, rows=columns)
    _replace(part, names.output, columns=columns)
    _replace(part, names.expand, rows=keep.neurons)
    _replace(part, names.contract, columns=keep.neurons)
    owner = part.get_submodule(names.query.rpartition(".")[0])
    for name in _HEAD_COUNTS:
        if hasattr(owner, name):
            setattr(owner, name, len(keep.heads))
    if hasattr(owner, "all_head_size"):
        setattr(owner, "all_head_size", len(columns))  # noqa: B010


def _replace(
    part: nn.Module,
    name: str,
    rows: Sequence[int] | None = None,
    columns: Sequence[int] | None = None,
) -> None:
    """A linear layer by one with some of its outputs (`rows`) or inputs (`columns`)."""
    old = part.get_submodule(name)
    assert isinstance(old, nn.Linear)
    weight: Tensor = old.weight.detach()
    bias: Tensor | None = None if old.bias is None else old.bias.detach()
    if rows is not None:
        chosen = torch.tensor(rows, device=weight.device)
        weight, bias = weight[chosen], None if bias is None else bias[chosen]
    if columns is not None:
        weight = weight[:, torch.tensor(columns, device=weight.device)]
    new = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    new.weight = nn.Parameter(weight.clone(), old.weight.requires_grad)
    if bias is not None:
        new.bias = nn.Parameter(bias.clone(), old.bias.requires_grad)
    owner, _, own = name.rpartition(".")
    setattr(part.get_submodule(owner), own, new.train(old.training))


def _check_kept(kept: Sequence[Kept], found: Sequence[Widths]) -> None:
    if len(kept) != len(found):
        raise InputError(f"got {len(kept)} layers to prune, expected {len(found)}")
    for number, (keep, has) in enumerate(zip(kept, found, strict=True), start=1):
        for what, positions, count in (
            ("heads", keep.heads, has.heads),
            ("neurons", keep.neurons, has.feed_forward),
        ):
            if not positions or list(positions) != sorted({*positions} & {*range(count)}):
                raise InputError(
                    f"layer {number} is to keep the {what} {shortened(positions)}, expected at "
                    f"least one of the {count} it has, ascending"
                )


def _check_family(model: Any) -> None:
    if model.config.model_type == "mobilebert":
        raise InputError(
            "a mobilebert cannot be pruned: its bottlenecks tie the width of heads to that of the "
            f"rows; choose one of {', '.join(families.PRUNABLE)}"
        )


def _head_width(config: Any) -> int:
    return int(config.hidden_size) // int(config.num_attention_heads)


def _fields(data: Any, names: set[str], where: str) -> None:
    if not isinstance(data, dict) or set(data) != names:
        raise _wrong(where, data, f"an object with {', '.join(sorted(names))}")


def _whole(value: Any, where: str, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise _wrong(where, value, f"a whole number from 1 to {most}")
    return value


def _wrong(where: str, given: Any, expected: str) -> ConversionError:
    return ConversionError(
        f"config.json, {where}: got {shortened(given)}, expected {expected}; prune the checkpoint "
        "again"
    )
