"""The seam between the runtime and the libraries that run a model file.

A backend is a module named in `_MODULES` with functions `open_artifact` and `operator_calls`. It
imports its library at its top; nothing imports the module but the functions here, on demand.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgebert_runtime.errors import (
    BackendError,
    EdgeBertError,
    ManifestError,
    MissingBackendError,
)
from edgebert_runtime.manifest import Artifact

if TYPE_CHECKING:
    from edgebert_runtime.measurement import OperatorProfile

Ids = NDArray[np.int64]
"""Token ids, masks or token types: [rows, tokens]."""
Outputs = NDArray[np.float32]
"""Raw outputs: [rows, width], or of token tasks [rows, tokens, width]."""

WARM_UP_RUNS = 5
"""Before operators are measured: torch rewrites a script after its first run."""


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

LIBRARIES = {
    "tflite": ("ai_edge_litert", "tflite_runtime", "tensorflow"),
    "onnx": ("onnxruntime",),
    "torchscript": ("torch",),
}


def is_installed(artifact: Artifact) -> bool:
    """Whether a library of the artifact's backend is there; not whether it works."""
    return any(importlib.util.find_spec(name) for name in LIBRARIES[artifact.backend])


def open_backend(artifact: Artifact, source: Path | bytes, threads: int) -> Backend:
    """Open a verified artifact with the library of its backend.

    Raises:
        MissingBackendError: if that library is not installed.
        BackendError: if the library is broken, or refuses the file.
    """
    module = _module(artifact)
    try:
        backend: Backend = module.open_artifact(artifact, source, threads)
    except (EdgeBertError, MemoryError):
        raise
    except Exception as error:
        raise failure(artifact, error) from error
    return backend


def profile_operators(
    artifact: Artifact, source: Path | bytes, threads: int, inputs: Mapping[str, Ids], runs: int
) -> OperatorProfile:
    """Open a verified artifact anew with its library's profiler on, and run it `runs` times.

    Args:
        artifact, source, threads: as for `open_backend`.
        inputs: as for `Backend.run`, at most `Backend.max_rows` rows.
        runs: at least 1; a few runs more go before, unmeasured.

    Returns:
        Mean milliseconds and calls in one run, by part and kind; or why there are none.

    Raises:
        MissingBackendError: if that library is not installed.
        BackendError: if the library is broken.
        ManifestError: if the file changed since it was verified.
    """
    # Who only runs models need not wait for these: they import what asks the system for facts.
    from edgebert_runtime.measurement import OperatorProfile
    from edgebert_runtime.operators import folded

    tokens = inputs["input_ids"].shape[1]
    module = _module(artifact)
    try:
        calls = module.operator_calls(artifact, source, threads, inputs, runs)
    except BackendError as error:
        return OperatorProfile(tokens, (), str(error))
    except (EdgeBertError, MemoryError):
        raise
    except Exception as error:
        # A profiler is the least tried part of a library, and no reason to lose other figures.
        return OperatorProfile(tokens, (), str(failure(artifact, error)))
    return OperatorProfile(tokens, folded(calls, runs), None)


def _module(artifact: Artifact) -> Any:
    """The module of a backend, imported now if it was not.

    Raises:
        MissingBackendError: if its library is not installed.
        BackendError: if that is broken.
    """
    try:
        return importlib.import_module(_MODULES[artifact.backend])
    except (EdgeBertError, MemoryError):
        raise
    except Exception as error:
        # A library can be there and not work: a part missing, or built for another numpy.
        names = LIBRARIES[artifact.backend]
        missing = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0]
        if missing in names:
            raise MissingBackendError(
                f"backend {artifact.backend!r} needs {' or '.join(names)}, "
                f"which is not installed; run: pip install 'edgebert[{artifact.backend}]'"
            ) from None
        raise BackendError(
            f"backend {artifact.backend!r} cannot import its library: {first_line(error)}; run: "
            f"pip install --force-reinstall 'edgebert[{artifact.backend}]'"
        ) from error


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
        f"{artifact.backend} failed on {artifact.file!r}: {first_line(error)}; try another "
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


def first_line(error: Exception) -> str:
    """What a library says of an error, as far as a line of ours has room."""
    text = str(error).strip()
    if not text or isinstance(error, KeyError):
        text = repr(error)
    return text.splitlines()[0][:300]
