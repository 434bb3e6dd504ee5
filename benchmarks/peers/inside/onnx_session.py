"""An ONNX file by onnxruntime and tokenizers alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
from one_by_one import OneByOne, arrays


class OnnxSession(OneByOne):
    """A session with the options that it has by itself, but for the threads."""

    def __init__(self, folder: Path, task: str, threads: int) -> None:
        super().__init__(folder, task, most_tokens=256)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(
            folder / "model.onnx", options, providers=["CPUExecutionProvider"]
        )
        self._inputs = [each.name for each in self._session.get_inputs()]
        self._outputs = ["logits" if task == "text-classification" else "sentence_embedding"]

    def ready(self, ids: list[int]) -> Any:
        """Those inputs that the file has."""
        given = arrays(ids)
        return {name: given[name] for name in self._inputs}

    def logits(self, inputs: Any) -> Any:
        """Raw outputs [width] of one text."""
        return self._session.run(self._outputs, inputs)[0][0]


def open_model(folder: Path, variant: str, task: str, threads: int) -> OnnxSession:
    """The folder's model.onnx."""
    return OnnxSession(folder, task, threads)
