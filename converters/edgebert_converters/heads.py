"""What a task adds to an encoder, and the student made of both."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgebert_converters.encoder import Encoder


class ClassificationHead(nn.Module):
    """First token → optional dense layer and activation → one logit a label."""

    reads_first_token_only = True

    def __init__(self, dense: nn.Module, output: nn.Linear) -> None:
        super().__init__()
        self.dense = dense
        self.output = output

    def forward(self, hidden: Tensor, attention_mask: Tensor) -> Tensor:
        """[B, S, H] float32, [B, S] integers → [B, labels] float32 logits."""
        logits: Tensor = self.output(self.dense(hidden[:, 0]))
        return logits


class TokenHead(nn.Module):
    """Each token → optional layers → a row of logits.

    One a label of tokens, two for the start and the end of an answer, or one a piece of the
    vocabulary.
    """

    reads_first_token_only = False

    def __init__(self, transform: nn.Module, output: nn.Linear) -> None:
        super().__init__()
        self.transform = transform
        self.output = output

    def forward(self, hidden: Tensor, attention_mask: Tensor) -> Tensor:
        """[B, S, H] float32, [B, S] integers → [B, S, width] float32 logits."""
        logits: Tensor = self.output(self.transform(hidden))
        return logits


class EmbeddingHead(nn.Module):
    """Mean over real tokens or the first token, optional dense layers, optional unit length.

    Sentence-BERT, arXiv 1908.10084, section 3. A row without real tokens gives zeros.
    """

    def __init__(self, pooling: str, dense: nn.Module, normalize: bool) -> None:
        super().__init__()
        self.mean = pooling == "mean"
        self.reads_first_token_only = not self.mean
        self.dense = dense
        self.normalize = normalize

    def forward(self, hidden: Tensor, attention_mask: Tensor) -> Tensor:
        """[B, S, H] float32, [B, S] integers → [B, dimension] float32."""
        if self.mean:
            weights = attention_mask.to(torch.float32)[:, :, None]
            count = torch.clamp(weights.sum(dim=1), min=1.0)
            pooled = (hidden * weights).sum(dim=1) / count
        else:
            pooled = hidden[:, 0]
        output: Tensor = self.dense(pooled)
        if self.normalize:
            square = (output * output).sum(dim=1, keepdim=True)
            output = output * torch.rsqrt(torch.clamp(square, min=1e-24))
        return output


Head = ClassificationHead | TokenHead | EmbeddingHead


class Student(nn.Module):
    """Ids in, the task's raw output out: the one module that every exporter takes."""

    def __init__(self, encoder: Encoder, head: Head) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor | None = None,
    ) -> Tensor:
        """[B, S] integers each → [B, width] float32; with a `TokenHead` [B, S, width]."""
        hidden = self.encoder(input_ids, attention_mask, token_type_ids)
        output: Tensor = self.head(hidden, attention_mask)
        return output

    @property
    def input_names(self) -> tuple[str, ...]:
        """The inputs this student reads, in the order of `forward`."""
        names = ("input_ids", "attention_mask", "token_type_ids")
        return names if self.encoder.takes_token_types else names[:2]
