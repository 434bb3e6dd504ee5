"""Run by litert-torch's environment: a checkpoint → one .tflite file of 128 tokens, 8-bit weights.

    python make_litert.py CHECKPOINT TASK FOLDER

transformers' own model as it is, one length, quantized by Google's ai-edge-quantizer with its
recipe of 8-bit weights and activations rounded while the model runs.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import litert_torch
import torch
from ai_edge_quantizer import quantizer, recipe
from float_model import FloatModel

TOKENS = 128


def main(checkpoint: str, task: str, output: str) -> None:
    """Convert and quantize."""
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    ids = torch.ones(1, TOKENS, dtype=torch.int64)
    # Three tensors of their own: what is one tensor here would be one input of the graph.
    inputs = {"ids": ids, "mask": ids.clone(), "types": torch.zeros_like(ids)}
    model = FloatModel(checkpoint, task).eval()
    litert_torch.convert(model, sample_kwargs=inputs).export(str(folder / "float.tflite"))
    rounding = quantizer.Quantizer(str(folder / "float.tflite"), recipe.dynamic_wi8_afp32())
    rounding.quantize().export_model(str(folder / "model.tflite"), overwrite=True)
    (folder / "float.tflite").unlink()
    for name in ("tokenizer.json", "config.json"):
        shutil.copy(Path(checkpoint) / name, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
