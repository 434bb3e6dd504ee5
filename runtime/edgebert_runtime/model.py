"""One predict API over every backend."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import NoReturn, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from edgebert_runtime.backends import Backend
from edgebert_runtime.batching import most_rows, rows_of_windows, run_by_length
from edgebert_runtime.errors import BackendError, InputError, shortened
from edgebert_runtime.manifest import TOKEN_TASKS, Artifact, Manifest
from edgebert_runtime.tasks import INTERPRETERS, TOKEN_INTERPRETERS, Result
from edgebert_runtime.tasks.reading import LONG_TEXT, Reader, Reading, Request, pooled
from edgebert_runtime.tasks.token_classification import AGGREGATIONS
from edgebert_runtime.tokenization import Encoding, Text, Tokenizer, as_text, numbered

Texts = Text | list[Text] | list[str] | list[tuple[str, str]]
Stream = Iterator[Text] | Iterator[str] | Iterator[tuple[str, str]]
Answered = TypeVar("Answered")


class Model:
    """A loaded artifact of a bundle. Made by `load`; closed by `close` or a with block."""

    def __init__(
        self,
        manifest: Manifest,
        artifact: Artifact,
        tokenizer: Tokenizer,
        backend: Backend | None = None,
    ) -> None:
        self.manifest = manifest
        self.artifact = artifact
        self.tokenizer = tokenizer
        self._backend = backend
        self._process = os.getpid()

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of the outputs; empty for embeddings."""
        return self.manifest.labels

    @property
    def max_length(self) -> int:
        """Tokens that an answer can look at, special tokens included."""
        return self.manifest.max_length

    @overload
    def predict(
        self,
        texts: Text,
        *,
        top_k: int = ...,
        long_text: str | None = ...,
        aggregation: str = ...,
        no_answer: bool = ...,
    ) -> Result: ...

    @overload
    def predict(
        self,
        texts: list[Text] | list[str] | list[tuple[str, str]],
        *,
        top_k: int = ...,
        long_text: str | None = ...,
        aggregation: str = ...,
        no_answer: bool = ...,
    ) -> list[Result]: ...

    @overload
    def predict(
        self,
        texts: Stream,
        *,
        top_k: int = ...,
        long_text: str | None = ...,
        aggregation: str = ...,
        no_answer: bool = ...,
    ) -> Iterator[Result]: ...

    def predict(
        self,
        texts: Texts | Stream,
        *,
        top_k: int = 1,
        long_text: str | None = None,
        aggregation: str = "simple",
        no_answer: bool = False,
    ) -> Result | list[Result] | Iterator[Result]:
        """Answers for a text, a pair of texts, a list of these, or an iterator over them.

        A single text gives a single result, a list gives a list in the same order, an iterator
        gives an iterator that holds no more than a few hundred texts at a time.

        Args:
            texts: for question answering (question, context) pairs.
            top_k: how many labels, answers or tokens `top` holds; more than there are gives all.
            long_text: what becomes of a text beyond `max_length`: "truncate" cuts it, "windows"
                reads it in parts that overlap, "error" refuses it. None: "windows" for question
                answering, else "truncate". Every result says what was done.
            aggregation: of token classification; see `tasks.token_classification.interpret`.
            no_answer: of question answering: give none where that is likelier than the best.

        Raises:
            InputError: for a wrong type or option, a text that is too long where that is an error,
                a bundle of embeddings, a closed model, or one of another process.
            BackendError: if the backend's library fails, or gives numbers that are not finite.
        """
        task = self.manifest.task
        if task == "embedding":
            raise InputError("this bundle gives embeddings; use embed(), or 'edgebert embed'")
        if not isinstance(top_k, int) or isinstance(top_k, bool) or top_k < 1:
            raise InputError(
                f"top_k: got {shortened(top_k)}, expected a whole number of at least 1"
            )
        _check(aggregation, "aggregation", AGGREGATIONS)
        if not isinstance(no_answer, bool):
            raise InputError(f"no_answer: got {shortened(no_answer)}, expected True or False")
        for name, given, wanted in (
            ("aggregation", aggregation != "simple", "token-classification"),
            ("no_answer", no_answer, "question-answering"),
        ):
            if given and task != wanted:
                raise InputError(f"{name} is of {wanted}, and this bundle's task is {task}")
        request = Request(self.labels, self.tokenizer, top_k, aggregation, no_answer)
        return self._each(texts, long_text, lambda readings: self._results(readings, request))

    @overload
    def embed(self, texts: Texts, *, long_text: str | None = ...) -> NDArray[np.float32]: ...

    @overload
    def embed(
        self, texts: Stream, *, long_text: str | None = ...
    ) -> Iterator[NDArray[np.float32]]: ...

    def embed(
        self, texts: Texts | Stream, *, long_text: str | None = None
    ) -> NDArray[np.float32] | Iterator[NDArray[np.float32]]:
        """Vectors [n, dimension] for a text, a pair of texts, or a list of these.

        An iterator over texts gives an iterator over vectors [dimension]. `long_text` as in
        `predict`; of windows the mean is taken, weighted by their tokens, and brought to unit
        length where each window's vector has it.

        Raises:
            InputError: for a wrong type, or a bundle of another task; and as `predict`.
            BackendError: if the backend's library fails, or gives numbers that are not finite.
        """
        if self.manifest.task != "embedding":
            raise InputError(
                f"vectors need a bundle of embeddings, and this one's task is "
                f"{self.manifest.task}: use predict(), or 'edgebert predict'"
            )
        found = self._each(texts, long_text, self._pooled)
        if isinstance(found, Iterator):
            return found
        (width,) = self.artifact.outputs.values()
        rows = found if isinstance(found, list) else [found]
        return np.stack(rows) if rows else np.empty((0, width), dtype=np.float32)

    def run(self, encodings: Sequence[Encoding]) -> NDArray[np.float32]:
        """Raw outputs [n, width] in the order of the encodings.

        Token tasks have a row for each token, special tokens included: [sum of tokens, width], one
        encoding's tokens after the other's.

        Texts of one length run together, unpadded, as many as the backend allows: nobody's answer
        depends on who sits beside it.

        Raises:
            InputError: if the model is closed or was loaded by another process, or an encoding is
                longer than `max_length`.
            BackendError: if the backend's library fails, or gives numbers that are not finite.
        """
        backend = self._usable()
        if not all(isinstance(each, Encoding) for each in encodings):
            raise InputError(
                "run() takes a list of the tokenizer's encodings; use predict() for texts"
            )
        longest = max((len(encoding.ids) for encoding in encodings), default=0)
        if longest > self.max_length:
            raise InputError(
                f"encoding: got {longest} tokens, expected at most {self.max_length}; use the "
                "model's own tokenizer, which truncates"
            )
        (width,) = self.artifact.outputs.values()
        outputs = run_by_length(
            backend,
            encodings,
            width,
            most_rows(self._numbers),
            by_token=self.manifest.task in TOKEN_TASKS,
        )
        if not np.isfinite(outputs).all():
            raise BackendError(
                f"{self.artifact.backend} gave numbers that are not finite; try another backend"
            )
        return outputs

    def _each(
        self,
        texts: Texts | Stream,
        long_text: str | None,
        answer: Callable[[list[Reading]], list[Answered]],
    ) -> Answered | list[Answered] | Iterator[Answered]:
        """`answer` for a text, a list, or an iterator of texts, a chunk at a time."""
        if long_text is not None:
            _check(long_text, "long_text", LONG_TEXT)
        backend = self._usable()
        reader = Reader(self.tokenizer, self.manifest.task, long_text)

        def answers(given: Iterator[Text], most: int) -> Iterator[Answered]:
            readings = map(reader.read, given, numbered())
            while chunk := list(itertools.islice(readings, most)):
                yield from answer(chunk)

        if isinstance(texts, Iterator):
            # Where rows run one by one, too little is gained to wait for more of them.
            most = 1 if backend.max_rows == 1 else most_rows(self._numbers)
            return answers(map(as_text, texts, numbered()), most)
        if not isinstance(texts, list):
            return answer([reader.read(as_text(texts, "text"), "text")])[0]
        # All are checked before the first is answered.
        checked = list(map(as_text, texts, numbered()))
        return list(answers(iter(checked), most_rows(self._numbers, listed=True)))

    def _results(self, readings: list[Reading], request: Request) -> list[Result]:
        if self.manifest.task in INTERPRETERS:
            interpret = INTERPRETERS[self.manifest.task]
            return [
                interpret(
                    row.tolist(), self.labels, request.top_k, reading.truncated, reading.windows
                )
                for row, reading in zip(self._pooled(readings), readings, strict=True)
            ]
        interpret_tokens = TOKEN_INTERPRETERS[self.manifest.task]
        (width,) = self.artifact.outputs.values()
        windows = [reading.encodings for reading in readings]
        return [
            interpret_tokens(reading, outputs, request)
            for reading, outputs in zip(
                readings, rows_of_windows(self.run, windows, width), strict=True
            )
        ]

    def _pooled(self, readings: list[Reading]) -> list[NDArray[np.float32]]:
        """One row [width] for each reading."""
        rows = self.run([each for reading in readings for each in reading.encodings])
        ends = np.cumsum([reading.windows for reading in readings]).tolist()
        parts = np.split(rows, ends[:-1])
        return [pooled(reading, part) for reading, part in zip(readings, parts, strict=True)]

    @property
    def _numbers(self) -> int:
        """Raw outputs of the longest text."""
        (width,) = self.artifact.outputs.values()
        return width * (self.max_length if self.manifest.task in TOKEN_TASKS else 1)

    def _usable(self) -> Backend:
        backend = self._backend
        if backend is None:
            raise InputError("the model is closed; load it again")
        if self._process != os.getpid():
            # The libraries' threads are not copied, and who waits for them waits for ever.
            raise InputError(
                f"the model was loaded in process {self._process}, this is its fork {os.getpid()}; "
                "load it in each process that uses it"
            )
        return backend

    def __reduce__(self) -> NoReturn:
        raise InputError(
            "a model cannot be pickled or copied; load it in each process that uses it"
        )

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


def _check(given: object, name: str, allowed: tuple[str, ...]) -> None:
    if not isinstance(given, str) or given not in allowed:
        raise InputError(f"{name}: got {shortened(given)}, expected one of {', '.join(allowed)}")
