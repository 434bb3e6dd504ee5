"""Every error EdgeBERT raises on purpose.

EdgeBertError
├── InputError (ValueError)             a text, a file or an argument that cannot be used
├── ManifestError (ValueError)          a bundle that is missing, altered or not understood
│   └── ManifestVersionError            a bundle that another version of edgebert wrote
├── MissingBackendError (ImportError)   the library of a backend is not installed
├── BackendError (RuntimeError)         the library of a backend failed on a verified artifact
├── ConversionError (RuntimeError)      a checkpoint that cannot be converted
├── TrainingError (RuntimeError)        a training run that cannot go on
├── AccuracyError (RuntimeError)        an artifact that strays too far from the float model
└── DeviceError (OSError)               a device that cannot be reached or measured

A message says in one line what was given, what was expected and what to do next.
"""

from __future__ import annotations

import reprlib

_SHORT = reprlib.Repr()
"""Shows a value of any size and depth in about a line."""
_SHORT.maxlevel = 3
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 80


class EdgeBertError(Exception):
    """Base of all errors raised on purpose."""


class InputError(EdgeBertError, ValueError):
    """A text, a file or an argument that cannot be used."""


class ManifestError(EdgeBertError, ValueError):
    """A bundle that is missing, altered or not understood."""


class ManifestVersionError(ManifestError):
    """A bundle that another version of edgebert wrote."""


class MissingBackendError(EdgeBertError, ImportError):
    """The library of a backend is not installed; the message holds the pip command."""


class BackendError(EdgeBertError, RuntimeError):
    """The library of a backend failed on an artifact whose hash was right."""


class ConversionError(EdgeBertError, RuntimeError):
    """A checkpoint that cannot be converted; the message names what is supported."""


class TrainingError(EdgeBertError, RuntimeError):
    """A training run that cannot go on; the message names its last good checkpoint."""


class AccuracyError(EdgeBertError, RuntimeError):
    """An artifact that strays from the float model by more than its recipe allows."""


class DeviceError(EdgeBertError, OSError):
    """A device that cannot be reached or measured."""


def shortened(value: object) -> str:
    """A value for a message, in about a line whatever its size and depth."""
    try:
        shown = _SHORT.repr(value)
    except ValueError:
        shown = "a number of thousands of digits"
    return shown if len(shown) <= 120 else shown[:117] + "..."
