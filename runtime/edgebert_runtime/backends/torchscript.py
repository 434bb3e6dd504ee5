"""TorchScript. Such a file holds code, so nothing but bytes whose hash is right is opened."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# Unpacking int8 weights prints a notice of deprecation that Python's filters do not reach.
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
# oneDNN keeps what it prepared for a layer and a number of tokens, 1,024 of these unless told
# otherwise: as texts of new lengths came, hundreds of megabytes.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")
# The profiler would tell of its stages on standard error.
os.environ.setdefault("KINETO_LOG_LEVEL", "99")

import torch

from edgebert_runtime.backends import WARM_UP_RUNS, Ids, Outputs, checked, content, failure, feed
from edgebert_runtime.errors import BackendError, InputError
from edgebert_runtime.graph_parts import Call, Node, parts
from edgebert_runtime.manifest import Artifact
from edgebert_runtime.processors import cpu_flags, is_arm, sums_bytes_exactly

_IMPORTED_IN = os.getpid()


class TorchScriptBackend:
    """A scripted module. torch counts threads by process: the last opened model sets them."""

    def __init__(self, artifact: Artifact, source: Path | bytes, threads: int) -> None:
        if threads > 1 and os.getpid() != _IMPORTED_IN:
            # OpenMP's threads are not copied by a fork, and who waits for them waits for ever.
            raise InputError(
                f"threads: got {threads} in a forked process, expected 1, as torch was loaded "
                "before the fork; use threads=1, or start processes by spawn"
            )
        torch.set_num_threads(threads)
        quantized = artifact.recipe != "float32"
        if quantized:
            # Weights are packed for the engine in force while they load.
            torch.backends.quantized.engine = quantized_engine(
                torch.backends.quantized.supported_engines, cpu_flags(), arm=is_arm()
            )
        # Whole-tensor activation ranges: a row in int8 is answered alone, or its neighbours count.
        self.max_rows = 1 if quantized else 32
        self._artifact = artifact
        stream = io.BytesIO(content(artifact, source))
        with warnings.catch_warnings():
            # torch.jit is announced as deprecated; nothing replaces it where no Python code may go.
            warnings.simplefilter("ignore", DeprecationWarning)
            module = torch.jit.load(stream, map_location="cpu")  # type: ignore[no-untyped-call]
        self._module = module.eval()
        if quantized:
            self._run_once()

    def _run_once(self) -> None:
        """Have what torch says once a process, of qnnpack's reduced range, said unheard.

        The range is not reduced here. Around every run the filter would not be safe in threads.
        """
        token = torch.zeros((1, 1), dtype=torch.int64)
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore", UserWarning)
            self._module(**dict.fromkeys(self._artifact.inputs, token))

    def run(self, inputs: Mapping[str, Ids]) -> Outputs:
        fed = feed(self._artifact, inputs)
        try:
            with torch.inference_mode():
                outputs = self._module(
                    **{name: torch.from_numpy(array) for name, array in fed.items()}
                )
            return checked(self._artifact, outputs.numpy(), *inputs["input_ids"].shape)
        except Exception as error:
            # torch puts the frames of the script first, and what went wrong last.
            cause = RuntimeError((str(error).strip().splitlines() or [repr(error)])[-1])
            raise failure(self._artifact, cause) from error


def quantized_engine(supported: list[str], flags: frozenset[str], *, arm: bool) -> str:
    """The engine of torch that computes int8 exactly on this processor.

    On x86-64 without VNNI the fast engines add pairs of products in 16 bits, which saturates;
    qnnpack is slower there and right. On ARM qnnpack is both.

    Raises:
        BackendError: if this build of torch has none of them.
    """
    fast = sums_bytes_exactly(flags, arm=arm) and not arm
    wanted = ("x86", "onednn") if fast else ("qnnpack",)
    for engine in wanted:
        if engine in supported:
            return engine
    raise BackendError(
        f"this build of torch has the quantized engines {', '.join(supported)}, expected one of "
        f"{', '.join(wanted)}; use the onnx or tflite backend"
    )


def open_artifact(artifact: Artifact, source: Path | bytes, threads: int) -> TorchScriptBackend:
    """A module over a .pt file."""
    return TorchScriptBackend(artifact, source, threads)


def operator_calls(
    artifact: Artifact, source: Path | bytes, threads: int, inputs: Mapping[str, Ids], runs: int
) -> list[Call]:
    """torch's own profile: what the script calls, each with all that it calls in turn."""
    scripts, graph = _profiled(TorchScriptBackend(artifact, source, threads), inputs, runs)
    nodes = _nodes(graph)
    part_of = parts(nodes)
    steps = [(node.kind, part_of[node.outputs[0]]) for node in nodes if node.outputs]
    return [call for script in scripts for call in _calls(script.cpu_children, steps)]


def _profiled(
    backend: TorchScriptBackend, inputs: Mapping[str, Ids], runs: int
) -> tuple[list[Any], Any]:
    """The event of each run, and the graph that was run: torch rewrites a script as it learns."""
    for _ in range(WARM_UP_RUNS):
        backend.run(inputs)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        for _ in range(runs):
            backend.run(inputs)
    scripts = [each for each in profiler.events() or () if each.name == "forward"]
    graph = torch.jit.last_executed_optimized_graph()  # type: ignore[attr-defined]
    return scripts, graph


def _nodes(graph: Any) -> list[Node]:
    """The operators of a script's graph; attributes of modules have their dotted names."""
    names: dict[str, str] = {next(graph.inputs()).debugName(): ""}
    nodes = []
    for node in graph.nodes():
        inputs = [names.get(each.debugName(), each.debugName()) for each in node.inputs()]
        outputs = [each.debugName() for each in node.outputs()]
        if node.kind() == "prim::GetAttr":
            names[outputs[0]] = f"{inputs[0]}.{node.s('name')}".removeprefix(".")
        else:
            nodes.append(Node(node.kind(), tuple(inputs), tuple(outputs)))
    return nodes


def _calls(events: list[Any], steps: list[tuple[str, str]]) -> Iterator[Call]:
    """Measured calls with the part of the step that each is; not every step is measured."""
    ahead = iter(steps)
    for event in sorted(events, key=lambda each: each.time_range.start):
        part = next((part for kind, part in ahead if kind == event.name), "other")
        yield Call(part, event.name, event.time_range.elapsed_us() / 1000)
