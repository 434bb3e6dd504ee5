"""fastembed with a checkpoint of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from fastembed import TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType


class FastembedModel:
    """Texts alone: it takes no ids."""

    batches = (1, 32, 256)

    def __init__(self, folder: Path, threads: int) -> None:
        name = "local/checkpoint"
        TextEmbedding.add_custom_model(
            model=name,
            pooling=PoolingType.MEAN,
            normalization=True,
            sources=ModelSource(hf=name),
            dim=384,
            model_file="model.onnx",
        )
        self._model = TextEmbedding(name, threads=threads, specific_model_path=str(folder))

    def answers(self, texts: list[str], batch: int) -> Any:
        """Vectors [n, width]."""
        return np.stack(list(self._model.embed(texts, batch_size=batch)))


def open_model(folder: Path, variant: str, task: str, threads: int) -> FastembedModel:
    """The folder's model.onnx, whose first output is a vector for each token."""
    return FastembedModel(folder, threads)
