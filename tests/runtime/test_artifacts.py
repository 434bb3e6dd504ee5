"""Model files that are not what the manifest says, and how inputs find their place."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import students
import torch

import edgebert
from edgebert_runtime import BackendError, Bundle, ManifestError, Model
from edgebert_runtime.backends import feed, open_backend
from edgebert_runtime.manifest import BACKENDS

FILES = {
    "onnx": "int8_dynamic.onnx",
    "tflite": "int8_dynamic.tflite",
    "torchscript": "int8_dynamic.pt",
}
Forge = Callable[[Callable[[Path, dict[str, Any]], None]], Path]


def artifact_of(manifest: dict[str, Any], backend: str) -> dict[str, Any]:
    found = [each for each in manifest["artifacts"] if each["backend"] == backend]
    assert len(found) == 1
    return found[0]


def refuse(path: Path, backend: str, match: str) -> None:
    with (
        pytest.raises(BackendError, match=match) as caught,
        edgebert.load(path, backend=backend, threads=1) as model,
    ):
        model.predict(["a", "b c d e", "no more"])
    assert str(caught.value).startswith(f"{backend} failed on '{FILES[backend]}': ")
    assert str(caught.value).endswith("; try another backend, or update its library")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("place", [0, 1000, -1])
def test_one_altered_byte(copy: Path, backend: str, place: int) -> None:
    path = copy / FILES[backend]
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(ManifestError, match="the file was altered or cut short: copy the bundle"):
        edgebert.load(copy, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("end", [0, 1000, -1])
def test_a_file_cut_short(copy: Path, backend: str, end: int) -> None:
    path = copy / FILES[backend]
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(ManifestError, match="altered or cut short"):
        edgebert.load(copy, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_longer_file(copy: Path, backend: str) -> None:
    path = copy / FILES[backend]
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ManifestError, match=r"cannot be read \(more than \d+ bytes\)"):
        edgebert.load(copy, backend=backend)


def test_altered_code_never_reaches_torch(
    copy: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = next(a for a in Bundle(bundle).manifest.artifacts if a.backend == "torchscript")
    path = copy / artifact.file
    content = path.read_bytes()

    def opened(*_: object, **__: object) -> None:
        pytest.fail("torch opened the file")

    monkeypatch.setattr(torch.jit, "load", opened)
    path.write_bytes(content + b"\0")
    with pytest.raises(ManifestError, match="more than"):
        edgebert.load(copy, backend="torchscript")
    # Swapped after its hash was found right, and before it is read to be run.
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ManifestError, match="changed while it was opened; copy the bundle anew"):
        open_backend(artifact, path, 1)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("other", [*BACKENDS, "nothing", "half"])
def test_a_file_of_another_kind(bundle: Path, forge: Forge, backend: str, other: str) -> None:
    content = (bundle / FILES[backend]).read_bytes()
    contents = {"nothing": bytes(5000), "half": content[: len(content) // 2]}

    def swap(folder: Path, _: dict[str, Any]) -> None:
        given = contents.get(other) or (bundle / FILES[other]).read_bytes()
        (folder / FILES[backend]).write_bytes(given)

    if other == backend:
        assert edgebert.load(forge(swap), backend=backend).labels == ("negative", "positive")
    elif other == "half":
        refuse(forge(swap), backend, r"failed on .*: \S")
    else:
        # Seen before the library is asked, though size and hash are the manifest's.
        with pytest.raises(ManifestError, match=r"is no .*do not trust this bundle"):
            edgebert.load(forge(swap), backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("width", [1, 3])
def test_another_width_than_the_manifest_says(forge: Forge, backend: str, width: int) -> None:
    def widen(_: Path, manifest: dict[str, Any]) -> None:
        manifest["labels"] = [f"label {index}" for index in range(width)]
        for each in manifest["artifacts"]:
            each["outputs"] = dict.fromkeys(each["outputs"], width)

    refuse(forge(widen), backend, rf"outputs of shape \(\d, 2\), expected \(\d, {width}\)")


@pytest.mark.parametrize("backend", ["onnx", "tflite"])
def test_an_output_that_is_not_there(forge: Forge, backend: str) -> None:
    def rename(_: Path, manifest: dict[str, Any]) -> None:
        artifact_of(manifest, backend)["outputs"] = {"nowhere": 2}

    refuse(forge(rename), backend, "nowhere")


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_input_that_the_manifest_leaves_out(forge: Forge, backend: str) -> None:
    def leave_out(_: Path, manifest: dict[str, Any]) -> None:
        del artifact_of(manifest, backend)["inputs"]["token_type_ids"]

    refuse(forge(leave_out), backend, "input|token_type_ids")


def test_a_length_that_the_file_has_no_signature_for(forge: Forge) -> None:
    def shorten(_: Path, manifest: dict[str, Any]) -> None:
        artifact_of(manifest, "tflite")["lengths"] = [3, 64]

    refuse(forge(shorten), "tflite", "tokens_3")


@pytest.mark.parametrize("backend", BACKENDS)
def test_tokens_beyond_the_vocabulary(forge: Forge, backend: str) -> None:
    def renumber(folder: Path, _: dict[str, Any]) -> None:
        path = folder / "tokenizer.json"
        data = json.loads(path.read_text(encoding="utf-8"))
        vocabulary = data["model"]["vocab"]
        for token in vocabulary:
            if not token.startswith("["):
                vocabulary[token] += 1_000_000
        path.write_text(json.dumps(data), encoding="utf-8")

    refuse(forge(renumber), backend, "(?i)index|range|bounds")


def test_inputs_are_bound_by_name(forge: Forge, model: Model) -> None:
    """The manifest names them in another order; ONNX's graph does too."""
    backend = model.artifact.backend

    def reorder(folder: Path, manifest: dict[str, Any]) -> None:
        artifact = artifact_of(manifest, backend)
        artifact["inputs"] = dict(reversed(artifact["inputs"].items()))
        if backend == "onnx":
            graph = onnx.load(folder / FILES[backend])
            inputs = list(graph.graph.input)[1:] + list(graph.graph.input)[:1]
            del graph.graph.input[:]
            graph.graph.input.extend(inputs)
            onnx.save(graph, folder / FILES[backend])

    texts = ["a fine day", ("a parcel", "arrived late"), ""]
    with edgebert.load(forge(reorder), backend=backend, threads=1) as reordered:
        assert reordered.predict(texts) == model.predict(texts)  # type: ignore[arg-type]


