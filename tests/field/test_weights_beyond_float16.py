"""Weights that float16 has no number for, or that are none (tensorflow 43719)."""

from __future__ import annotations

from pathlib import Path

import pytest
import students
from safetensors.torch import load_file, save_file

import edgebert

LAYER = "bert.encoder.layer.0.output.dense.weight"


def damaged(folder: Path, value: float) -> Path:
    """A classifier with this number as one weight of a layer."""
    students.checkpoint(folder)
    weights = load_file(folder / "model.safetensors")
    weights[LAYER][0, 0] = value
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("backend", ["onnx", "tflite", "torchscript"])
def test_a_recipe_that_cannot_hold_a_weight_says_so(backend: str, tmp_path: Path) -> None:
    folder = damaged(tmp_path / "student", 1e6)
    options = edgebert.ConvertOptions(formats=(backend,), recipes=("float16",), lengths=(8, 64))
    match = r"recipe float16: '.*' has a weight of 1e\+06, and float16 ends at 65504; use another"
    with pytest.raises(edgebert.AccuracyError, match=match):
        edgebert.convert(folder, tmp_path / "bundle", options)
    assert not (tmp_path / "bundle").exists()


def test_the_largest_weight_of_float16(tmp_path: Path) -> None:
    folder = damaged(tmp_path / "student", 65504.0)
    options = edgebert.ConvertOptions(formats=("onnx",), recipes=("float16",))
    assert edgebert.convert(folder, tmp_path / "bundle", options).artifacts[0].recipe == "float16"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_training_that_went_wrong_is_named(value: float, tmp_path: Path) -> None:
    folder = damaged(tmp_path / "student", value)
    match = f"1 tensors with numbers that are not finite, '{LAYER}' first"
    with pytest.raises(edgebert.ConversionError, match=match):
        edgebert.convert(folder, tmp_path / "bundle")
