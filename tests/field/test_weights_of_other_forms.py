"""Names of old, shards, half precision, and what other programs add (transformers 11809, 29554)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import students
import torch
import transformers
from field_checkpoints import FLOAT_ONNX
from safetensors.torch import load_file, save_file

import edgebert

Weights = dict[str, torch.Tensor]
TEXTS = ["The soup was cold.", "Never again."]


def rewritten(folder: Path, change: Callable[[Weights], Weights]) -> Path:
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})
    return folder


def old_names(weights: Weights) -> Weights:
    """As Google's checkpoints have them."""
    return {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): weight
        for name, weight in weights.items()
    }


def with_positions(weights: Weights) -> Weights:
    """As transformers saved them before its version 4.31."""
    return {**weights, "bert.embeddings.position_ids": torch.arange(64)[None]}


def in_parallel(weights: Weights) -> Weights:
    """As torch's DataParallel saves them."""
    return {f"module.{name}": weight for name, weight in weights.items()}


def answers(folder: Path, bundle: Path) -> list[dict[str, float]]:
    edgebert.convert(folder, bundle, FLOAT_ONNX)
    with edgebert.load(bundle) as model:
        results = model.predict(TEXTS)
    assert all(isinstance(each, edgebert.Classification) for each in results)
    return [each.scores for each in results]  # type: ignore[union-attr]


@pytest.mark.parametrize("change", [old_names, with_positions])
def test_the_same_weights_give_the_same_answers(
    change: Callable[[Weights], Weights], checkpoint: Path, tmp_path: Path
) -> None:
    folder = rewritten(students.checkpoint(tmp_path / "student"), change)
    expected = answers(checkpoint, tmp_path / "plain")
    assert answers(folder, tmp_path / "bundle") == expected


def test_shards(checkpoint: Path, tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "student")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="20KB")
    shards = sorted(folder.glob("model-*.safetensors"))
    assert len(shards) > 2
    assert answers(folder, tmp_path / "bundle") == answers(checkpoint, tmp_path / "plain")
    shards[1].unlink()
    with pytest.raises(edgebert.ConversionError, match=rf"cannot be loaded.*{shards[1].name}"):
        edgebert.convert(folder, tmp_path / "half", FLOAT_ONNX)


def test_half_precision_is_computed_in_float32(tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "student")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.bfloat16
    )
    model.save_pretrained(folder)
    manifest = edgebert.convert(folder, tmp_path / "bundle", FLOAT_ONNX)
    assert manifest.artifacts[0].parity.max_difference < 1e-5


def test_names_that_belong_to_no_model_are_not_made_up(tmp_path: Path) -> None:
    folder = rewritten(students.checkpoint(tmp_path / "student"), in_parallel)
    with pytest.raises(edgebert.ConversionError, match="lack 41 tensors"):
        edgebert.convert(folder, tmp_path / "bundle", FLOAT_ONNX)
