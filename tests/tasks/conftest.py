"""A tagger of Chinese words and a reader of Chinese sentences, really taught, and their bundles."""

from __future__ import annotations

import sys
from pathlib import Path

import environments
import pytest
import torch

sys.path.insert(0, str(environments.ROOT / "benchmarks"))
from task_models import checkpoints

import edgebert

RECIPES = ("float32", "int8_dynamic")


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the checkpoints `chinese-words` and `chinese-answers`, small ones."""
    folder = tmp_path_factory.mktemp("taught")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        checkpoints.chinese_words(folder / "chinese-words", checkpoints.SMALL)
        checkpoints.chinese_answers(folder / "chinese-answers", steps=400, learning_rate=3e-3)
    finally:
        torch.set_num_threads(threads)
    return folder


@pytest.fixture(scope="session")
def tagger(taught: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tagger's bundle: every backend, in float32 and int8_dynamic."""
    return _converted(taught / "chinese-words", tmp_path_factory.mktemp("bundles") / "tagger")


@pytest.fixture(scope="session")
def reader(taught: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader's bundle: the same."""
    return _converted(taught / "chinese-answers", tmp_path_factory.mktemp("bundles") / "reader")


def _converted(checkpoint: Path, output: Path) -> Path:
    options = edgebert.ConvertOptions(recipes=RECIPES, lengths=(32, 128))
    edgebert.convert(checkpoint, output, options)
    return output
