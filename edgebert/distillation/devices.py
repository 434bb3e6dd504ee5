"""Where a run computes, and in which precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs, set_seed

from edgebert.distillation.options import RunOptions
from edgebert_runtime.errors import InputError

PRECISIONS = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}


@contextmanager
def devices(options: RunOptions) -> Iterator[Accelerator]:
    """The accelerator of one run; what it set for the process is undone afterwards."""
    accelerate = _accelerator(options.precision)
    set_seed(options.seed)
    try:
        yield accelerate
    finally:
        accelerate.free_memory()
        AcceleratorState._reset_state()


def _accelerator(precision: str) -> Accelerator:
    """Devices and precision: what `accelerate launch` set up, or the one at hand.

    Raises:
        InputError: for a precision that is unknown, or that this machine does not have.
    """
    if precision not in PRECISIONS:
        raise InputError(f"precision: got {precision!r}, expected one of {', '.join(PRECISIONS)}")
    if precision == "float16" and not torch.accelerator.is_available():
        raise InputError("precision 'float16' needs a GPU; use bfloat16, or float32")
    try:
        # Told so, it joins processes that torchrun started on processors too.
        cpu = not torch.accelerator.is_available()
        # The intermediate stage leaves the head without a gradient.
        parallel = DistributedDataParallelKwargs(find_unused_parameters=True)
        return Accelerator(
            cpu=cpu, mixed_precision=PRECISIONS[precision], kwargs_handlers=[parallel]
        )
    except ValueError as error:
        raise InputError(f"precision {precision!r} cannot be used here: {error}") from None
