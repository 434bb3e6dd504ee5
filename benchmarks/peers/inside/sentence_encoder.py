"""sentence-transformers with its ONNX backend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
from sentence_transformers import SentenceTransformer


class SentenceEncoder:
    """Texts alone: it takes no ids."""

    batches = (1, 32)

    def __init__(self, folder: Path, file: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        settings = {
            "file_name": file,
            "session_options": options,
            "provider": "CPUExecutionProvider",
        }
        self._model = SentenceTransformer(str(folder), backend="onnx", model_kwargs=settings)

    def answers(self, texts: list[str], batch: int) -> Any:
        """Vectors [n, width]."""
        return self._model.encode(texts, batch_size=batch, show_progress_bar=False)


def open_model(folder: Path, variant: str, task: str, threads: int) -> SentenceEncoder:
    """A folder as save_pretrained writes it; the variant is the file in it."""
    return SentenceEncoder(folder, variant, threads)
