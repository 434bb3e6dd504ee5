"""transformers' own model with what comes after it, for tools that take a torch module."""

from __future__ import annotations

from typing import Any

import torch
import transformers
from torch import Tensor, nn

_CLASSES = {
    "text-classification": transformers.AutoModelForSequenceClassification,
    "embedding": transformers.AutoModel,
}


class FloatModel(nn.Module):
    """Ids, mask and types [rows, tokens] → logits [rows, labels] or unit vectors [rows, width].

    With `plain_mask` the mask is written out here, a finite number that is added to scores, and
    transformers' own code for it stays out of the graph.
    """

    def __init__(self, checkpoint: str, task: str, *, plain_mask: bool = False) -> None:
        super().__init__()
        self.model = _CLASSES[task].from_pretrained(checkpoint, dtype=torch.float32)
        self.model.eval()
        self._embeds = task == "embedding"
        self._plain_mask = plain_mask

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        """As sentence-transformers does for the mean of tokens, brought to unit length."""
        given = mask
        if self._plain_mask:
            given = ((1.0 - mask.to(torch.float32)) * -10000.0)[:, None, None, :]
        outputs: Any = self.model(input_ids=ids, attention_mask=given, token_type_ids=types)
        if not self._embeds:
            return outputs.logits
        weights = mask.unsqueeze(-1).to(torch.float32)
        mean = (outputs.last_hidden_state * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
        return nn.functional.normalize(mean, dim=-1)
