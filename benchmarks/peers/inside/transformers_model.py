"""transformers' model in torch, in float32 or with linear layers quantized by torch itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from float_model import FloatModel
from one_by_one import arrays
from transformers import AutoTokenizer, pipeline


class TransformersModel:
    """Texts to classify go through transformers' pipeline; embeddings have none to go through."""

    batches = (1, 32)

    def __init__(self, folder: Path, task: str, *, quantized: bool) -> None:
        self._model = FloatModel(str(folder), task).eval()
        if quantized:
            torch.ao.quantization.quantize_dynamic(self._model, {torch.nn.Linear}, inplace=True)
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._pipeline = (
            pipeline("text-classification", model=self._model.model, tokenizer=self._tokenizer)
            if task == "text-classification"
            else None
        )

    def ready(self, ids: list[int]) -> Any:
        """Tensors, in the order of the model's inputs."""
        return tuple(torch.from_numpy(each) for each in arrays(ids).values())

    def logits(self, inputs: Any) -> Any:
        """Raw outputs [width] of one text."""
        with torch.inference_mode():
            return self._model(*inputs)[0]

    def answers(self, texts: list[str], batch: int) -> Any:
        """Labels of texts, or vectors [n, width]."""
        if self._pipeline is not None:
            found = self._pipeline(texts, batch_size=batch, truncation=True)
            return [each["label"] for each in found]
        parts = [
            self._vectors(texts[start : start + batch]) for start in range(0, len(texts), batch)
        ]
        return np.concatenate(parts)

    def _vectors(self, texts: list[str]) -> Any:
        read = self._tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        types = torch.zeros_like(read["input_ids"])
        with torch.inference_mode():
            return self._model(read["input_ids"], read["attention_mask"], types).numpy()


def open_model(folder: Path, variant: str, task: str, threads: int) -> TransformersModel:
    """A checkpoint; the variant is "float32" or "int8"."""
    torch.set_num_threads(threads)
    return TransformersModel(folder, task, quantized=variant == "int8")
