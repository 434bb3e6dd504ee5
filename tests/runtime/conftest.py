"""Opened models, and altered copies of the classifier bundle."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import edgebert
from edgebert_runtime import Bundle, Model
from edgebert_runtime.manifest import BACKENDS
from edgebert_runtime.provenance import Calibration, Pruning, Search, Trial

Edit = Callable[[Path, dict[str, Any]], None]
"""Changes files in the folder, and the manifest as a dictionary."""


@pytest.fixture(scope="session", params=BACKENDS)
def model(request: pytest.FixtureRequest, bundle: Path) -> Iterator[Model]:
    """The classifier on each backend in turn."""
    with edgebert.load(bundle, backend=request.param, threads=1) as opened:
        yield opened


@pytest.fixture(scope="session")
def tflite_model(bundle: Path) -> Iterator[Model]:
    """The classifier on the backend that opens fastest, for what is the same on all."""
    with edgebert.load(bundle, backend="tflite", threads=1) as opened:
        yield opened


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Path:
    """A copy of the classifier bundle to spoil."""
    return Path(shutil.copytree(bundle, tmp_path / "copy"))


@pytest.fixture(scope="session")
def explained(bundle: Path) -> str:
    """The classifier's manifest with all that one can say of how its artifacts came about."""
    manifest = Bundle(bundle).manifest
    layers = ("encoder.layers.0.value", "encoder.layers.1.value")
    artifacts = tuple(
        dataclasses.replace(
            artifact,
            float_layers=layers,
            calibration=Calibration("percentile", 256, {"largest": 0.5, "percentile": 0.75}),
        )
        for artifact in manifest.artifacts
    )
    trials = (
        Trial("onnx", "int8_static", (), 0.5, 1.25, 40_000, False, False),
        Trial("onnx", "int8_dynamic", layers, 0.875, 1.5, 60_000, True, True),
    )
    return dataclasses.replace(
        manifest,
        artifacts=artifacts,
        pruning=Pruning((1, 2), (30, 64), 400_000, 0.25),
        search=Search("dev.tsv", 120, "accuracy", 0.9, 2.5, 300, trials),
    ).to_json()


@pytest.fixture
def forge(copy: Path) -> Callable[[Edit], Path]:
    """Alters the copy, and then makes its sizes and hashes right again."""

    def altered(edit: Edit) -> Path:
        path = copy / "manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        edit(copy, manifest)
        for file in [manifest["tokenizer"], *manifest["artifacts"]]:
            content = (copy / file["file"]).read_bytes()
            file["sha256"] = hashlib.sha256(content).hexdigest()
            file["bytes"] = len(content)
        path.write_text(json.dumps(manifest), encoding="utf-8")
        return copy

    return altered
