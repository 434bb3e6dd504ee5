"""What happens inside a model in one forward: hidden states and attention's projections.

Queries, keys and values are taken where the layers make them, by hooks, so that every family
gives scores before softmax whatever its attention kernel returns.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from edgebert_converters import families, pruning


@dataclass
class Activations:
    """B batch, S tokens, H hidden width, N heads, D head width; L layers."""

    logits: Tensor
    hidden: tuple[Tensor, ...]
    """[B, S, H] each: after the embeddings, then after each layer (L + 1)."""
    queries: list[Tensor] = field(default_factory=list)
    """[B, S, N * D] for each layer; so are keys and values."""
    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)


def forward(model: Any, inputs: dict[str, Tensor]) -> Activations:
    """Run a transformers classifier and record; hooks are gone afterwards."""
    recorded: dict[str, list[Tensor]] = {"query": [], "key": [], "value": []}
    with _hooks(model, recorded):
        result = model(**inputs, output_hidden_states=True)
    return Activations(
        result.logits,
        tuple(result.hidden_states),
        recorded["query"],
        recorded["key"],
        recorded["value"],
    )


@contextmanager
def _hooks(model: Any, recorded: dict[str, list[Tensor]]) -> Iterator[None]:
    def recorder(kind: str) -> Any:
        return lambda module, inputs, output: recorded[kind].append(output)

    handles = []
    try:
        # A layer that is used several times (ALBERT) is hooked once, and records each time.
        seen: set[int] = set()
        for attention in families.attentions(model.base_model):
            for kind, module in attention.items():
                if id(module) not in seen:
                    seen.add(id(module))
                    handles.append(module.register_forward_hook(recorder(kind)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def width(model: Any) -> int:
    """Width of the hidden states."""
    return int(model.config.hidden_size)


def layers(model: Any) -> int:
    """Number of layers."""
    return int(model.config.num_hidden_layers)


def heads(model: Any) -> tuple[int, ...]:
    """Number of attention heads of each layer."""
    pruned = pruning.read(model.config)
    return pruned.heads if pruned else (int(model.config.num_attention_heads),) * layers(model)


def attention_width(model: Any) -> int:
    """Width of queries and keys: MobileBERT's is narrower than its hidden states."""
    projection = next(iter(families.attentions(model.base_model)))["query"]
    assert isinstance(projection, nn.Linear)
    return projection.out_features
