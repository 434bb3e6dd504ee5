"""What others may import, written down: to change it is to change the interface."""

from __future__ import annotations

import edgebert
import edgebert_runtime

ERRORS = {
    "AccuracyError",
    "BackendError",
    "ConversionError",
    "DeviceError",
    "EdgeBertError",
    "InputError",
    "ManifestError",
    "MissingBackendError",
    "TrainingError",
}
ANSWERS = {
    *("Answer", "AnswerSpan", "Classification", "Entity", "FilledMask", "Mask", "Model"),
    *("Matches", "MultiLabel", "RankedSentence", "Regression", "Sentence", "Summary"),
    *("TokenClassification", "load", "search", "similarity", "split_sentences", "summarize"),
}


def test_names_of_the_runtime() -> None:
    pinned = ERRORS | ANSWERS | {"Artifact", "Bundle", "Manifest"}
    assert edgebert_runtime.__all__ == sorted(pinned)
    assert all(hasattr(edgebert_runtime, name) for name in pinned)


def test_names_of_edgebert() -> None:
    pinned = (
        ERRORS
        | ANSWERS
        | {*("ConvertOptions", "DistillOptions", "Gate", "PruneOptions", "TrainOptions")}
        | {*("VocabularyOptions", "convert", "distill", "prune", "prune_vocabulary", "train")}
    )
    assert edgebert.__all__ == sorted(pinned)
    assert all(hasattr(edgebert, name) for name in pinned)


def test_both_give_the_same_things() -> None:
    for name in ERRORS | ANSWERS:
        assert getattr(edgebert, name) is getattr(edgebert_runtime, name)


def test_every_error_has_our_base_and_a_built_in_parent() -> None:
    parents = {
        "AccuracyError": RuntimeError,
        "BackendError": RuntimeError,
        "ConversionError": RuntimeError,
        "DeviceError": OSError,
        "EdgeBertError": Exception,
        "InputError": ValueError,
        "ManifestError": ValueError,
        "MissingBackendError": ImportError,
        "TrainingError": RuntimeError,
    }
    assert parents.keys() == ERRORS
    for name, parent in parents.items():
        error = getattr(edgebert, name)
        assert issubclass(error, edgebert.EdgeBertError)
        assert issubclass(error, parent)
        assert str(error("one line")) == "one line"
