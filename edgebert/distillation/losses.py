"""What a student is asked to match, each an average over real tokens.

B batch, S tokens, H hidden width, N heads, D head width. `mask` is [B, S], 1 for a real token.
TinyBERT: arXiv 1909.10351, section 3.1. MiniLMv2: arXiv 2012.15828, section 3.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def hidden_loss(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error of rows [B, S, H], student projected already (TinyBERT, eq. 8 and 9)."""
    difference = _real(student.float() - teacher.float(), mask[:, :, None])
    return _mean(difference.square().mean(dim=-1), mask)


def score_loss(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error of attention scores before softmax, [B, N, S, S] (TinyBERT, eq. 7).

    Only scores of a real query and a real key count.
    """
    pairs = mask[:, :, None] * mask[:, None, :]
    difference = _real(student.float() - teacher.float(), pairs[:, None])
    return _mean(difference.square().mean(dim=1), pairs)


def attention_scores(query: Tensor, key: Tensor, heads: int) -> Tensor:
    """[B, S, N * D] each → scaled scores before softmax and mask, [B, N, S, S]."""
    query, key = _heads(query, heads), _heads(key, heads)
    return torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(query.shape[-1])


def relation_loss(student: Tensor, teacher: Tensor, mask: Tensor, heads: int) -> Tensor:
    """KL divergence of self-relations of [B, S, width] vectors (MiniLMv2, eq. 5 to 8).

    Queries are related with queries, keys with keys, values with values, split into `heads`
    relation heads, so widths and numbers of attention heads may differ.
    """
    wanted = _relations(_real(teacher.float(), mask[:, :, None]), mask, heads)
    given = _relations(_real(student.float(), mask[:, :, None]), mask, heads)
    # exp(wanted) is zero for a masked key, whose difference is then no number to multiply with.
    difference = _real(wanted - given, mask[:, None, None, :])
    return _mean((wanted.exp() * difference).sum(dim=-1).mean(dim=1), mask)


def relation_heads(student_width: int, teacher_width: int, most: int = 48) -> int:
    """The largest number of relation heads, 48 at most as in the paper, that divides both."""
    both = math.gcd(student_width, teacher_width)
    return max(heads for heads in range(1, min(both, most) + 1) if both % heads == 0)


def soft_cross_entropy(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Logits [B, labels] against the teacher's distribution at a temperature (TinyBERT, eq. 10).

    Multiplied by the temperature's square, so that gradients keep their size (arXiv 1503.02531,
    section 2).
    """
    wanted = functional.softmax(teacher.float() / temperature, dim=-1)
    given = functional.log_softmax(student.float() / temperature, dim=-1)
    return -(wanted * given).sum(dim=-1).mean() * temperature**2


def soft_binary_cross_entropy(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """The same for independent labels: each logit is a distribution of its own."""
    wanted = torch.sigmoid(teacher.float() / temperature)
    given = student.float() / temperature
    return functional.binary_cross_entropy_with_logits(given, wanted) * temperature**2


def hard_loss(task: str, logits: Tensor, labels: Tensor) -> Tensor:
    """Logits [B, outputs] against true labels [B, width]; rows of NaN have none and do not count.

    Labels are a position (classification), 0 or 1 each (several labels), or values (regression).
    """
    known = ~torch.isnan(labels).any(dim=-1)
    logits, labels = logits.float()[known], labels[known]
    if not len(labels):
        return logits.sum()
    if task == "classification":
        return functional.cross_entropy(logits, labels[:, 0].long())
    if task == "regression":
        return functional.mse_loss(logits, labels)
    return functional.binary_cross_entropy_with_logits(logits, labels)


def _heads(vectors: Tensor, heads: int) -> Tensor:
    """[B, S, N * D] → [B, N, S, D]."""
    batch, length, width = vectors.shape
    return vectors.view(batch, length, heads, width // heads).transpose(1, 2)


def _relations(vectors: Tensor, mask: Tensor, heads: int) -> Tensor:
    """Logarithms of softmaxed scaled products of [B, S, width] with themselves, [B, N, S, S]."""
    scores = attention_scores(vectors, vectors, heads)
    # Finite, so that a row of padding alone gives numbers; it counts in no mean anyway.
    scores = scores.masked_fill(mask[:, None, None, :] == 0, torch.finfo(scores.dtype).min)
    return functional.log_softmax(scores, dim=-1)


def _real(values: Tensor, mask: Tensor) -> Tensor:
    """Zeros in padded places: infinity there would be NaN in a product, and in the gradient."""
    return values.masked_fill(mask == 0, 0.0)


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    weights = weights.to(values.dtype)
    return (values * weights).sum() / weights.sum().clamp(min=1.0)