def test_token_types_go_only_where_they_are_declared(model: Model) -> None:
    without = dataclasses.replace(
        model.artifact, inputs={"attention_mask": "int32", "input_ids": "int64"}
    )
    ones = np.ones((1, 3), dtype=np.int64)
    fed = feed(without, dict.fromkeys(("input_ids", "attention_mask", "token_type_ids"), ones))
    assert {name: array.dtype.name for name, array in fed.items()} == without.inputs


def test_padding_alone_gives_finite_numbers(model: Model, bundle: Path) -> None:
    """Nothing to attend to: a mean over no tokens, or a softmax over nothing."""
    source = bundle / model.artifact.file
    backend = open_backend(model.artifact, source, 1)
    zeros = np.zeros((1, 8), dtype=np.int64)
    names = ("input_ids", "attention_mask", "token_type_ids")
    outputs = backend.run(dict.fromkeys(names, zeros))
    assert outputs.shape == (1, 2)
    assert outputs.dtype == np.float32
    assert np.isfinite(outputs).all()
    assert (backend.run(dict.fromkeys(names, zeros)) == outputs).all()


PADDING = {"tflite": 0.0, "onnx": 1e-5, "torchscript": 0.05}
"""Mean difference of outputs. torch rounds to int8 by the range of all tokens, padding too, which
is why the runtime never pads for it."""


def test_padding_does_not_change_answers(model: Model, bundle: Path) -> None:
    backend = open_backend(model.artifact, bundle / model.artifact.file, 1)
    differences = []
    for sentence in students.SENTENCES[:50]:
        encoding = model.tokenizer.encode(sentence)
        padding = [0] * (64 - len(encoding.ids))
        inputs = {
            "input_ids": np.array([encoding.ids + padding]),
            "attention_mask": np.array([[1] * len(encoding.ids) + padding]),
            "token_type_ids": np.array([encoding.token_type_ids + padding]),
        }
        differences.append(np.abs(backend.run(inputs) - model.run([encoding])).max())
    assert np.mean(differences) <= PADDING[model.artifact.backend]


def test_numbers_that_are_not_finite_are_an_error(model: Model) -> None:
    class Broken:
        max_rows = 1

        def run(self, inputs: object) -> Any:
            return np.full((1, 2), np.nan, dtype=np.float32)

    broken = Model(model.manifest, model.artifact, model.tokenizer)
    match = "gave numbers that are not finite; try another"
    with broken.attached(Broken()), pytest.raises(BackendError, match=match):
        broken.predict("a")
