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
from edgebert_runtime.manifest import Artifact, Manifest
from edgebert_runtime.model import Model, load
from edgebert_runtime.tasks import Classification, MultiLabel, Regression

__all__ = [
    "AccuracyError",
    "Artifact",
    "BackendError",
    "Bundle",
    "Classification",
    "ConversionError",
    "DeviceError",
    "EdgeBertError",
    "InputError",
    "Manifest",
    "ManifestError",
    "MissingBackendError",
    "Model",
    "MultiLabel",
    "Regression",
    "TrainingError",
    "load",
]
