"""One predict API over every backend."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from edgebert_runtime.backends import Backend, open_backend
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import BackendError, InputError, MissingBackendError, shortened
from edgebert_runtime.manifest import BACKENDS, Artifact, Manifest
from edgebert_runtime.processors import available_processors
from edgebert_runtime.tasks import INTERPRETERS, Result
from edgebert_runtime.tokenization import Encoding, Text, Tokenizer, as_texts

MAX_THREADS = 1024
"""More than any processor has; libraries start as many as they are told to, and then crash."""


class Model:
    """A loaded artifact of a bundle. Made by `load`; closed by `close` or a with block."""

    def __init__(self, manifest: Manifest, artifact: Artifact, tokenizer: Tokenizer) -> None:
        self.manifest = manifest
        self.artifact = artifact
        self.tokenizer = tokenizer
        self._backend: Backend | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of the outputs; empty for embeddings."""
        return self.manifest.labels

    @property
    def max_length(self) -> int:
        """Tokens that an answer can look at, special tokens included."""
        return self.manifest.max_length

    def predict(
        self, texts: Text | list[Text] | list[str] | list[tuple[str, str]], *, top_k: int = 1
    ) -> Result | list[Result]:
        """Answers for a text, a pair of texts, or a list of these.

        A single text gives a single result, a list gives a list in the same order. `top_k` is how
        many labels `top` holds; more than there are gives all.

        Raises:
            InputError: for a wrong type, a `top_k` below 1, or a bundle of embeddings.
            BackendError: if the backend's library fails, or gives numbers that are not finite.
        """
        if self.manifest.task not in INTERPRETERS:
            raise InputError("this bundle gives embeddings; use embed(), or 'edgebert embed'")
        if not isinstance(top_k, int) or isinstance(top_k, bool) or top_k < 1:
            raise InputError(
                f"top_k: got {shortened(top_k)}, expected a whole number of at least 1"
            )
        checked, single = as_texts(texts)
        encodings = [self.tokenizer.encode(text) for text in checked]
        outputs = self.run(encodings).tolist()
        interpret = INTERPRETERS[self.manifest.task]
        results = [
            interpret(row, self.labels, top_k, encoding.truncated)
            for row, encoding in zip(outputs, encodings, strict=True)
        ]
        return results[0] if single else results

    def embed(
        self, texts: Text | list[Text] | list[str] | list[tuple[str, str]]
    ) -> NDArray[np.float32]:
        """Vectors [n, dimension] for a text, a pair of texts, or a list of these.

        Raises:
            InputError: for a wrong type, or a bundle of another task.
            BackendError: if the backend's library fails, or gives numbers that are not finite.
        """
        if self.manifest.task != "embedding":
            raise InputError(
                f"this bundle's task is {self.manifest.task}; use predict(), or 'edgebert predict'"
            )
        checked, _ = as_texts(texts)
        return self.run([self.tokenizer.encode(text) for text in checked])

    def run(self, encodings: list[Encoding]) -> NDArray[np.float32]:
        """Raw outputs [n, width] in the order of the encodings.

        Texts of one length run together, unpadded, as many as the backend allows: nobody's answer
        depends on who sits beside it.

        Raises:
            InputError: if the model is closed, or an encoding longer than `max_length`.
            BackendError: if the backend's library fails, or gives numbers that are not finite.
        """
        if self._backend is None:
            raise InputError("the model is closed; load it again")
        longest = max((len(encoding.ids) for encoding in encodings), default=0)
        if longest > self.max_length:
            raise InputError(
                f"encoding: got {longest} tokens, expected at most {self.max_length}; use the "
                "model's own tokenizer, which truncates"
            )
        (width,) = self.artifact.outputs.values()
        outputs = np.empty((len(encodings), width), dtype=np.float32)
        for rows in _same_length(encodings, self._backend.max_rows):
            ids = np.array([encodings[row].ids for row in rows], dtype=np.int64)
            types = np.array([encodings[row].token_type_ids for row in rows], dtype=np.int64)
            inputs = {
                "input_ids": ids,
                "attention_mask": np.ones_like(ids),
                "token_type_ids": types,
            }
            outputs[rows] = self._backend.run(inputs)
        if not np.isfinite(outputs).all():
            raise BackendError(
                f"{self.artifact.backend} gave numbers that are not finite; try another backend"
            )
        return outputs

    @contextlib.contextmanager
    def attached(self, backend: Backend) -> Iterator[None]:
        """Run on `backend` inside the block, and be closed after it."""
        self._backend = backend
        try:
            yield
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the library's memory; later calls raise InputError."""
        self._backend = None

    def __enter__(self) -> Model:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def load(
    path: str | os.PathLike[str],
    *,
    backend: str = "auto",
    recipe: str | None = None,
    threads: int | None = None,
) -> Model:
    """Open a bundle and one of its artifacts.

    Args:
        path: a bundle folder or `.edgebert` file.
        backend: "tflite", "onnx", "torchscript", or "auto" for the fastest that is installed.
        recipe: "int8_dynamic", "float32", or None for the smallest there is.
        threads: threads to compute with; None for the processors that this process may use.

    Raises:
        InputError: for an argument that cannot be used.
        ManifestError: if the bundle is missing, altered or not understood.
        MissingBackendError: if the library of the backend is not installed.
        BackendError: if the library refuses the file.
    """
    if threads is not None and (
        not isinstance(threads, int) or isinstance(threads, bool) or not 1 <= threads <= MAX_THREADS
    ):
        raise InputError(
            f"threads: got {shortened(threads)}, expected a whole number from 1 to {MAX_THREADS}, "
            "or None"
        )
    bundle = Bundle(path)
    candidates = _candidates(bundle.manifest, backend, recipe)
    tokenizer = Tokenizer(bundle.read(bundle.manifest.tokenizer), bundle.manifest.max_length)
    for artifact in candidates:
        model = Model(bundle.manifest, artifact, tokenizer)
        try:
            model._backend = open_backend(
                artifact, bundle.locate(artifact), threads or available_processors()
            )
        except MissingBackendError:
            if backend != "auto":
                raise
            continue
        return model
    wanted = " or ".join(f"'edgebert[{name}]'" for name in _backends(candidates))
    raise MissingBackendError(f"no backend of this bundle is installed; run: pip install {wanted}")


