"""Where each model family keeps the parts of the encoder.

The parts are the very modules of the transformers model, so nothing is copied. MobileBERT, whose
layer is another one, has a file of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel

from edgebert_converters import mobilebert
from edgebert_converters.encoder import (
    Attention,
    BertEncoder,
    Embeddings,
    Encoder,
    Layer,
    activation,
)
from edgebert_runtime.errors import ConversionError, InputError


@dataclass(frozen=True)
class LayerNames:
    """Names of a layer's modules, relative to the layer."""

    query: str = "attention.self.query"
    key: str = "attention.self.key"
    value: str = "attention.self.value"
    output: str = "attention.output.dense"
    attention_norm: str = "attention.output.LayerNorm"
    expand: str = "intermediate.dense"
    contract: str = "output.dense"
    feed_forward_norm: str = "output.LayerNorm"


_BERT = LayerNames()
_DISTILBERT = LayerNames(
    query="attention.q_lin",
    key="attention.k_lin",
    value="attention.v_lin",
    output="attention.out_lin",
    attention_norm="sa_layer_norm",
    expand="ffn.lin1",
    contract="ffn.lin2",
    feed_forward_norm="output_layer_norm",
)
_ALBERT = LayerNames(
    query="attention.query",
    key="attention.key",
    value="attention.value",
    output="attention.dense",
    attention_norm="attention.LayerNorm",
    expand="ffn",
    contract="ffn_output",
    feed_forward_norm="full_layer_layer_norm",
)


@dataclass(frozen=True)
class Family:
    """One model family: how its layers are named and where its embedding projection is."""

    names: LayerNames = _BERT
    layers: Callable[[PreTrainedModel], Iterator[nn.Module]] = lambda base: iter(
        base.get_submodule("encoder.layer").children()
    )
    projection: str = ""
    padding_offset: bool = False
    """Positions of real tokens start at pad_token_id + 1 (RoBERTa's fairseq heritage)."""


