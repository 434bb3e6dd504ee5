"""Bundles that earlier versions wrote give the answers that they gave then."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

import edgebert
from edgebert_runtime import Bundle, Classification, Manifest, ManifestError
from edgebert_runtime.manifest_versions import SCHEMA_VERSION

FOLDER = Path(__file__).parent
VERSIONS = list(range(1, SCHEMA_VERSION))
TOLERANCES = {"float32": 1e-4, "int8_dynamic": 0.03}
"""Of a score. Processors sum floats in other orders, and round 8-bit activations differently."""
SATURATED = 0.2
"""Of a score in ONNX's int8_dynamic. The machine that made the answers has no VNNI, and at that
time the runtime let ONNX Runtime's kernels saturate there; now they are exact, as TFLite's were."""


def stored(version: int) -> Path:
    return FOLDER / f"version-{version}.edgebert"


def answers(version: int) -> list[dict[str, Any]]:
    kept = json.loads((FOLDER / f"version-{version}.json").read_text(encoding="utf-8"))
    assert kept["schema_version"] == version
    artifacts: list[dict[str, Any]] = kept["artifacts"]
    return artifacts


@pytest.mark.parametrize("version", VERSIONS)
def test_a_bundle_is_there_and_of_its_version(version: int) -> None:
    with zipfile.ZipFile(stored(version)) as archive:
        written = json.loads(archive.read("manifest.json"))
    assert written["schema_version"] == version
    assert stored(version).stat().st_size < 400_000
    assert len(answers(version)) == 4


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("form", ["zip", "folder"])
@pytest.mark.parametrize("recipe", TOLERANCES)
@pytest.mark.parametrize("backend", ["onnx", "tflite"])
def test_the_answers_of_then(
    tmp_path: Path, version: int, form: str, recipe: str, backend: str
) -> None:
    path = stored(version)
    if form == "folder":
        path = tmp_path / "bundle"
        with zipfile.ZipFile(stored(version)) as archive:
            archive.extractall(path)
    kept, exact = (
        next(
            each["answers"]
            for each in answers(version)
            if (each["backend"], each["recipe"]) == (wanted, recipe)
        )
        for wanted in (backend, "tflite")
    )
    tolerance = TOLERANCES[recipe]
    labels = set()
    with edgebert.load(path, backend=backend, recipe=recipe, threads=1) as model:
        for given, exactly in zip(kept, exact, strict=True):
            text, then = given["text"], given["answer"]
            now = model.predict(tuple(text) if isinstance(text, list) else text)
            assert isinstance(now, Classification)
            assert now.scores == pytest.approx(exactly["answer"]["scores"], abs=tolerance)
            saturated = (backend, recipe) == ("onnx", "int8_dynamic")
            close = SATURATED if saturated else tolerance
            assert now.scores == pytest.approx(then["scores"], abs=close)
            assert now.truncated == then["truncated"]
            # A tie may fall either way.
            if abs(then["score"] - 0.5) > close:
                assert now.label == then["label"]
            labels.add(now.label)
    assert labels == {"negative", "positive"}


@pytest.mark.parametrize("version", VERSIONS)
def test_what_its_manifest_means_today(version: int) -> None:
    manifest = Bundle(stored(version)).manifest
    assert manifest.schema_version == SCHEMA_VERSION
    assert manifest.pruning is manifest.search is None
    for artifact in manifest.artifacts:
        assert artifact.float_layers == ()
        assert artifact.calibration is None
        assert (artifact.sparsity is None) == (version == 1)
    assert Manifest.from_json(manifest.to_json()) == manifest


@pytest.mark.parametrize("version", VERSIONS)
def test_all_that_it_said_is_still_said(version: int) -> None:
    with zipfile.ZipFile(stored(version)) as archive:
        written = json.loads(archive.read("manifest.json"))
    read = json.loads(json.dumps(dataclasses.asdict(Bundle(stored(version)).manifest)))
    for place in ("task", "labels", "max_length", "tokenizer", "source"):
        assert read[place] == written[place]
    for old, new in zip(written["artifacts"], read["artifacts"], strict=True):
        assert {name: new[name] for name in old} == old


def test_a_version_to_come(tmp_path: Path) -> None:
    path = tmp_path / "later.edgebert"
    with zipfile.ZipFile(stored(2)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    manifest |= {"schema_version": SCHEMA_VERSION + 1, "a field of then": 1}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
    with pytest.raises(ManifestError, match=r"reads 1 to 4; upgrade edgebert") as caught:
        edgebert.load(path)
    assert type(caught.value).__name__ == "ManifestVersionError"
