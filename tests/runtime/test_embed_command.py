"""Embeddings, from `Model.embed` and `edgebert embed`; and where the array is written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import terminal

import edgebert

Forge = Callable[[Callable[[Path, dict[str, Any]], None]], Path]


def _as_embedding(_: Path, manifest: dict[str, Any]) -> None:
    manifest.update(task="embedding", labels=[])


@pytest.fixture
def embedder(forge: Forge) -> Path:
    """The classifier's two outputs as vectors."""
    return forge(_as_embedding)


def embed(bundle: Path, *arguments: terminal.Argument) -> str:
    return terminal.output("embed", bundle, "--backend", "onnx", "--threads", "1", *arguments)


def test_shapes(embedder: Path) -> None:
    with edgebert.load(embedder, backend="onnx", threads=1) as model:
        assert model.labels == ()
        assert model.embed([]).shape == (0, 2)
        assert model.embed("a").shape == (1, 2)
        both = model.embed(["a", ("b", "c")])
        assert both.shape == (2, 2)
        assert both.dtype == np.float32
        assert both[1] == pytest.approx(model.embed(("b", "c"))[0], abs=1e-5)


def test_predict_points_to_embed(embedder: Path) -> None:
    message = r"this bundle gives embeddings; use embed\(\), or 'edgebert embed'"
    with (
        edgebert.load(embedder, backend="onnx", threads=1) as model,
        pytest.raises(edgebert.InputError, match=message),
    ):
        model.predict("a")
    assert "this bundle gives embeddings" in terminal.mistake("predict", embedder, "a")
    # Of no texts at all, too.
    assert "this bundle gives embeddings" in terminal.mistake("predict", embedder)


def test_table_json_and_array_agree(embedder: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    given = ("a", "b c d", "e " * 100)
    document = json.loads(embed(embedder, "--json", "-o", path, *given))
    array = np.load(path)
    assert array.dtype == np.float32
    assert array.tolist() == [each["vector"] for each in document]
    assert [each["truncated"] for each in document] == [False, False, True]
    table = embed(embedder, *given).splitlines()
    assert len(table) == 5
    assert table[4].endswith("truncated")
    assert f"{array[0][0]:+.3f} {array[0][1]:+.3f}" in table[2]


def test_no_texts(embedder: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    assert json.loads(embed(embedder, "--json", "-o", path)) == []
    assert np.load(path).shape == (0, 2)


def test_an_older_file_is_replaced_and_a_link_stays_one(embedder: Path, tmp_path: Path) -> None:
    target, link = tmp_path / "target.npy", tmp_path / "link.npy"
    target.write_bytes(b"old")
    link.symlink_to(target)
    embed(embedder, "-o", link, "a")
    assert link.is_symlink()
    assert np.load(target).shape == (1, 2)
    assert sorted(path.name for path in tmp_path.glob("*.npy")) == ["link.npy", "target.npy"]


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_file_is_not_replaced(embedder: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "output"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/null")
    before = path.stat()
    line = terminal.mistake("embed", embedder, "a", "-o", path)
    assert "is there and is no file; choose another name" in line
    assert path.stat().st_ino == before.st_ino


@pytest.mark.parametrize("name", ["", ".", "/", "..", "missing/x", "manifest.json/x", "x" * 300])
def test_a_path_that_cannot_be_written(
    embedder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(embedder)
    before = sorted(embedder.iterdir())
    line = terminal.mistake("embed", embedder, "a", "-o", name, "--backend", "onnx")
    assert "error: output '" in line
    assert sorted(embedder.iterdir()) == before


def test_a_full_disk(embedder: Path, tmp_path: Path) -> None:
    """An older file stays as it was, and no half of a new one is left beside it."""
    program = """
import resource, signal, sys
from edgebert.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
sys.exit(main(sys.argv[1:]))
"""
    path = tmp_path / "x.npy"
    path.write_bytes(b"old")
    before = sorted(tmp_path.iterdir())
    arguments = ["embed", embedder, "a", "-o", path, "--backend", "onnx"]
    line = terminal.mistake_of(program, *arguments)
    assert "x.npy' cannot be written" in line
    assert path.read_bytes() == b"old"
    assert sorted(tmp_path.iterdir()) == before
