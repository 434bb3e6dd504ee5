"""TorchScript. Such a file holds code, so only bytes whose hash was right come this far."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch

from edgebert_runtime.backends import Ids, Outputs, failure, feed
from edgebert_runtime.errors import BackendError
from edgebert_runtime.manifest import Artifact
from edgebert_runtime.processors import cpu_flags, is_arm


class TorchScriptBackend:
    """A scripted module. torch counts threads by process: the last opened model sets them."""

    def __init__(self, artifact: Artifact, source: Path | bytes, threads: int) -> None:
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
        stream = io.BytesIO(source if isinstance(source, bytes) else source.read_bytes())
        with warnings.catch_warnings():
            # torch.jit is announced as deprecated; nothing replaces it where no Python code may go.
            warnings.simplefilter("ignore", DeprecationWarning)
            module = torch.jit.load(stream, map_location="cpu")  # type: ignore[no-untyped-call]
        self._module = module.eval()

    def run(self, inputs: Mapping[str, Ids]) -> Outputs:
        fed = feed(self._artifact, inputs)
        try:
            with torch.inference_mode():
                outputs = self._module(*(torch.from_numpy(array) for array in fed.values()))
        except Exception as error:
            raise failure(self._artifact, error) from error
        result: Outputs = outputs.numpy()
        return result


def quantized_engine(supported: list[str], flags: frozenset[str], *, arm: bool) -> str:
    """The engine of torch that computes int8 exactly on this processor.

    On x86-64 without VNNI the fast engines add pairs of products in 16 bits, which saturates;
    qnnpack is slower there and right. On ARM qnnpack is both.

    Raises:
        BackendError: if this build of torch has none of them.
    """
    vnni = not flags.isdisjoint({"avx512_vnni", "avx_vnni"})
    wanted = ("x86", "onednn") if vnni and not arm else ("qnnpack",)
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
