"""Bundles to compare: two classifiers of the same labels, in different orders."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import students

import edgebert


@pytest.fixture(scope="session")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of three layers, on ONNX and TFLite, whose labels are the other way round.

    TFLite has signatures for 16 and 64 tokens only.
    """
    folder = tmp_path_factory.mktemp("larger")
    checkpoint = students.checkpoint(
        folder / "checkpoint", num_hidden_layers=3, labels=("positive", "negative")
    )
    options = edgebert.ConvertOptions(formats=("onnx", "tflite"), lengths=(16, 64))
    edgebert.convert(checkpoint, folder / "larger", options)
    return folder / "larger"


@pytest.fixture(scope="session")
def other_labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of other labels."""
    folder = tmp_path_factory.mktemp("other")
    checkpoint = students.checkpoint(folder / "checkpoint", labels=("good", "bad"))
    options = edgebert.ConvertOptions(formats=("onnx",))
    edgebert.convert(checkpoint, folder / "other", options)
    return folder / "other"


@pytest.fixture
def colon(bundle: Path, tmp_path: Path) -> Path:
    """The classifier in a folder whose name looks like one artifact of another."""
    shutil.copytree(bundle, tmp_path / "model")
    return Path(shutil.copytree(bundle, tmp_path / "model:onnx"))
