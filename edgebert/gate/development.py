"""Labelled rows that every artifact is scored on, from raw outputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgebert import evaluation
from edgebert.evaluation import LabelScores
from edgebert.labels import Expected
from edgebert_converters.conversion import Conversion
from edgebert_runtime.errors import InputError
from edgebert_runtime.examples import Columns, read_examples
from edgebert_runtime.tasks import INTERPRETERS
from edgebert_runtime.tokenization import Encoding


@dataclass(frozen=True)
class Development:
    """Rows with labels, as one task scores them."""

    task: str
    labels: tuple[str, ...]
    encodings: list[Encoding]
    wanted: list[Expected]

    @property
    def figure(self) -> str:
        """What `value` is: the share of right answers, or of regression the correlation."""
        return "correlation" if self.task == "regression" else "accuracy"

    @property
    def typical(self) -> Encoding:
        """A row of median length."""
        return sorted(self.encodings, key=lambda each: len(each.ids))[len(self.encodings) // 2]

    def value(self, outputs: NDArray[np.float32]) -> float:
        """The figure of raw outputs [n, width]; 0 where they are not finite."""
        if not np.isfinite(outputs).all():
            return 0.0
        interpret = INTERPRETERS[self.task]
        results: list[Any] = [interpret(row, self.labels, 1, False) for row in outputs.tolist()]
        scores = evaluation.scorer(self.task)(results, self.wanted, self.labels)
        return scores.accuracy if isinstance(scores, LabelScores) else scores.correlation


def read(path: Path, columns: Columns, conversion: Conversion) -> Development:
    """The rows of a file, tokenized as the bundle will.

    Raises:
        InputError: for a file or a row that cannot be used, or a task that labels cannot score.
    """
    manifest = conversion.manifest()
    evaluation.scorer(manifest.task)
    examples = read_examples(path, columns)
    wanted = [evaluation.expected(manifest, each, str(path)) for each in examples]
    if manifest.task == "regression" and len(set(wanted)) == 1:
        raise InputError(
            f"{str(path)!r} has the number {wanted[0]} in each row, and nothing correlates with a "
            "constant; give rows with several"
        )
    encodings = [conversion.tokenizer.encode(each.text) for each in examples]
    return Development(manifest.task, manifest.labels, encodings, wanted)
