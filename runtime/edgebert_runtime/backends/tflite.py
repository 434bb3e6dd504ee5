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
from numpy.typing import NDArray

from edgebert_runtime.backends import Ids, Outputs, checked, content, failure
from edgebert_runtime.errors import BackendError
from edgebert_runtime.manifest import Artifact, tflite_signature

try:
    from ai_edge_litert.interpreter import Interpreter
except ModuleNotFoundError:
    try:
        from tflite_runtime.interpreter import Interpreter
    except ModuleNotFoundError:
        from tensorflow.lite.python.interpreter import Interpreter


class TfliteBackend:
    """One interpreter; rows run one after another under a lock.

    Its file takes any length, and inputs are resized to each, or has a signature for each of some
    lengths, and rows are padded.
    """

    max_rows = 1

    def __init__(self, artifact: Artifact, source: Path | bytes, threads: int) -> None:
        self._artifact = artifact
        self._interpreter = Interpreter(
            num_threads=threads, model_content=content(artifact, source)
        )
        self._lock = threading.Lock()
        signatures = _Resized if not artifact.lengths else _Fixed
        self._signatures = signatures(self._interpreter, artifact)

    def run(self, inputs: Mapping[str, Ids]) -> Outputs:
        rows, tokens = inputs["input_ids"].shape
        length = self._artifact.row_length(tokens)
        fed = {
            name: np.zeros((rows, length), dtype) for name, dtype in self._artifact.inputs.items()
        }
        for name, array in fed.items():
            array[:, :tokens] = inputs[name]
        with self._lock:
            try:
                arrays = [
                    self._signatures.run({name: each[row : row + 1] for name, each in fed.items()})
                    for row in range(rows)
                ]
                outputs = checked(self._artifact, np.concatenate(arrays), rows, length)
                return outputs[:, :tokens] if outputs.ndim == 3 else outputs
            except Exception as error:
                raise failure(self._artifact, error) from error


class _Resized:
    """The one signature of a file that takes any length."""

    def __init__(self, interpreter: Any, artifact: Artifact) -> None:
        self._interpreter = interpreter
        runner = interpreter.get_signature_runner(tflite_signature(None))
        self._inputs = {name: each["index"] for name, each in runner.get_input_details().items()}
        if self._inputs.keys() != artifact.inputs.keys():
            # Of one that is not set, whatever lies in memory would be read.
            listed = [", ".join(sorted(each)) for each in (self._inputs, artifact.inputs)]
            raise ValueError("the file has the inputs {}, the manifest {}".format(*listed))
        (output,) = artifact.outputs
        self._output = runner.get_output_details()[output]["index"]
        self._tokens: int | None = None

    def run(self, inputs: Mapping[str, NDArray[np.integer]]) -> Any:
        """Each [1, tokens] → the output."""
        (tokens,) = {array.shape[1] for array in inputs.values()}
        if tokens != self._tokens:
            # None while it may be half done.
            self._tokens = None
            for place in self._inputs.values():
                self._interpreter.resize_tensor_input(place, (1, tokens))
            self._interpreter.allocate_tensors()
            self._tokens = tokens
        for name, array in inputs.items():
            self._interpreter.set_tensor(self._inputs[name], array)
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)


class _Fixed:
    """Signatures of a length each."""

    def __init__(self, interpreter: Any, artifact: Artifact) -> None:
        self._interpreter = interpreter
        (self._output,) = artifact.outputs
        self._runners: dict[int, Any] = {}

    def run(self, inputs: Mapping[str, NDArray[np.integer]]) -> Any:
        """Each [1, a length] → the output."""
        (length,) = {array.shape[1] for array in inputs.values()}
        if length not in self._runners:
            name = tflite_signature(length)
            self._runners[length] = self._interpreter.get_signature_runner(name)
        return self._runners[length](**inputs)[self._output]


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
