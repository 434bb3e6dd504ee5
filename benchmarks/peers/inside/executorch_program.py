"""A .pte file by ExecuTorch's runtime and tokenizers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from executorch.extension.pybindings.portable_lib import _unsafe_reset_threadpool
from executorch.runtime import Runtime
from one_by_one import OneByOne, arrays


class ExecutorchProgram(OneByOne):
    """Any number of tokens up to 256, one text at a time."""

    def __init__(self, folder: Path, task: str, threads: int) -> None:
        super().__init__(folder, task, most_tokens=256)
        _unsafe_reset_threadpool(threads)
        self._program = Runtime.get().load_program(folder / "model.pte")
        self._method = self._program.load_method("forward")

    def ready(self, ids: list[int]) -> Any:
        """Tensors, in the order of the model's inputs."""
        return [torch.from_numpy(each) for each in arrays(ids).values()]

    def logits(self, inputs: Any) -> Any:
        """Raw outputs [width] of one text."""
        return self._method.execute(inputs)[0][0]


def open_model(folder: Path, variant: str, task: str, threads: int) -> ExecutorchProgram:
    """The folder's model.pte."""
    return ExecutorchProgram(folder, task, threads)
