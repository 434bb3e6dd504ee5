"""ONNX Runtime on the CPU."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

# Read as it is imported: recent versions would report to their makers over the network, and
# leave a file in the folder for temporary ones. Whoever wants that sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

from edgebert_runtime.backends import Ids, Outputs, checked, failure, feed
from edgebert_runtime.manifest import Artifact
from edgebert_runtime.processors import cpu_flags, is_arm, sums_bytes_exactly


class OnnxBackend:
    """A session; ONNX Runtime lets several threads run one."""

    max_rows = 32

    def __init__(self, artifact: Artifact, source: Path | bytes, threads: int) -> None:
        self._artifact = artifact
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # What goes wrong is raised too; a second report would go to the terminal.
        options.log_severity_level = 4
        if not sums_bytes_exactly(cpu_flags(), arm=is_arm()) and _has_exact_kernels():
            # Weights become unsigned while they load, for kernels that are slower and exact.
            options.add_session_config_entry("session.x64quantprecision", "1")
        self._session = onnxruntime.InferenceSession(
            source if isinstance(source, bytes) else str(source),
            options,
            providers=["CPUExecutionProvider"],
        )
        (self._output,) = artifact.outputs

    def run(self, inputs: Mapping[str, Ids]) -> Outputs:
        try:
            (outputs,) = self._session.run([self._output], feed(self._artifact, inputs))
            return checked(self._artifact, outputs, *inputs["input_ids"].shape)
        except Exception as error:
            raise failure(self._artifact, error) from error


def _has_exact_kernels() -> bool:
    """Whether asking for them is safe: version 1.23 ends the process over weights without offset.

    1.32 is the first that was tried and takes them.
    """
    found = re.match(r"(\d+)\.(\d+)", onnxruntime.__version__)
    return found is not None and (int(found[1]), int(found[2])) >= (1, 32)


def open_artifact(artifact: Artifact, source: Path | bytes, threads: int) -> OnnxBackend:
    """A session over an .onnx file."""
    return OnnxBackend(artifact, source, threads)
