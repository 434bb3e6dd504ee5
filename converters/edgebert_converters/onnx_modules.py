"""The student's modules as ONNX Runtime runs them fastest.

What they compute is what `encoder.py` says, in another order or by other operators. Each is here
because it was measured: docs/performance.md has the figures, and what did not pay.

Shapes: B batch, S tokens, H hidden width, N heads, D head width, Q query rows of a text, R rows.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import onnxscript
import torch
from torch import Tensor, nn
from torch.nn import functional

from edgebert_converters.encoder import Attention, BertEncoder, mask_bias
from edgebert_converters.heads import Student
from edgebert_converters.replacing import EncoderParts, NormParts, replace


@torch.library.custom_op("edgebert::normalized", mutates_args=())
def normalized(rows: Tensor, epsilon: float) -> Tensor:
    """[R, 1, H] float32 → the same with mean 0 and variance 1 in each row of H."""
    return functional.layer_norm(rows, rows.shape[-1:], eps=epsilon)


@normalized.register_fake
def _(rows: Tensor, epsilon: float) -> Tensor:
    return torch.empty_like(rows)


def _translate_normalized(rows: Any, epsilon: float) -> Any:
    op: Any = onnxscript.opset20
    one, zero = (op.Constant(value_floats=[each]) for each in (1.0, 0.0))
    return op.InstanceNormalization(rows, one, zero, epsilon=epsilon)


TRANSLATIONS: dict[Any, Callable[..., Any]] = {
    torch.ops.edgebert.normalized.default: _translate_normalized,
}
"""Our operators → functions that say them in ONNX, for torch's exporter."""


class Normalization(NormParts):
    """nn.LayerNorm by operators that ONNX Runtime has vector code of.

    It makes one of LayerNormalization and the sum before it, whose code takes an element at a time.
    """

    def forward(self, rows: Tensor) -> Tensor:
        """[R, 1, H] or [B, S, H] → the same."""
        # What is written as an int is 1 whatever the batch and the tokens are.
        single = isinstance(rows.shape[1], int) and rows.shape[1] == 1
        alone = rows if single else rows.reshape(-1, 1, rows.shape[-1])
        output: Tensor = normalized(alone, self.epsilon)
        output = output if single else output.reshape(rows.shape)
        return output * self.weight + self.bias


class RowsAttention(nn.Module):
    """Multi-head attention over rows [S * B, 1, H], the first tokens of all texts first.

    In this order the products can read heads where they are: ONNX Runtime's FusedMatMul swaps the
    first axis with those of the batch as it goes. Of rows [B, S, H] each would be copied first.
    """

    def __init__(self, attention: Attention) -> None:
        super().__init__()
        self.query, self.key, self.value = attention.query, attention.key, attention.value
        self.heads, self.scale = attention.heads, attention.scale

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor) -> Tensor:
        """[Q * B, 1, H], [S * B, 1, H], [S * B, 1, H], [B, 1, 1, S] → [Q * B, 1, N * D]."""
        batch = bias.shape[0]
        query, key, value = (
            rows.view(-1, batch, self.heads, rows.shape[2] // self.heads)
            for rows in (self.query(queries), self.key(keys), self.value(values))
        )
        scores = torch.matmul(query.permute(1, 2, 0, 3) * self.scale, key.permute(1, 2, 3, 0))
        probabilities = functional.softmax(scores + bias, dim=-1)
        context = torch.matmul(probabilities, value.permute(1, 2, 0, 3))
        return context.permute(2, 0, 1, 3).reshape(-1, 1, self.heads * value.shape[3])


class RowsEncoder(EncoderParts):
    """`BertEncoder` over rows [S * B, 1, H]."""

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None
    ) -> Tensor:
        """[B, S] integers each → [B, S, H]; [B, 1, H] if the head reads the first token only."""
        batch, tokens = input_ids.shape
        bias = mask_bias(attention_mask)
        embedded = self.embeddings(input_ids, attention_mask, token_type_ids)
        hidden = embedded.transpose(0, 1).reshape(-1, 1, self.hidden_size)
        for layer in self.layers:
            hidden = layer(hidden, hidden, bias)
        if self.first_token_only:
            first: Tensor = self.last_layer(hidden[:batch], hidden, bias)
            return first
        output: Tensor = self.last_layer(hidden, hidden, bias)
        return output.view(tokens, batch, self.hidden_size).transpose(0, 1)


def for_onnx_runtime(student: Student, *, exact: bool) -> Student:
    """A copy of the student with its modules replaced; what it computes stays.

    Keys lose their biases: one adds the same number to all scores of a query, which softmax takes
    off again.

    Unless it has to be exact, GELU is what the paper gives as its approximation by tanh (arXiv
    1606.08415, section 2): at most 0.0005 away, where a step of 8 bits is some 0.02.
    """
    replaced = copy.deepcopy(student)
    for attention in replaced.modules():
        if isinstance(attention, Attention):
            attention.key.bias = None  # type: ignore[assignment]
    encoder = replaced.encoder
    if isinstance(encoder, BertEncoder):
        replace(encoder, Attention, RowsAttention)
        if not exact:
            replace(encoder, nn.GELU, lambda _: nn.GELU(approximate="tanh"))
        replaced.encoder = RowsEncoder(encoder)
    replace(replaced, nn.LayerNorm, Normalization)
    return replaced
