"""How much an attention head or a feed-forward neuron matters.

"taylor" is the first-order estimate of what its loss would change: with a gate of 1 on the output
of each head and neuron, the mean over labelled examples of |∂L/∂gate| (Michel et al., arXiv
1905.10650, equation 2; Molchanov et al., arXiv 1906.10771, section 3.1). "l1" and "l2" are norms
of its weights: a head's rows of query, key and value and columns of the output layer; a neuron's
row of the first feed-forward layer and column of the second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgebert.distillation import losses, regularization
from edgebert.distillation.data import TokenizedFile
from edgebert_converters import pruning
from edgebert_runtime.errors import ConversionError, InputError

_BATCH = 32
_MOST_ROWS = 1024
"""Rows that gradients are taken of: more change no ranking that matters, and take longer."""


@dataclass(frozen=True)
class Scores:
    """Importance by layer, in the order in which they run; layers that share weights share them."""

    heads: tuple[Tensor, ...]
    """[heads] float32 each."""
    neurons: tuple[Tensor, ...]
    """[neurons] float32 each."""


def norms(model: Any, kind: str) -> Scores:
    """Importance by the "l1" or "l2" norm of the weights.

    Raises:
        InputError: for MobileBERT.
        ConversionError: if weights are no numbers.
    """
    pruning.widths(model)
    order = {"l1": 1, "l2": 2}[kind]
    groups = [regularization.groups(layer) for layer in regularization.layers_of(model)]
    found = [[torch.linalg.vector_norm(each.detach(), order, dim=1) for each in g] for g in groups]
    return _finite(Scores(tuple(heads for heads, _ in found), tuple(each for _, each in found)))


def taylor(model: Any, batches: Iterable[dict[str, Tensor]], task: str) -> Scores:
    """Importance by gradients of the loss on labelled batches (see `labelled_batches`).

    Raises:
        InputError: if no row has a label; for MobileBERT.
        ConversionError: if gradients are no numbers.
    """
    owners = pruning.owners(model)
    width = model.config.hidden_size // model.config.num_attention_heads
    layers = list(pruning.linears(model))
    heads = {owner: torch.zeros(layers[owner]["output"].in_features // width) for owner in owners}
    neurons = {owner: torch.zeros(layers[owner]["contract"].in_features) for owner in owners}
    was_training, rows = model.training, 0
    model.eval()
    try:
        for batch in batches:
            known = ~torch.isnan(batch["labels"]).any(dim=-1)
            inputs = {name: each for name, each in batch.items() if name != "labels"}
            with _gated(layers, heads, neurons, len(known)) as gates, torch.enable_grad():
                logits = model(**inputs).logits
                # Summed, so that each example has the gradient of its own loss.
                loss = losses.hard_loss(task, logits, batch["labels"]) * known.sum()
                slopes = torch.autograd.grad(loss, gates)
            found = [slope.abs().sum(dim=0).cpu() for slope in slopes]
            for index, owner in enumerate(heads):
                heads[owner] += found[2 * index]
                neurons[owner] += found[2 * index + 1]
            rows += int(known.sum())
    finally:
        model.train(was_training)
    if not rows:
        raise InputError(
            "no row has a label to measure importance on; give labelled rows with --data"
        )
    return _finite(
        Scores(
            tuple(heads[owner] / rows for owner in owners),
            tuple(neurons[owner] / rows for owner in owners),
        )
    )


def labelled_batches(
    dataset: TokenizedFile, collate: Any, seed: int, device: torch.device
) -> Iterator[dict[str, Tensor]]:
    """At most 1,024 rows, drawn by the seed, in batches of like lengths."""
    chosen = np.random.default_rng(seed).permutation(len(dataset))[:_MOST_ROWS]
    chosen = chosen[np.argsort(dataset.lengths[chosen], kind="stable")]
    for start in range(0, len(chosen), _BATCH):
        rows = [dataset[int(row)] for row in chosen[start : start + _BATCH]]
        yield {name: each.to(device) for name, each in collate(rows).items()}


@contextmanager
def _gated(
    layers: list[dict[str, nn.Linear]],
    heads: dict[int, Tensor],
    neurons: dict[int, Tensor],
    rows: int,
) -> Iterator[list[Tensor]]:
    """Gates of one, a row for each example, before the layers that heads and neurons end in."""
    gates, handles = [], []
    try:
        for owner in heads:
            for kind, counts in (("output", heads), ("contract", neurons)):
                module = layers[owner][kind]
                gate = torch.ones(rows, len(counts[owner]), device=module.weight.device)
                gate.requires_grad_(True)
                gates.append(gate)
                handles.append(module.register_forward_pre_hook(_multiply(gate)))
        yield gates
    finally:
        for handle in handles:
            handle.remove()


def _multiply(gate: Tensor) -> Any:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        rows = inputs[0]
        each = rows.shape[-1] // gate.shape[1]
        return (rows * gate.repeat_interleave(each, dim=1)[:, None, :], *inputs[1:])

    return hook


def _finite(scores: Scores) -> Scores:
    if not all(bool(torch.isfinite(each).all()) for each in (*scores.heads, *scores.neurons)):
        raise ConversionError(
            "the importance of a head or neuron is no finite number; the checkpoint's weights are "
            "damaged: train it again"
        )
    return scores
