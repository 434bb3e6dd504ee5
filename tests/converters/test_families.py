"""Every family, from checkpoint to three backends, float and int8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import students
import torch

import edgebert
from edgebert_converters.checkpoint import load_checkpoint


@pytest.mark.parametrize(
    "family",
    [
        # It is RoBERTa with another vocabulary.
        pytest.param(each, marks=pytest.mark.slow if each == "xlm-roberta" else ())
        for each in students.CONFIGURATIONS
    ],
)
def test_three_backends_agree_with_transformers(family: str, tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / family, family)
    options = edgebert.ConvertOptions(recipes=("float32", "int8_dynamic"))
    manifest = edgebert.convert(folder, tmp_path / "bundle", options)

    assert manifest.source.family == family
    assert manifest.max_length == 64
    for artifact in manifest.artifacts:
        if artifact.recipe == "float32":
            assert artifact.parity.max_difference < 1e-5
        else:
            assert artifact.parity.agreement >= 0.95
    types = family not in ("distilbert", "roberta", "xlm-roberta")
    assert all(("token_type_ids" in each.inputs) == types for each in manifest.artifacts)


@pytest.mark.parametrize("family", students.CONFIGURATIONS)
def test_plain_encoder_ignores_padding(family: str, tmp_path: Path) -> None:
    student = load_checkpoint(students.checkpoint(tmp_path / family, family)).student
    ids = torch.randint(5, 300, (2, 9))
    mask = torch.ones_like(ids)
    padded = torch.cat([ids, torch.full((2, 6), 7)], dim=1)
    padded_mask = torch.cat([mask, torch.zeros((2, 6), dtype=mask.dtype)], dim=1)
    with torch.inference_mode():
        alone = student(*_inputs(student.input_names, ids, mask))
        beside = student(*_inputs(student.input_names, padded, padded_mask))
    assert torch.allclose(alone, beside, atol=1e-5)


@pytest.mark.parametrize("family", students.CONFIGURATIONS)
def test_fully_padded_row_is_finite(family: str, tmp_path: Path) -> None:
    student = load_checkpoint(students.checkpoint(tmp_path / family, family)).student
    ids = torch.zeros((1, 8), dtype=torch.int64)
    with torch.inference_mode():
        output = student(*_inputs(student.input_names, ids, torch.zeros_like(ids)))
    assert np.isfinite(output.numpy()).all()


def test_positions_of_roberta_start_behind_its_padding(tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "roberta", "roberta")
    checkpoint = load_checkpoint(folder)
    assert checkpoint.source.position_limit == 64  # 66 rows, the first two never used by a token
    table = checkpoint.float_model.model.base_model.embeddings
    expected = table.position_embeddings.weight[2] + table.token_type_embeddings.weight[0]
    positions = checkpoint.student.encoder.embeddings.positions
    assert torch.equal(positions.weight[0], expected)


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_any_number_of_token_types(rows: int, tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "student", type_vocab_size=rows)
    options = edgebert.ConvertOptions(formats=("onnx",), recipes=("float32",))
    manifest = edgebert.convert(folder, tmp_path / "bundle", options)
    assert ("token_type_ids" in manifest.artifacts[0].inputs) == (rows > 1)
    assert manifest.artifacts[0].parity.max_difference < 1e-5


def test_layers_of_unusual_number_and_width(tmp_path: Path) -> None:
    folder = students.checkpoint(
        tmp_path / "student", num_hidden_layers=1, hidden_size=36, num_attention_heads=3
    )
    options = edgebert.ConvertOptions(formats=("onnx",), recipes=("float32",))
    manifest = edgebert.convert(folder, tmp_path / "bundle", options)
    assert manifest.artifacts[0].parity.max_difference < 1e-5


def _inputs(
    names: tuple[str, ...], ids: torch.Tensor, mask: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
    return tuple(given[name] for name in names)
