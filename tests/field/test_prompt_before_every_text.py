"""A prompt that only sentence-transformers knows of (transformers.js 810, fastembed 251)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import students
import transformers
from field_checkpoints import FLOAT_ONNX, change_json

import edgebert

PROMPTS = {"query": "query: ", "passage": "", "document": "passage: "}


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """Mean pooling and nothing else."""
    folder = students.checkpoint(tmp_path / "encoder")
    transformers.AutoModel.from_pretrained(folder).save_pretrained(folder)
    kinds = {"": "Transformer", "1_Pooling": "Pooling"}
    modules = [{"path": path, "type": f"x.{kind}"} for path, kind in kinds.items()]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    change_json(folder / "1_Pooling" / "config.json", pooling_mode_mean_tokens=True)
    return folder


def test_one_that_is_put_there_unasked_is_refused(encoder: Path, tmp_path: Path) -> None:
    path = encoder / "config_sentence_transformers.json"
    change_json(path, prompts=PROMPTS, default_prompt_name="query")
    match = "prompt 'query' before every text.* default_prompt_name to null, and put 'query: '"
    with pytest.raises(edgebert.ConversionError, match=match):
        edgebert.convert(encoder, tmp_path / "bundle", FLOAT_ONNX)
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"prompts": PROMPTS},
        {"prompts": PROMPTS, "default_prompt_name": None},
        {"prompts": PROMPTS, "default_prompt_name": "passage"},
        {"prompts": None, "default_prompt_name": None},
    ],
    ids=str,
)
def test_those_that_are_asked_for_are_the_callers(
    settings: dict[str, Any], encoder: Path, tmp_path: Path
) -> None:
    change_json(encoder / "config_sentence_transformers.json", **settings)
    manifest = edgebert.convert(encoder, tmp_path / "bundle", FLOAT_ONNX)
    assert manifest.task == "embedding"


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "distilbert"])
def test_the_length_stands_in_a_file_named_for_the_family(
    family: str, encoder: Path, tmp_path: Path
) -> None:
    """Older folders have sentence_roberta_config.json and its like (sentence-transformers 2339)."""
    change_json(encoder / f"sentence_{family}_config.json", max_seq_length=24)
    manifest = edgebert.convert(encoder, tmp_path / "bundle", FLOAT_ONNX)
    assert (manifest.max_length, manifest.source.position_limit) == (24, 64)
