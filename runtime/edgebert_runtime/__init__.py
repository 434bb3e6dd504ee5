"""EdgeBERT's runtime: what a device installs. numpy and tokenizers, never torch or transformers."""

from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import (
    AccuracyError,
    BackendError,
    ConversionError,
    DeviceError,
    EdgeBertError,
    InputError,
    ManifestError,
    MissingBackendError,
    TrainingError,
)
from edgebert_runtime.loading import load
from edgebert_runtime.manifest import Artifact, Manifest
from edgebert_runtime.model import Model
from edgebert_runtime.sentences import Sentence, split_sentences
from edgebert_runtime.similarity import Matches, search, similarity
from edgebert_runtime.summary import RankedSentence, Summary, summarize
from edgebert_runtime.tasks import (
    Answer,
    AnswerSpan,
    Classification,
    Entity,
    FilledMask,
    Mask,
    MultiLabel,
    Regression,
    TokenClassification,
)

__all__ = [
    "AccuracyError",
    "Answer",
    "AnswerSpan",
    "Artifact",
    "BackendError",
    "Bundle",
    "Classification",
    "ConversionError",
    "DeviceError",
    "EdgeBertError",
    "Entity",
    "FilledMask",
    "InputError",
    "Manifest",
    "ManifestError",
    "Mask",
    "Matches",
    "MissingBackendError",
    "Model",
    "MultiLabel",
    "RankedSentence",
    "Regression",
    "Sentence",
    "Summary",
    "TokenClassification",
    "TrainingError",
    "load",
    "search",
    "similarity",
    "split_sentences",
    "summarize",
]