def _candidates(manifest: Manifest, backend: str, recipe: str | None) -> list[Artifact]:
    """Artifacts that fit, fastest backend first, and of one backend the smallest file first."""
    if not isinstance(backend, str) or backend not in ("auto", *BACKENDS):
        raise InputError(
            f"backend: got {shortened(backend)}, expected one of auto, {', '.join(BACKENDS)}"
        )
    if not isinstance(recipe, str | None):
        raise InputError(f"recipe: got {shortened(recipe)}, expected a name or None")
    found = [
        artifact
        for artifact in sorted(
            manifest.artifacts, key=lambda each: (BACKENDS.index(each.backend), each.bytes)
        )
        if backend in ("auto", artifact.backend) and recipe in (None, artifact.recipe)
    ]
    if not found:
        held = ", ".join(f"{each.backend} {each.recipe}" for each in manifest.artifacts)
        raise InputError(
            f"got backend {backend!r} and recipe {shortened(recipe)}, this bundle holds {held}; "
            "choose one of these, or convert again with that format and recipe"
        )
    return found


def _backends(artifacts: list[Artifact]) -> list[str]:
    return list(dict.fromkeys(artifact.backend for artifact in artifacts))


def _same_length(encodings: list[Encoding], most: int) -> list[list[int]]:
    """Indices grouped by token length, shortest first, at most `most` to a group."""
    by_length: dict[int, list[int]] = {}
    for index, encoding in enumerate(encodings):
        by_length.setdefault(len(encoding.ids), []).append(index)
    return [
        rows[start : start + most]
        for _, rows in sorted(by_length.items())
        for start in range(0, len(rows), most)
    ]