def _albert_layers(base: PreTrainedModel) -> Iterator[nn.Module]:
    groups = base.get_submodule("encoder.albert_layer_groups")
    depth = base.config.num_hidden_layers
    for index in range(depth):
        group = groups.get_submodule(str(index * len(list(groups.children())) // depth))
        yield from group.get_submodule("albert_layers").children()


_FAMILIES: dict[str, Family] = {
    "bert": Family(),
    "roberta": Family(padding_offset=True),
    "xlm-roberta": Family(padding_offset=True),
    "electra": Family(projection="embeddings_project"),
    "distilbert": Family(
        _DISTILBERT, lambda base: iter(base.get_submodule("transformer.layer").children())
    ),
    "albert": Family(_ALBERT, _albert_layers, projection="encoder.embedding_hidden_mapping_in"),
}

PRUNABLE: tuple[str, ...] = tuple(_FAMILIES)
"""`model_type` of every configuration whose layers can be pruned."""

SUPPORTED: tuple[str, ...] = (*_FAMILIES, "mobilebert")
"""`model_type` of every configuration that can be converted."""


def names(base: PreTrainedModel) -> LayerNames:
    """What the modules of a layer are called."""
    return _FAMILIES[base.config.model_type].names


def layers(base: PreTrainedModel) -> Iterator[nn.Module]:
    """The layers in the order in which they run; ALBERT's more than once."""
    return _FAMILIES[base.config.model_type].layers(base)


def linears(base: PreTrainedModel) -> Iterator[dict[str, nn.Linear]]:
    """The linear layers of each layer: query, key, value, output, expand and contract."""
    kinds = ("query", "key", "value", "output", "expand", "contract")
    for part in layers(base):
        yield {kind: _linear(part, getattr(names(base), kind)) for kind in kinds}


def keep_layers(base: PreTrainedModel, kept: Sequence[int]) -> None:
    """Keep these layers, counted from 0, in place: modules, and the number in the configuration.

    Raises:
        InputError: for an ALBERT of several kinds of layer, which the number of layers shares out.
    """
    if base.config.model_type == "albert":
        if len({id(layer) for layer in layers(base)}) > 1:
            raise InputError(
                "whole layers of an albert with several kinds of layer cannot be pruned; prune "
                "heads and neurons"
            )
    else:
        parts = list(layers(base))
        owner = next(
            module
            for module in base.modules()
            if isinstance(module, nn.ModuleList) and parts[0] in list(module)
        )
        del owner[:]
        owner.extend(parts[index] for index in kept)
    base.config.num_hidden_layers = len(kept)


def attentions(base: PreTrainedModel) -> Iterator[dict[str, nn.Module]]:
    """The `query`, `key` and `value` projections of each layer, first to last."""
    # MobileBERT's layer is another, but its attention is named as BERT's.
    family = _FAMILIES.get(base.config.model_type, _FAMILIES["bert"])
    names = {"query": family.names.query, "key": family.names.key, "value": family.names.value}
    for layer in family.layers(base):
        yield {kind: layer.get_submodule(name) for kind, name in names.items()}


def position_limit(config: object) -> int:
    """Tokens that the position table has rows for, padding offset taken off."""
    limit = int(getattr(config, "max_position_embeddings"))  # noqa: B009
    family = _FAMILIES.get(getattr(config, "model_type", ""))
    if family is not None and family.padding_offset:
        limit -= int(getattr(config, "pad_token_id", 1)) + 1
    return limit


def encoder(base: PreTrainedModel, *, first_token_only: bool, token_types: bool) -> Encoder:
    """The plain encoder over the modules of `base` (a transformers model without head).

    `token_types` says whether the tokenizer gives them. Where it doesn't, every token is of type
    0, whose row is then part of the position table and no input of the model.

    Raises:
        ConversionError: for another family, activation or kind of position.
    """
    config = base.config
    if getattr(config, "position_embedding_type", None) not in (None, "absolute"):
        raise ConversionError(
            f"position_embedding_type {config.position_embedding_type!r} is not supported; "
            "supported: 'absolute'"
        )
    if getattr(config, "is_decoder", False):
        raise ConversionError("the checkpoint is a decoder; only encoders are supported")
    positions = _position_table(base)
    types = getattr(base.get_submodule("embeddings"), "token_type_embeddings", None)
    if isinstance(types, nn.Embedding) and (types.num_embeddings == 1 or not token_types):
        rows = positions.weight.detach() + types.weight.detach()[0]
        positions, types = _table(rows), None
    if config.model_type == "mobilebert":
        return mobilebert.MobileBertEncoder(base, positions, types)
    family = _FAMILIES[config.model_type]
    return BertEncoder(
        _embeddings(base, positions, types),
        [_layer(part, family.names, config) for part in family.layers(base)],
        first_token_only=first_token_only,
        takes_token_types=types is not None,
    )


def _position_table(base: PreTrainedModel) -> nn.Embedding:
    """The rows of real tokens, [limit, width]: what lies before RoBERTa's first is cut off."""
    table = base.get_submodule("embeddings.position_embeddings").weight
    assert isinstance(table, Tensor)
    return _table(table.detach()[-position_limit(base.config) :])


def _table(rows: Tensor) -> nn.Embedding:
    return nn.Embedding(rows.shape[0], rows.shape[1], _weight=rows.clone())


def _embeddings(
    base: PreTrainedModel, positions: nn.Embedding, types: nn.Embedding | None
) -> Embeddings:
    parts = base.get_submodule("embeddings")
    tokens = parts.get_submodule("word_embeddings")
    assert isinstance(tokens, nn.Embedding)
    path = _FAMILIES[base.config.model_type].projection
    # ELECTRA has a projection only where the widths differ.
    owner, _, name = path.rpartition(".")
    projection = getattr(base.get_submodule(owner), name, None) if path else None
    return Embeddings(tokens, positions, types, parts.get_submodule("LayerNorm"), projection)


def _layer(part: nn.Module, names: LayerNames, config: Any) -> Layer:
    name = str(getattr(config, "hidden_act", None) or getattr(config, "activation", "gelu"))
    query, key, value = (_linear(part, each) for each in (names.query, names.key, names.value))
    # A pruned layer has fewer heads than the configuration says, of the same width.
    heads = query.out_features // (config.hidden_size // config.num_attention_heads)
    return Layer(
        Attention(query, key, value, heads),
        _linear(part, names.output),
        part.get_submodule(names.attention_norm),
        nn.Sequential(_linear(part, names.expand), activation(name), _linear(part, names.contract)),
        part.get_submodule(names.feed_forward_norm),
    )


def _linear(part: nn.Module, name: str) -> nn.Linear:
    module = part.get_submodule(name)
    assert isinstance(module, nn.Linear)
    return module
