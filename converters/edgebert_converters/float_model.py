"""transformers' own model, as every artifact is held against it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from edgebert_converters.heads import EmbeddingHead


class FloatModel(nn.Module):
    """transformers' own model with the task's raw output: what every artifact is held against."""

    def __init__(self, model: nn.Module, head: EmbeddingHead | None) -> None:
        super().__init__()
        self.model = model
        self.head = head

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """`input_ids`, `attention_mask` and, where read, `token_type_ids` → [B, width].

        Where the task has a row for each token, [B, S, width].
        """
        result: Any = self.model(**inputs)
        if self.head is not None:
            pooled: Tensor = self.head(result.last_hidden_state, inputs["attention_mask"])
            return pooled
        if "start_logits" in result:
            return torch.stack([result.start_logits, result.end_logits], dim=2)
        logits: Tensor = result.logits
        return logits
