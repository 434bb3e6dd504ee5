"""Unstructured magnitude pruning: the smallest weights become zero, shapes stay.

The linear layers of the encoder's layers are pruned, each matrix to the same share (arXiv
1710.01878, section 3). Embeddings, biases, normalisation and the head are left alone: a table is
looked up, not multiplied, so its zeros would cost accuracy and save no computation.

Symmetric int8 maps zero to zero, so a pruned weight is zero in every artifact too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from edgebert_converters import pruning
from edgebert_converters.pruning import Pruning
from edgebert_runtime.errors import InputError


def prune(model: Any, share: float) -> None:
    """Set the `share` of smallest magnitude of each matrix to zero, in place.

    Weights that are zero already count. The configuration says how many zeros there are then.

    Raises:
        InputError: for a share that is not at least 0 and less than 1; for MobileBERT.
    """
    if not 0 <= share < 1:
        raise InputError(f"sparsity: got {share}, expected at least 0 and less than 1")
    before = pruning.read(model.config)
    original = before.parameters_before if before else pruning.parameters(model)
    for layer in _distinct(model):
        weight = layer.weight.detach()
        count = math.floor(share * weight.numel())
        smallest = torch.argsort(weight.abs().flatten(), stable=True)[:count]
        weight.view(-1)[smallest] = 0.0
    Pruning(pruning.widths(model), original, zeros(model)).store(model.config)


def zeros(model: Any) -> float:
    """Share of the weights of the encoder's linear layers that are zero.

    Raises:
        InputError: for MobileBERT.
    """
    layers = list(_distinct(model))
    zero = sum(int((layer.weight == 0).sum()) for layer in layers)
    return zero / sum(layer.weight.numel() for layer in layers)


def hold(model: Any) -> None:
    """Let weights that are zero stay zero while the model learns.

    Their gradient is taken away; AdamW moves nothing that never had one, and decays zero to zero.
    """
    for layer in _distinct(model):
        layer.weight.register_hook(_held(layer.weight))  # type: ignore[no-untyped-call]


def _held(weight: Tensor) -> Any:
    return lambda gradient: gradient * (weight.detach() != 0)


def _distinct(model: Any) -> Iterator[nn.Linear]:
    """Each linear layer once, however often it runs."""
    seen: set[int] = set()
    for linears in pruning.linears(model):
        for layer in linears.values():
            if id(layer) not in seen:
                seen.add(id(layer))
                yield layer
