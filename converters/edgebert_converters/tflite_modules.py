"""The student's modules as LiteRT runs them fastest.

What they compute is what `encoder.py` says, in another order or by other operators. Each is here
because it was measured: docs/performance.md has the figures, and what did not pay.

Shapes: S tokens of the one text, H hidden width, N heads, D head width, R rows (S, or 1 of a query
in a last layer that serves the first token alone).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from edgebert_converters.encoder import Attention, BertEncoder, mask_bias
from edgebert_converters.heads import Student
from edgebert_converters.replacing import EncoderParts, NormParts, replace

Join = Callable[[Sequence[nn.Module]], nn.Module | None]
"""Layers of the same inputs → one of all their outputs, or None where they cannot be one."""


class Normalization(NormParts):
    """nn.LayerNorm in fewer operators than litert-torch makes of it."""

    def forward(self, rows: Tensor) -> Tensor:
        """[..., H] → the same."""
        centred = rows - rows.mean(dim=-1, keepdim=True)
        variance = (centred * centred).mean(dim=-1, keepdim=True)
        return centred * torch.rsqrt(variance + self.epsilon) * self.weight + self.bias


class RowsAttention(nn.Module):
    """Multi-head attention over the rows of one text, its scale in the weights of queries.

    Layers that read the same rows are one where they can be: rows are then quantized once.
    """

    def __init__(self, attention: Attention, join: Join, *, one_query: bool) -> None:
        super().__init__()
        self.heads = attention.heads
        query, key, value = attention.query, attention.key, attention.value
        whole = None if one_query else join((query, key, value))
        pair = join((key, value)) if whole is None else None
        if whole is not None:
            self.query_key_value = whole
            self.products = {"query_key_value": 3}
        elif pair is not None:
            self.query, self.key_value = query, pair
            self.products = {"query": 1, "key_value": 2}
        else:
            self.query, self.key, self.value = query, key, value
            self.products = {"query": 1, "key": 1, "value": 1}

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor) -> Tensor:
        """[R, H], [S, H], [S, H], [1, 1, S] → [R, N * D]."""
        query, key, value = (
            part
            for name in self.products
            for part in self._heads(name, queries if name == "query" else keys)
        )
        scores = torch.matmul(query, key.transpose(1, 2)) + bias
        context = torch.matmul(functional.softmax(scores, dim=-1), value)
        return context.transpose(0, 1).reshape(queries.shape[0], -1)

    def _heads(self, name: str, rows: Tensor) -> list[Tensor]:
        """[R, H] → [N, R, D] of each layer that this one is made of."""
        count = self.heads * self.products[name]
        outputs: Tensor = getattr(self, name)(rows)
        heads = outputs.view(rows.shape[0], count, -1).transpose(0, 1)
        return [heads[start : start + self.heads] for start in range(0, count, self.heads)]


class RowsEncoder(EncoderParts):
    """`BertEncoder` over the rows [S, H] of one text: most operators then need no reshaping."""

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None
    ) -> Tensor:
        """[1, S] integers each → [1, S, H]; [1, 1, H] if the head reads the first token only."""
        bias = mask_bias(attention_mask)[0]
        hidden = self.embeddings(input_ids, attention_mask, token_type_ids)[0]
        for layer in self.layers:
            hidden = layer(hidden, hidden, bias)
        queries = hidden[:1] if self.first_token_only else hidden
        output: Tensor = self.last_layer(queries, hidden, bias)
        return output[None]


def with_plain_scores(student: Student) -> Student:
    """A copy whose queries are divided by the square root of D beforehand, in their layers."""
    changed = copy.deepcopy(student)
    if isinstance(changed.encoder, BertEncoder):
        scaled: set[nn.Module] = set()
        for attention in {each for each in changed.modules() if isinstance(each, Attention)}:
            query = attention.query
            # ALBERT's layers share one.
            if query not in scaled:
                query.weight = nn.Parameter(query.weight.detach() * attention.scale)
                if query.bias is not None:
                    query.bias = nn.Parameter(query.bias.detach() * attention.scale)
                scaled.add(query)
            attention.scale = 1.0
    return changed


def in_rows(student: Student, join: Join) -> Student:
    """What `with_plain_scores` made, with its modules replaced in place; what it computes stays."""
    encoder = student.encoder
    if isinstance(encoder, BertEncoder):
        alone = encoder.last_layer.attention if encoder.first_token_only else None
        replace(
            student,
            Attention,
            lambda attention: RowsAttention(attention, join, one_query=attention is alone),
        )
        student.encoder = RowsEncoder(encoder)
    replace(student, nn.LayerNorm, Normalization)
    return student
