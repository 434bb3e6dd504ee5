"""The encoder, written out plainly so that every exporter sees the same few operators.

transformers builds its attention mask with operators that one exporter unrolls, another turns into
GATHER_ND and a third guards with data-dependent branches. This forward uses one additive mask, and
computes the last layer for the first token alone when the head reads nothing else: the other rows
of that layer would be thrown away.

Shapes: B batch, S tokens, E embedding width, H hidden width, N heads, D head width, Q query rows
(S, or 1 in a last layer that serves the first token alone).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from edgebert_runtime.errors import ConversionError

MASKED = -10000.0
"""Added to the scores of masked keys. Finite, so that a row with no real token softmaxes to a mean
instead of NaN; far below any score, so that exp() of it is zero beside a real token."""

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "gelu": nn.GELU,
    "gelu_new": lambda: nn.GELU(approximate="tanh"),
    "gelu_pytorch_tanh": lambda: nn.GELU(approximate="tanh"),
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
}


class Encoder(Protocol):
    """What a head needs: token embeddings and layers, called in turn."""

    hidden_size: int
    takes_token_types: bool

    def __call__(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None
    ) -> Tensor: ...


def activation(name: str) -> nn.Module:
    """The module of a transformers activation name.

    Raises:
        ConversionError: for a name that no exporter here has been checked with.
    """
    if name not in _ACTIVATIONS:
        raise ConversionError(
            f"activation {name!r} is not supported; supported: {', '.join(_ACTIVATIONS)}"
        )
    return _ACTIVATIONS[name]()


def mask_bias(attention_mask: Tensor) -> Tensor:
    """[B, S] integers, 1 for a real token → [B, 1, 1, S] float32 to add to the scores."""
    bias = (1.0 - attention_mask.to(torch.float32)) * MASKED
    return bias[:, None, None, :]


def positions_of(attention_mask: Tensor) -> Tensor:
    """[B, S] integers → [B, S] int32: how many real tokens come before each.

    Counted from the mask, not from the shape: of a constant range an exporter makes a float copy
    of the position table for every length.
    """
    counts = torch.cumsum(attention_mask.to(torch.int32), dim=1, dtype=torch.int32)
    return torch.clamp(counts - 1, min=0)


class Embeddings(nn.Module):
    """Sum of token, position and token-type rows, normalised, and projected where E differs from H.

    The position table starts at the first real position (RoBERTa's padding offset is cut off), and
    a lone token-type row is already added to it.
    """

    def __init__(
        self,
        tokens: nn.Embedding,
        positions: nn.Embedding,
        token_types: nn.Embedding | None,
        norm: nn.Module,
        projection: nn.Module | None,
    ) -> None:
        super().__init__()
        self.tokens = tokens
        self.positions = positions
        self.token_types = token_types
        self.norm = norm
        self.projection = projection

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None
    ) -> Tensor:
        """[B, S] integers each → [B, S, H] float32."""
        rows = self.tokens(input_ids) + self.positions(positions_of(attention_mask))
        if self.token_types is not None and token_type_ids is not None:
            rows = rows + self.token_types(token_type_ids)
        output: Tensor = self.norm(rows)
        if self.projection is not None:
            output = self.projection(output)
        return output


class Attention(nn.Module):
    """Multi-head attention (arXiv 1706.03762, section 3.2), without residual or normalisation."""

    def __init__(self, query: nn.Linear, key: nn.Linear, value: nn.Linear, heads: int) -> None:
        super().__init__()
        self.query = query
        self.key = key
        self.value = value
        self.heads = heads
        self.width = query.out_features // heads
        self.value_width = value.out_features // heads
        self.scale = 1.0 / math.sqrt(self.width)

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor) -> Tensor:
        """[B, Q, H], [B, S, H], [B, S, H], [B, 1, 1, S] → [B, Q, N * D]."""
        batch, rows, length = keys.shape[0], queries.shape[1], keys.shape[1]
        query = self.query(queries).view(batch, rows, self.heads, self.width).transpose(1, 2)
        key = self.key(keys).view(batch, length, self.heads, self.width).permute(0, 2, 3, 1)
        value = self.value(values).view(batch, length, self.heads, self.value_width)
        scores = torch.matmul(query * self.scale, key) + bias
        context = torch.matmul(functional.softmax(scores, dim=-1), value.transpose(1, 2))
        return context.transpose(1, 2).reshape(batch, rows, self.heads * self.value_width)


class Layer(nn.Module):
    """A BERT layer (arXiv 1810.04805): attention and feed-forward, normalised after each sum."""

    def __init__(
        self,
        attention: Attention,
        output: nn.Linear,
        attention_norm: nn.Module,
        feed_forward: nn.Sequential,
        feed_forward_norm: nn.Module,
    ) -> None:
        super().__init__()
        self.attention = attention
        self.output = output
        self.attention_norm = attention_norm
        self.feed_forward = feed_forward
        self.feed_forward_norm = feed_forward_norm

    def forward(self, queries: Tensor, hidden: Tensor, bias: Tensor) -> Tensor:
        """[B, Q, H], [B, S, H], [B, 1, 1, S] → [B, Q, H]."""
        context = self.attention(queries, hidden, hidden, bias)
        attended = self.attention_norm(self.output(context) + queries)
        output: Tensor = self.feed_forward_norm(self.feed_forward(attended) + attended)
        return output


class BertEncoder(nn.Module):
    """BERT, DistilBERT, RoBERTa, XLM-RoBERTa, ELECTRA and ALBERT (which repeats one layer)."""

    def __init__(
        self,
        embeddings: nn.Module,
        layers: list[Layer],
        first_token_only: bool,
        takes_token_types: bool,
    ) -> None:
        super().__init__()
        self.embeddings = embeddings
        self.layers = nn.ModuleList(layers[:-1])
        self.last_layer = layers[-1]
        self.first_token_only = first_token_only
        self.takes_token_types = takes_token_types
        self.hidden_size = layers[-1].output.out_features

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None
    ) -> Tensor:
        """[B, S] integers each → [B, S, H]; [B, 1, H] if the head reads the first token only."""
        bias = mask_bias(attention_mask)
        hidden = self.embeddings(input_ids, attention_mask, token_type_ids)
        for layer in self.layers:
            hidden = layer(hidden, hidden, bias)
        queries = hidden[:, :1] if self.first_token_only else hidden
        output: Tensor = self.last_layer(queries, hidden, bias)
        return output
