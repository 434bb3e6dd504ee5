"""ONNX Runtime on the CPU."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Read as it is imported: recent versions would report to their makers over the network, and
# leave a file in the folder for temporary ones. Whoever wants that sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from edgebert_runtime.backends import (
    WARM_UP_RUNS,
    Ids,
    Outputs,
    checked,
    content,
    failure,
    feed,
    first_line,
)
from edgebert_runtime.errors import BackendError
from edgebert_runtime.manifest import Artifact
from edgebert_runtime.processors import cpu_flags, is_arm, sums_bytes_exactly

if TYPE_CHECKING:
    from edgebert_runtime.graph_parts import Call


class OnnxBackend:
    """A session; ONNX Runtime lets several threads run one."""

    max_rows = 32

    def __init__(self, artifact: Artifact, source: Path | bytes, threads: int) -> None:
        self._artifact = artifact
        self._session = _session(source, _options(threads))
        (self._output,) = artifact.outputs

    def run(self, inputs: Mapping[str, Ids]) -> Outputs:
        try:
            (outputs,) = self._session.run([self._output], feed(self._artifact, inputs))
            return checked(self._artifact, outputs, *inputs["input_ids"].shape)
        except Exception as error:
            raise failure(self._artifact, error) from error


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # What goes wrong is raised too; a second report would go to the terminal.
    options.log_severity_level = 4
    # Memory would be planned and kept for each shape, and each length of texts is one.
    options.enable_mem_pattern = False
    if not sums_bytes_exactly(cpu_flags(), arm=is_arm()) and _has_exact_kernels():
        # Weights become unsigned while they load, for kernels that are slower and exact.
        options.add_session_config_entry("session.x64quantprecision", "1")
    return options


def _session(
    source: Path | bytes, options: onnxruntime.SessionOptions
) -> onnxruntime.InferenceSession:
    session = onnxruntime.InferenceSession(
        source if isinstance(source, bytes) else str(source),
        options,
        providers=["CPUExecutionProvider"],
    )
    # It would keep the whole file beside what it made of it, to begin anew with other providers.
    session._model_bytes = None
    return session


def _has_exact_kernels() -> bool:
    """Whether asking for them is safe: version 1.23 ends the process over weights without offset.

    1.32 is the first that was tried and takes them.
    """
    found = re.match(r"(\d+)\.(\d+)", onnxruntime.__version__)
    return found is not None and (int(found[1]), int(found[2])) >= (1, 32)


def open_artifact(artifact: Artifact, source: Path | bytes, threads: int) -> OnnxBackend:
    """A session over an .onnx file."""
    return OnnxBackend(artifact, source, threads)


def operator_calls(
    artifact: Artifact, source: Path | bytes, threads: int, inputs: Mapping[str, Ids], runs: int
) -> list[Call]:
    """ONNX Runtime's own profile: each node's time in its kernel, in whole microseconds.

    The profile, and the graph as ONNX Runtime has changed it, come through files.

    Raises:
        BackendError: if there is no room for those.
    """
    # Who only runs models need not wait for these.
    from edgebert_runtime.graph_parts import Call, parts
    from edgebert_runtime.onnx_nodes import read_nodes

    model = content(artifact, source)
    try:
        events, optimized = _profiled(model, threads, feed(artifact, inputs), WARM_UP_RUNS + runs)
        changed = read_nodes(optimized)
    except MemoryError:
        raise
    except Exception as error:
        # Of a full disk, ONNX Runtime tells the one thing or the other.
        raise BackendError(
            f"onnxruntime did not profile the model ({first_line(error)}); if its files found no "
            f"room, set TMPDIR to a folder with {2 * len(model)} bytes free"
        ) from error
    # Weights that have been folded into others have no names in the changed graph.
    part_of = parts(changed, known=parts(read_nodes(model)))
    part_of_node = {node.name: part_of[node.outputs[0]] for node in changed}
    return [
        Call(part_of_node.get(name, "other"), kind, milliseconds)
        for name, kind, milliseconds in _timed(events, runs)
    ]


def _profiled(
    model: bytes, threads: int, fed: Mapping[str, NDArray[np.integer]], runs: int
) -> tuple[list[dict[str, Any]], bytes]:
    """Events of all runs, and the graph that was run."""
    import tempfile

    options = _options(threads)
    with tempfile.TemporaryDirectory(prefix="edgebert-profile-") as folder:
        optimized = Path(folder) / "optimized.onnx"
        options.optimized_model_filepath = str(optimized)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = _session(model, options)
        for _ in range(runs):
            session.run(None, fed)
        events: list[dict[str, Any]] = json.loads(Path(session.end_profiling()).read_bytes())
        return events, optimized.read_bytes()


def _timed(events: list[dict[str, Any]], runs: int) -> Iterator[tuple[str, str, float]]:
    """Name, kind and milliseconds of the nodes of the last `runs` runs.

    Events are times and durations in microseconds.
    """
    starts = sorted(event["ts"] for event in events if event["name"] == "model_run")
    for event in events:
        name = event["name"].removesuffix("_kernel_time")
        # Earlier versions measured what goes on around a kernel, too, in events of their own.
        if event["cat"] == "Node" and name != event["name"] and event["ts"] >= starts[-runs]:
            kind = event["args"]["op_name"]
            yield name, kind, event["dur"] / 1000
