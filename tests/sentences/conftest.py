"""The public sentence encoder: what random weights say of sentences means nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import environments
import pytest

import edgebert

sys.path.insert(0, str(environments.ROOT / "benchmarks"))
import resources


@pytest.fixture(scope="session")
def encoder_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("encoder") / "bundle"
    edgebert.convert(resources.minilm(), output, edgebert.ConvertOptions(formats=("onnx",)))
    return output


@pytest.fixture(scope="session")
def encoder(encoder_bundle: Path) -> Iterator[edgebert.Model]:
    with edgebert.load(encoder_bundle, backend="onnx", threads=1) as model:
        yield model


@pytest.fixture(scope="session")
def classifier_bundle(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What gives no vectors."""
    output = tmp_path_factory.mktemp("classifier") / "bundle"
    edgebert.convert(checkpoint, output, edgebert.ConvertOptions(formats=("onnx",)))
    return output
