"""Run by ExecuTorch's environment: a checkpoint → one .pte file for XNNPACK, 8-bit linear layers.

    python make_executorch.py CHECKPOINT TASK FOLDER

Weights have a scale a row; activations of linear layers are rounded while the model runs.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
    XNNPACKQuantizer,
    get_symmetric_quantization_config,
)
from executorch.exir import to_edge_transform_and_lower
from float_model import FloatModel
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

_MOST_TOKENS = 256
_EXAMPLE_TOKENS = 32


def main(checkpoint: str, task: str, output: str) -> None:
    """Export with a free number of tokens, quantize, and hand to XNNPACK what it takes."""
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    ids = torch.ones(1, _EXAMPLE_TOKENS, dtype=torch.int64)
    # Three tensors of their own: what is one tensor here would be one input of the graph.
    example = (ids, ids.clone(), torch.zeros_like(ids))
    free = {1: torch.export.Dim("tokens", min=2, max=_MOST_TOKENS)}
    shapes = (free, free, free)
    # ExecuTorch's quantizer makes floats of whole numbers in a graph, and transformers' own mask is
    # read by such numbers: "tensors used as indices must be long, int, byte or bool tensors".
    model = FloatModel(checkpoint, task, plain_mask=True).eval()
    graph = torch.export.export(model, example, dynamic_shapes=shapes, strict=True).module()
    rounding = XNNPACKQuantizer()
    settings = get_symmetric_quantization_config(is_per_channel=True, is_dynamic=True)
    rounding.set_global(settings)
    prepared = prepare_pt2e(graph, rounding)
    prepared(*example)
    exported = torch.export.export(convert_pt2e(prepared), example, dynamic_shapes=shapes)
    program = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
    (folder / "model.pte").write_bytes(program.to_executorch().buffer)
    for name in ("tokenizer.json", "config.json"):
        shutil.copy(Path(checkpoint) / name, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
