"""EdgeBERT: small BERT models on phones and single-board computers.

Nothing heavy is imported here: `convert` brings torch in when it is called.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import TYPE_CHECKING, Any

from edgebert_runtime import (
    AccuracyError,
    Answer,
    AnswerSpan,
    BackendError,
    Classification,
    ConversionError,
    DeviceError,
    EdgeBertError,
    Entity,
    FilledMask,
    InputError,
    ManifestError,
    Mask,
    Matches,
    MissingBackendError,
    Model,
    MultiLabel,
    RankedSentence,
    Regression,
    Sentence,
    Summary,
    TokenClassification,
    TrainingError,
    load,
    search,
    similarity,
    split_sentences,
    summarize,
)

if TYPE_CHECKING:
    from edgebert.compression.options import PruneOptions
    from edgebert.compression.prune import prune
    from edgebert.compression.vocabulary import VocabularyOptions, prune_vocabulary
    from edgebert.distillation import DistillOptions, TrainOptions, distill, train
    from edgebert.gate.gate import Gate, convert
    from edgebert_converters.pipeline import ConvertOptions

__all__ = [
    "AccuracyError",
    "Answer",
    "AnswerSpan",
    "BackendError",
    "Classification",
    "ConversionError",
    "ConvertOptions",
    "DeviceError",
    "DistillOptions",
    "EdgeBertError",
    "Entity",
    "FilledMask",
    "Gate",
    "InputError",
    "ManifestError",
    "Mask",
    "Matches",
    "MissingBackendError",
    "Model",
    "MultiLabel",
    "PruneOptions",
    "RankedSentence",
    "Regression",
    "Sentence",
    "Summary",
    "TokenClassification",
    "TrainOptions",
    "TrainingError",
    "VocabularyOptions",
    "convert",
    "distill",
    "load",
    "prune",
    "prune_vocabulary",
    "search",
    "similarity",
    "split_sentences",
    "summarize",
    "train",
]

_HEAVY = {
    "ConvertOptions": ("edgebert_converters.pipeline", "convert"),
    "DistillOptions": ("edgebert.distillation", "distill"),
    "PruneOptions": ("edgebert.compression.options", "distill"),
    "TrainOptions": ("edgebert.distillation", "distill"),
    "VocabularyOptions": ("edgebert.compression.vocabulary", "convert"),
    "Gate": ("edgebert.gate.gate", "convert"),
    "convert": ("edgebert.gate.gate", "convert"),
    "distill": ("edgebert.distillation", "distill"),
    "prune": ("edgebert.compression.prune", "distill"),
    "prune_vocabulary": ("edgebert.compression.vocabulary", "convert"),
    "train": ("edgebert.distillation", "distill"),
}
"""Names that bring torch in when they are used: their module, and the extra that it needs."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.metadata.version("edgebert")
    if name not in _HEAVY:
        raise AttributeError(f"module 'edgebert' has no attribute {name!r}")
    module, extra = _HEAVY[name]
    try:
        from edgebert_converters.quiet import quiet

        with quiet():
            return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise MissingBackendError(
            f"{name} needs {error.name}, which is not installed; run: "
            f"pip install torch==2.13.0, then pip install 'edgebert[{extra}]'"
        ) from None
