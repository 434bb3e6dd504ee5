"""Adapters that were not merged into the model beside them (peft 901)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import students
import torch
from field_checkpoints import FLOAT_ONNX
from safetensors.torch import load_file, save_file

import edgebert

NAME = "bert.encoder.layer.0.attention.self.query"


def beside(checkpoint: Path) -> None:
    (checkpoint / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}))
    save_file(
        {f"{NAME}.lora_A.weight": torch.ones(2, 32)}, checkpoint / "adapter_model.safetensors"
    )


def inside(checkpoint: Path) -> None:
    weights = load_file(checkpoint / "model.safetensors")
    added = {f"{NAME}.lora_A.weight": torch.ones(2, 32), f"{NAME}.lora_B.weight": torch.ones(32, 2)}
    save_file(weights | added, checkpoint / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize("place", [beside, inside])
def test_they_are_to_be_merged_first(place: object, tmp_path: Path) -> None:
    checkpoint = students.checkpoint(tmp_path / "student")
    assert callable(place)
    place(checkpoint)
    with pytest.raises(edgebert.ConversionError, match="an adapter that is not merged"):
        edgebert.convert(checkpoint, tmp_path / "bundle", FLOAT_ONNX)
    assert not (tmp_path / "bundle").exists()
