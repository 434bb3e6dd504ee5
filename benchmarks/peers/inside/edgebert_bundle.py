"""A bundle of ours by the runtime that a device installs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from one_by_one import arrays

import edgebert_runtime
from edgebert_runtime import Bundle
from edgebert_runtime.backends import Backend, open_backend


class EdgebertBundle:
    """Texts go to the model, ids to its backend."""

    batches = (1,)

    def __init__(self, folder: Path, backend: str, task: str, threads: int) -> None:
        self._model = edgebert_runtime.load(folder, backend=backend, threads=threads)
        self._embeds = task == "embedding"
        self._folder, self._threads = folder, threads
        self._backend: Backend | None = None

    def ready(self, ids: list[int]) -> Any:
        """Unpadded arrays, as the runtime gives them to a backend."""
        if self._backend is None:
            # The model keeps its own to itself, and who is asked texts alone need not hold two.
            artifact = self._model.artifact
            content = Bundle(self._folder).read(artifact)
            self._backend = open_backend(artifact, content, self._threads)
        return arrays(ids)

    def logits(self, inputs: Any) -> Any:
        """Raw outputs [width] of one text, padding included."""
        return self._backend.run(inputs)[0]

    def answers(self, texts: list[str], batch: int) -> Any:
        """Labels of texts, or vectors [n, width]; the runtime finds its own batches."""
        if self._embeds:
            return self._model.embed(texts)
        return [each.label for each in self._model.predict(texts)]


def open_model(folder: Path, variant: str, task: str, threads: int) -> EdgebertBundle:
    """A bundle; the variant is the backend."""
    return EdgebertBundle(folder, variant, task, threads)
