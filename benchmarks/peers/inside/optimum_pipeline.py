"""An ONNX file as optimum's documentation says: its model class in transformers' pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
from one_by_one import arrays
from optimum.onnxruntime import ORTModelForSequenceClassification
from transformers import AutoTokenizer, pipeline


class OptimumPipeline:
    """Texts go through the pipeline, ids to its session."""

    batches = (1, 32)

    def __init__(self, folder: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        model = ORTModelForSequenceClassification.from_pretrained(folder, session_options=options)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        self._pipeline = pipeline("text-classification", model=model, tokenizer=tokenizer)
        self._session = model.session
        self._inputs = [each.name for each in self._session.get_inputs()]

    def ready(self, ids: list[int]) -> Any:
        """Those inputs that the file has."""
        given = arrays(ids)
        return {name: given[name] for name in self._inputs}

    def logits(self, inputs: Any) -> Any:
        """Raw outputs [labels] of one text."""
        return self._session.run(["logits"], inputs)[0][0]

    def answers(self, texts: list[str], batch: int) -> list[str]:
        """Labels."""
        found = self._pipeline(texts, batch_size=batch, truncation=True)
        return [each["label"] for each in found]


def open_model(folder: Path, variant: str, task: str, threads: int) -> OptimumPipeline:
    """The folder's model.onnx."""
    return OptimumPipeline(folder, threads)
