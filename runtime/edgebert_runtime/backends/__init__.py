"""The seam between the runtime and the libraries that run a model file.

A backend is a module named in `_MODULES` with a function `open_artifact`. It imports its library
at its top; nothing imports the module but `open_backend`, on demand.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgebert_runtime.errors import (
    BackendError,
    EdgeBertError,
    ManifestError,
    MissingBackendError,
)
from edgebert_runtime.manifest import Artifact

Ids = NDArray[np.int64]
"""Token ids, masks or token types: [rows, tokens]."""
Outputs = NDArray[np.float32]
"""Raw outputs: [rows, width], or of token tasks [rows, tokens, width]."""


class Backend(Protocol):
    """An opened artifact. Safe to call from several threads at once."""

    max_rows: int
    """Rows that may share one call without changing each other's answers."""

    def run(self, inputs: Mapping[str, Ids]) -> Outputs:
        """All of `INPUTS`, each [rows, tokens], rows of one real length → raw outputs."""


_MODULES = {
    "tflite": "edgebert_runtime.backends.tflite",
    "onnx": "edgebert_runtime.backends.onnx",
    "torchscript": "edgebert_runtime.backends.torchscript",
}

_LIBRARIES = {
    "tflite": ("ai_edge_litert", "tflite_runtime", "tensorflow"),
    "onnx": ("onnxruntime",),
    "torchscript": ("torch",),
}


def open_backend(artifact: Artifact, source: Path | bytes, threads: int) -> Backend:
    """Open a verified artifact with the library of its backend.

    Raises:
        MissingBackendError: if that library is not installed.
        BackendError: if the library is broken, or refuses the file.
    """
    try:
        module = importlib.import_module(_MODULES[artifact.backend])
    except (EdgeBertError, MemoryError):
        raise
    except Exception as error:
        # A library can be there and not work: a part missing, or built for another numpy.
        names = _LIBRARIES[artifact.backend]
        missing = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0]
        if missing in names:
            raise MissingBackendError(
                f"backend {artifact.backend!r} needs {' or '.join(names)}, "
                f"which is not installed; run: pip install 'edgebert[{artifact.backend}]'"
            ) from None
        raise BackendError(
            f"backend {artifact.backend!r} cannot import its library: {_first_line(error)}; run: "
            f"pip install --force-reinstall 'edgebert[{artifact.backend}]'"
        ) from error
    try:
        backend: Backend = module.open_artifact(artifact, source, threads)
    except (EdgeBertError, MemoryError):
        raise
    except Exception as error:
        raise failure(artifact, error) from error
    return backend


def content(artifact: Artifact, source: Path | bytes) -> bytes:
    """All of a verified file, in memory.

    A library that maps the file would answer with what is written over it later, and the kernel
    ends the process (SIGBUS) where the file is cut.

    Raises:
        ManifestError: if it changed since it was verified.
    """
    if isinstance(source, bytes):
        return source
    read = source.read_bytes()
    if hashlib.sha256(read).hexdigest() != artifact.sha256:
        raise ManifestError(f"{artifact.file!r} changed while it was opened; copy the bundle anew")
    return read


def feed(artifact: Artifact, inputs: Mapping[str, Ids]) -> dict[str, NDArray[np.integer]]:
    """Exactly the inputs that the artifact declares, in its dtypes, by name."""
    return {name: inputs[name].astype(dtype) for name, dtype in artifact.inputs.items()}


def failure(artifact: Artifact, error: Exception) -> BackendError:
    """A library's exception as one line of ours."""
    return BackendError(
        f"{artifact.backend} failed on {artifact.file!r}: {_first_line(error)}; try another "
        "backend, or update its library"
    )


def checked(artifact: Artifact, outputs: object, rows: int, tokens: int) -> Outputs:
    """What a library returned, if it has the shape that the manifest says.

    Raises:
        ValueError: if it has not; NumPy would stretch one column or row over all.
    """
    (width,) = artifact.outputs.values()
    array = np.asarray(outputs)
    if array.dtype != np.float32:
        raise ValueError(f"got outputs of {array.dtype}, expected float32")
    if array.shape not in ((rows, width), (rows, tokens, width)):
        raise ValueError(
            f"got outputs of shape {array.shape}, expected {(rows, width)} or "
            f"{(rows, tokens, width)}"
        )
    return array


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    if not text or isinstance(error, KeyError):
        text = repr(error)
    return text.splitlines()[0][:300]
