"""What exporters share that replace a student's modules by ones of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import nn

from edgebert_converters.encoder import BertEncoder

T = TypeVar("T", bound=nn.Module)


class EncoderParts(nn.Module):
    """The modules of a `BertEncoder`, for a forward of another order."""

    def __init__(self, encoder: BertEncoder) -> None:
        super().__init__()
        self.embeddings = encoder.embeddings
        self.layers, self.last_layer = encoder.layers, encoder.last_layer
        self.first_token_only = encoder.first_token_only
        self.takes_token_types = encoder.takes_token_types
        self.hidden_size = encoder.hidden_size


class NormParts(nn.Module):
    """What an nn.LayerNorm has learnt, for other operators."""

    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__()
        self.weight, self.bias, self.epsilon = norm.weight, norm.bias, norm.eps


def replace(module: nn.Module, kind: type[T], new: Callable[[T], nn.Module]) -> None:
    """Put `new` in the place of each module of a kind in another one; shared ones stay shared."""
    made: dict[nn.Module, nn.Module] = {}
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, kind):
                if child not in made:
                    made[child] = new(child)
                setattr(parent, name, made[child])
