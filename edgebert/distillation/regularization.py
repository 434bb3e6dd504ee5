"""Penalties that drive whole attention heads and feed-forward neurons towards zero.

They prepare structured pruning: what is near zero can be cut at little loss. A head's weights are
its rows of query, key and value and its columns of the output layer; a neuron's are its row of the
first feed-forward layer and its column of the second.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from edgebert_converters import families
from edgebert_converters.encoder import BertEncoder, Layer
from edgebert_runtime.errors import InputError


def layers_of(model: Any) -> list[Layer]:
    """The layers of a transformers classifier, over its own parameters.

    Raises:
        InputError: for a family whose layers have no such heads and neurons (MobileBERT).
    """
    plain = families.encoder(model.base_model, first_token_only=False, token_types=True)
    if not isinstance(plain, BertEncoder):
        raise InputError(
            f"--l1 and --group-lasso do not know the layers of a {model.config.model_type}; "
            "leave them out, or choose a BERT student"
        )
    return [*plain.layers, plain.last_layer]


def l1(layers: list[Layer]) -> Tensor:
    """Mean absolute weight of heads and neurons."""
    found = [group for layer in layers for group in groups(layer)]
    total = torch.stack([group.abs().sum() for group in found]).sum()
    return total / sum(group.numel() for group in found)


def group_lasso(layers: list[Layer]) -> Tensor:
    """Sum of the norms of heads and neurons, each times the root of its size, over all weights.

    The group lasso of Yuan and Lin (2006), divided by the number of weights, so that one strength
    serves models of every size.
    """
    found = [group for layer in layers for group in groups(layer)]
    norms = [
        # The gradient of a root at zero would be infinite.
        math.sqrt(group.shape[1]) * group.square().sum(dim=1).clamp(min=1e-20).sqrt().sum()
        for group in found
    ]
    return torch.stack(norms).sum() / sum(group.numel() for group in found)


def groups(layer: Layer) -> Iterator[Tensor]:
    """Heads [N, 4 * D * H] and neurons [F, 2 * H] of a layer, a group a row."""
    attention = layer.attention
    heads = attention.heads
    parts = [
        linear.weight.view(heads, -1)
        for linear in (attention.query, attention.key, attention.value)
    ]
    parts.append(layer.output.weight.t().reshape(heads, -1))
    yield torch.cat(parts, dim=1)
    expand, contract = layer.feed_forward[0].weight, layer.feed_forward[2].weight
    assert isinstance(expand, Tensor)
    assert isinstance(contract, Tensor)
    yield torch.cat([expand, contract.t()], dim=1)
