"""Whatever happens to a bundle on the way: ManifestError, or the answers it always gave."""

from __future__ import annotations

import copy as copies
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import edgebert
from edgebert_runtime import Manifest, ManifestError, Model

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
QUICK = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def original(explained: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(explained)
    return data


def _mutate(data: Any, draw: st.DataObject) -> Any:
    """One change somewhere in it: a value replaced, dropped or added."""
    if isinstance(data, dict) and data and draw.draw(st.integers(0, 3)):
        name = draw.draw(st.sampled_from(sorted(data)))
        data[name] = _mutate(data[name], draw)
        return data
    if isinstance(data, list) and data and draw.draw(st.integers(0, 3)):
        index = draw.draw(st.integers(0, len(data) - 1))
        data[index] = _mutate(data[index], draw)
        return data
    if isinstance(data, dict) and data:
        if draw.draw(st.booleans()):
            del data[draw.draw(st.sampled_from(sorted(data)))]
        else:
            data[draw.draw(st.text(max_size=5))] = draw.draw(values)
        return data
    return draw.draw(values)


def _is_one_line(error: Exception) -> bool:
    return "\n" not in str(error) and len(str(error)) < 600


@settings(QUICK, max_examples=300)
@given(draw=st.data())
def test_a_mutated_manifest(original: dict[str, Any], draw: st.DataObject) -> None:
    text = json.dumps(_mutate(copies.deepcopy(original), draw))
    try:
        written = Manifest.from_json(text).to_json()
    except ManifestError as error:
        right = _is_one_line(error)
    else:
        right = json.loads(written) == json.loads(text)
    assert right


@QUICK
@given(text=st.text(max_size=30) | values.map(json.dumps))
def test_any_text_as_a_manifest(text: str) -> None:
    with pytest.raises(ManifestError):
        Manifest.from_json(text)


def _damage(content: bytes, draw: st.DataObject) -> bytes:
    if draw.draw(st.booleans()):
        return content[: draw.draw(st.integers(0, len(content) - 1))]
    damaged = bytearray(content)
    # Most of a bundle is weights, and most of its structure stands at the ends.
    places = st.integers(0, len(content) - 1) | st.integers(1, 500).map(lambda end: -end)
    for place in draw.draw(st.lists(places, min_size=1, max_size=3, unique=True)):
        damaged[place] ^= 1 << draw.draw(st.integers(0, 7))
    return bytes(damaged)


def _answers_or_refuses(path: Path, tflite_model: Model) -> bool:
    try:
        with edgebert.load(path, backend="tflite", threads=1) as model:
            return model.predict("a fine day") == tflite_model.predict("a fine day")
    except (ManifestError, edgebert.InputError) as error:
        return _is_one_line(error)


@QUICK
@given(draw=st.data())
def test_a_damaged_file(
    bundle: Path, tflite_model: Model, tmp_path: Path, draw: st.DataObject
) -> None:
    copy = tmp_path / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(bundle, copy)
    name = draw.draw(st.sampled_from(["tokenizer.json", "int8_dynamic.tflite"]))
    damaged = _damage((copy / name).read_bytes(), draw)
    (copy / name).write_bytes(damaged)
    if damaged != (bundle / name).read_bytes():
        with pytest.raises(ManifestError, match="altered or cut short"):
            edgebert.load(copy, backend="tflite")


@QUICK
@given(draw=st.data())
def test_a_damaged_manifest_file(
    bundle: Path, tflite_model: Model, tmp_path: Path, draw: st.DataObject
) -> None:
    for file in bundle.iterdir():
        shutil.copy(file, tmp_path / file.name)
    path = tmp_path / "manifest.json"
    path.write_bytes(_damage(path.read_bytes(), draw))
    try:
        manifest = Manifest.from_json(path.read_text(encoding="utf-8"))
    except ValueError:
        with pytest.raises(ManifestError):
            edgebert.load(tmp_path, backend="tflite")
    else:
        # A flipped bit in a label is a change that no hash covers.
        if manifest.labels == tflite_model.labels:
            assert _answers_or_refuses(tmp_path, tflite_model)


@settings(QUICK, max_examples=150)
@given(draw=st.data())
def test_a_damaged_zip_file(
    zipped: Path, tflite_model: Model, tmp_path: Path, draw: st.DataObject
) -> None:
    path = tmp_path / "damaged.edgebert"
    path.write_bytes(_damage(zipped.read_bytes(), draw))
    assert _answers_or_refuses(path, tflite_model)
