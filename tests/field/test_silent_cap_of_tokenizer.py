"""A tokenizer file that cuts at a few tokens, whatever the model takes (fastembed 689)."""

from __future__ import annotations

from pathlib import Path

import pytest
import students
from field_checkpoints import FLOAT_ONNX, change_json

import edgebert
from edgebert.cli import main


def test_the_limit_is_the_models_and_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = students.checkpoint(tmp_path / "student")
    cap = {"max_length": 8, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    change_json(folder / "tokenizer.json", truncation=cap)
    change_json(folder / "tokenizer_config.json", model_max_length=8)
    manifest = edgebert.convert(folder, tmp_path / "bundle", FLOAT_ONNX)
    assert manifest.max_length == 64
    with edgebert.load(tmp_path / "bundle") as model:
        assert model.max_length == 64
        assert len(model.tokenizer.encode("a " * 50).ids) == 52
        twenty, other = model.predict(["a " * 20, "a " * 20 + "never again"])
    assert isinstance(twenty, edgebert.Classification)
    assert isinstance(other, edgebert.Classification)
    assert twenty.scores != other.scores
    assert main(["inspect", str(tmp_path / "bundle")]) == 0
    assert "64 tokens" in capsys.readouterr().out
