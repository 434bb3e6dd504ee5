"""MobileBERT's encoder (arXiv 2004.02984, sections 3.1 to 3.3), written out plainly.

Wide rows of H between layers, narrow rows of W inside them: each layer squeezes its input through
a bottleneck, runs attention and a stack of feed-forward networks on the narrow rows, and widens
them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from edgebert_converters.encoder import Attention, activation, mask_bias, positions_of


class Norm(nn.Module):
    """The paper's NoNorm: a scale and a shift by element."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.detach(), requires_grad=False)
        self.bias = nn.Parameter(bias.detach(), requires_grad=False)

    def forward(self, rows: Tensor) -> Tensor:
        return rows * self.weight + self.bias


class AddNorm(nn.Module):
    """A linear layer whose output is added to a residual and normalised."""

    def __init__(self, dense: nn.Module, norm: nn.Module) -> None:
        super().__init__()
        self.dense = dense
        self.norm = norm

    def forward(self, rows: Tensor, residual: Tensor) -> Tensor:
        output: Tensor = self.norm(self.dense(rows) + residual)
        return output


class TrigramEmbeddings(nn.Module):
    """Each token's narrow row beside its two neighbours', widened to H (section 3.2).

    Padding counts as zero, as beyond either end, so that the last token's answer does not depend on
    how far the row was padded.
    """

    def __init__(
        self, base: PreTrainedModel, positions: nn.Embedding, token_types: nn.Embedding | None
    ) -> None:
        super().__init__()
        parts: Any = base.get_submodule("embeddings")
        self.tokens = parts.word_embeddings
        self.trigram = bool(base.config.trigram_input)
        self.transform = parts.embedding_transformation
        self.positions = positions
        self.token_types = token_types
        self.norm = norm_of(parts.LayerNorm)
        # transformers applies the transformation wherever trigrams or a width change need it.
        self.widen = self.trigram or base.config.embedding_size != base.config.hidden_size

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None
    ) -> Tensor:
        """[B, S] integers each → [B, S, H] float32."""
        rows = self.tokens(input_ids) * attention_mask.to(torch.float32)[:, :, None]
        if self.trigram:
            following = functional.pad(rows[:, 1:], [0, 0, 0, 1])
            preceding = functional.pad(rows[:, :-1], [0, 0, 1, 0])
            rows = torch.cat([following, rows, preceding], dim=2)
        if self.widen:
            rows = self.transform(rows)
        rows = rows + self.positions(positions_of(attention_mask))
        if self.token_types is not None and token_type_ids is not None:
            rows = rows + self.token_types(token_type_ids)
        output: Tensor = self.norm(rows)
        return output


class MobileBertLayer(nn.Module):
    """One layer: bottleneck, attention, feed-forward stack, widening (section 3.1)."""

    def __init__(self, part: Any, config: Any) -> None:
        super().__init__()
        own = part.attention.self
        self.attention = Attention(own.query, own.key, own.value, config.num_attention_heads)
        self.output = _add_norm(part.attention.output)
        stack: Sequence[Any] = list(part.ffn) if config.num_feedforward_networks > 1 else []
        self.expands = nn.ModuleList([block.intermediate.dense for block in [*stack, part]])
        self.contracts = nn.ModuleList([_add_norm(block.output) for block in [*stack, part]])
        self.activation = activation(config.hidden_act)
        self.bottleneck = bool(config.use_bottleneck)
        self.bottleneck_attention = bool(config.use_bottleneck_attention)
        self.shared_query_key = bool(config.key_query_shared_bottleneck)
        identity: nn.Module = nn.Identity()
        self.narrow, self.narrow_shared, self.widen = identity, identity, identity
        if self.bottleneck:
            self.narrow = _linear_norm(part.bottleneck.input)
            if self.shared_query_key:
                self.narrow_shared = _linear_norm(part.bottleneck.attention)
            self.widen = _add_norm(part.output.bottleneck)

    def forward(self, hidden: Tensor, bias: Tensor) -> Tensor:
        """[B, S, H], [B, 1, 1, S] → [B, S, H]."""
        narrow = self.narrow(hidden)
        query, value = hidden, hidden
        if self.bottleneck and self.bottleneck_attention:
            query, value = narrow, narrow
        elif self.bottleneck and self.shared_query_key:
            query = self.narrow_shared(hidden)
        rows = self.output(self.attention(query, query, value, bias), narrow)
        for expand, contract in zip(self.expands, self.contracts, strict=True):
            rows = contract(self.activation(expand(rows)), rows)
        if self.bottleneck:
            rows = self.widen(rows, hidden)
        output: Tensor = rows
        return output


class MobileBertEncoder(nn.Module):
    """Embeddings and layers; every layer computes every row, since trigrams leave no shortcut."""

    def __init__(
        self, base: PreTrainedModel, positions: nn.Embedding, token_types: nn.Embedding | None
    ) -> None:
        super().__init__()
        config = base.config
        self.takes_token_types = token_types is not None
        self.embeddings = TrigramEmbeddings(base, positions, token_types)
        parts = base.get_submodule("encoder.layer").children()
        self.layers = nn.ModuleList([MobileBertLayer(part, config) for part in parts])
        self.hidden_size = int(config.hidden_size)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None
    ) -> Tensor:
        """[B, S] integers each → [B, S, H] float32."""
        bias = mask_bias(attention_mask)
        hidden: Tensor = self.embeddings(input_ids, attention_mask, token_type_ids)
        for layer in self.layers:
            hidden = layer(hidden, bias)
        return hidden


def norm_of(module: nn.Module) -> nn.Module:
    """A LayerNorm as it is; transformers' NoNorm as ours, which exporters can trace apart."""
    if isinstance(module, nn.LayerNorm):
        return module
    weight, bias = module.weight, module.bias
    assert isinstance(weight, Tensor)
    assert isinstance(bias, Tensor)
    return Norm(weight, bias)


def _add_norm(part: Any) -> AddNorm:
    return AddNorm(part.dense, norm_of(part.LayerNorm))


def _linear_norm(part: Any) -> nn.Module:
    return nn.Sequential(part.dense, norm_of(part.LayerNorm))
