"""EdgeBERT: small BERT models on phones and single-board computers.

Nothing heavy is imported here: `convert` brings torch in when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebert_runtime import (
    AccuracyError,
    BackendError,
    Classification,
    ConversionError,
    DeviceError,
    EdgeBertError,
    InputError,
    ManifestError,
    MissingBackendError,
    Model,
    MultiLabel,
    Regression,
    load,
)

if TYPE_CHECKING:
    from edgebert_converters.pipeline import ConvertOptions, convert

__all__ = [
    "AccuracyError",
    "BackendError",
    "Classification",
    "ConversionError",
    "ConvertOptions",
    "DeviceError",
    "EdgeBertError",
    "InputError",
    "ManifestError",
    "MissingBackendError",
    "Model",
    "MultiLabel",
    "Regression",
    "convert",
    "load",
]


def __getattr__(name: str) -> Any:
    if name in ("convert", "ConvertOptions"):
        try:
            from edgebert_converters.quiet import quiet

            with quiet():
                from edgebert_converters import pipeline
        except ModuleNotFoundError as error:
            raise MissingBackendError(
                f"converting needs {error.name}, which is not installed; "
                "run: pip install 'edgebert[convert]'"
            ) from None
        return getattr(pipeline, name)
    raise AttributeError(f"module 'edgebert' has no attribute {name!r}")
