"""An artifact, run through the runtime itself, against the float PyTorch model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from edgebert_converters.calibration import rows_of
from edgebert_converters.checkpoint import Checkpoint
from edgebert_converters.recipes import Recipe
from edgebert_converters.threads import single_thread
from edgebert_runtime.errors import AccuracyError, ConversionError
from edgebert_runtime.manifest import TOKEN_TASKS, Parity
from edgebert_runtime.softmax import softmax
from edgebert_runtime.tokenization import Encoding

PLAIN_ENCODER_TOLERANCE = 1e-3
"""Largest difference, relative to the largest output, between our forward and transformers'."""


def float_outputs(checkpoint: Checkpoint, encodings: Sequence[Encoding]) -> NDArray[np.float32]:
    """Raw outputs [n, width] of transformers' own float model, one text at a time.

    A row for each text or, in `TOKEN_TASKS`, for each token of each text. The plain encoder that
    the exporters take is held against it here, once and before any export.

    Raises:
        ConversionError: if the two differ by more than rounding.
    """
    theirs, differences = [], []
    with single_thread():
        for encoding in encodings:
            given, plain = _outputs(checkpoint, encoding)
            theirs.append(given)
            differences.append(np.abs(given - plain).max())
    expected = np.concatenate(theirs)
    difference = float(np.max(differences))
    if not difference <= PLAIN_ENCODER_TOLERANCE * max(1.0, float(np.abs(expected).max())):
        raise ConversionError(
            f"the plain encoder differs from transformers' {checkpoint.source.family} model by "
            f"{difference:.2g}; the configuration holds something unusual: please report it"
        )
    return expected


def _outputs(
    checkpoint: Checkpoint, encoding: Encoding
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Raw outputs [rows, width] of transformers' model and of the plain student."""
    ids = torch.tensor([encoding.ids])
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if checkpoint.student.encoder.takes_token_types:
        inputs["token_type_ids"] = torch.tensor([encoding.token_type_ids])
    with torch.inference_mode():
        theirs, ours = checkpoint.float_model(inputs), checkpoint.student(**inputs)
    return rows_of(theirs), rows_of(ours)


def compare(
    task: str,
    expected: NDArray[np.float32],
    given: NDArray[np.float32],
    tokens: Sequence[int] = (),
) -> Parity:
    """Figures of `given` against `expected`, raw outputs [n, width] both.

    In `TOKEN_TASKS` there is a row for each token, and `tokens` is how many each text has.
    """
    if task in TOKEN_TASKS:
        return _compare_tokens(task, expected, given, tokens)
    expected64, given64 = expected.astype(np.float64), given.astype(np.float64)
    if task == "embedding":
        agreement = float(_cosines(expected64, given64).mean())
    elif task == "regression":
        agreement = _determination(expected64, given64)
    elif task == "multi-label-classification":
        agreement = float(np.mean((expected64 >= 0) == (given64 >= 0)))
        expected64, given64 = _sigmoid(expected64), _sigmoid(given64)
    else:
        agreement = float(np.mean(expected64.argmax(axis=1) == given64.argmax(axis=1)))
        expected64, given64 = softmax(expected64, 1), softmax(given64, 1)
    difference = np.abs(expected64 - given64)
    return Parity(len(expected), float(difference.max()), float(difference.mean()), agreement)


def _compare_tokens(
    task: str,
    expected: NDArray[np.float32],
    given: NDArray[np.float32],
    tokens: Sequence[int],
) -> Parity:
    """The same a text at a time, since rows may be as wide as a vocabulary.

    Probabilities are of labels or of a vocabulary's tokens for each token of a text; of question
    answering, of the text's tokens for its start and for its end. Most of so many are all but
    zero, so the mean difference is how much of the probability lies elsewhere (total variation
    distance).
    """
    axis = 0 if task == "question-answering" else 1
    ends = np.cumsum(tokens)[:-1]
    equal, largest, elsewhere = [], [], []
    for theirs, ours in zip(np.split(expected, ends), np.split(given, ends), strict=True):
        same = theirs.argmax(axis=axis) == ours.argmax(axis=axis)
        equal.append([same.all()] if task == "question-answering" else same)
        difference = np.abs(softmax(theirs, axis) - softmax(ours, axis))
        largest.append(difference.max())
        elsewhere.append(difference.sum(axis=axis) / 2)
    return Parity(
        len(tokens),
        float(np.max(largest)),
        float(np.concatenate(elsewhere).mean()),
        float(np.concatenate(equal).mean()),
    )


def check(task: str, recipe: Recipe, parity: Parity, backend: str) -> None:
    """Hold an artifact to its recipe.

    Raises:
        AccuracyError: with every figure that is out of bounds.
    """
    if failures := recipe.tolerance.failures(task, parity):
        raise AccuracyError(
            f"{backend} {recipe.name} strays from the float model on {parity.sentences} sentences: "
            f"{'; '.join(failures)}; nothing was written: try another recipe, or give sentences of "
            "your own domain with --calibration"
        )


def _cosines(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    cosines: NDArray[np.float64] = (first * second).sum(axis=1) / np.maximum(lengths, 1e-30)
    return cosines


def _determination(expected: NDArray[np.float64], given: NDArray[np.float64]) -> float:
    """1 - residual / total sum of squares; of constant values, 1 if they are met and else 0."""
    residual = float(((expected - given) ** 2).sum())
    total = float(((expected - expected.mean(axis=0)) ** 2).sum())
    if total < 1e-9:
        return 1.0 if residual < 1e-6 else 0.0
    return 1.0 - residual / total


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    probabilities: NDArray[np.float64] = 0.5 * (1.0 + np.tanh(0.5 * logits))
    return probabilities
