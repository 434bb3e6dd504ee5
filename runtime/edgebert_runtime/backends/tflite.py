"""TFLite through whichever interpreter is installed.

ai-edge-litert is the one that is developed; tflite-runtime is what 32-bit Raspberry Pi OS has;
TensorFlow carries one too. The same file gives the same answers in all three.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from edgebert_runtime.backends import Ids, Outputs, checked, content, failure, feed
from edgebert_runtime.errors import BackendError
from edgebert_runtime.manifest import Artifact

try:
    from ai_edge_litert.interpreter import Interpreter
except ModuleNotFoundError:
    try:
        from tflite_runtime.interpreter import Interpreter
    except ModuleNotFoundError:
        from tensorflow.lite.python.interpreter import Interpreter


class TfliteBackend:
    """One interpreter, one signature a length; rows run one after another under a lock."""

    max_rows = 1

    def __init__(self, artifact: Artifact, source: Path | bytes, threads: int) -> None:
        self._artifact = artifact
        self._interpreter = Interpreter(
            num_threads=threads, model_content=content(artifact, source)
        )
        self._runners: dict[int, Any] = {}
        self._lock = threading.Lock()
        (self._output,) = artifact.outputs

    def run(self, inputs: Mapping[str, Ids]) -> Outputs:
        rows, tokens = inputs["input_ids"].shape
        length = next(length for length in self._artifact.lengths if length >= tokens)
        padded = {
            name: np.pad(array, ((0, 0), (0, length - tokens))) for name, array in inputs.items()
        }
        fed = feed(self._artifact, padded)
        with self._lock:
            try:
                runner = self._runner(length)
                arrays = [
                    runner(**{name: array[row : row + 1] for name, array in fed.items()})[
                        self._output
                    ]
                    for row in range(rows)
                ]
                outputs = checked(self._artifact, np.concatenate(arrays), rows, length)
                return outputs[:, :tokens] if outputs.ndim == 3 else outputs
            except Exception as error:
                raise failure(self._artifact, error) from error

    def _runner(self, length: int) -> Any:
        if length not in self._runners:
            self._runners[length] = self._interpreter.get_signature_runner(signature_name(length))
        return self._runners[length]


def signature_name(length: int) -> str:
    """The name of the signature for rows of `length` tokens."""
    return f"tokens_{length}"


def open_artifact(artifact: Artifact, source: Path | bytes, threads: int) -> TfliteBackend:
    """An interpreter over a .tflite file."""
    return TfliteBackend(artifact, source, threads)


def operator_calls(
    artifact: Artifact, source: Path | bytes, threads: int, inputs: Mapping[str, Ids], runs: int
) -> NoReturn:
    """A clear no: none of the interpreters has a profiler that Python can reach.

    Raises:
        BackendError: always.
    """
    raise BackendError(
        f"{Interpreter.__module__.partition('.')[0]} has no profiler for Python; run LiteRT's "
        "benchmark_model --enable_op_profiling=true on the device"
    )
