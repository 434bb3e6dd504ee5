"""What load() is given: paths, backends, recipes, threads; and what a closed model says."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import edgebert
from edgebert_runtime import Bundle, Classification, InputError, ManifestError
from edgebert_runtime.tokenization import Encoding

NO_BUNDLE = "expected a folder or .edgebert file written by 'edgebert convert'"


@pytest.mark.parametrize("path", [None, 5, b"/tmp", ["x"], object(), "a\0b", "\ud800"])
def test_what_is_no_path(path: object) -> None:
    with pytest.raises(InputError, match=f"^bundle path: got .*, {NO_BUNDLE}"):
        edgebert.load(path)  # type: ignore[arg-type]


def test_a_path_too_long_for_a_message_is_shortened() -> None:
    with pytest.raises(ManifestError, match=f"cannot be opened .*; {NO_BUNDLE}") as caught:
        edgebert.load("x" * 5000)
    assert len(str(caught.value)) < 300


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=f"^no bundle at '.*nowhere'; {NO_BUNDLE}$"):
        edgebert.load(tmp_path / "nowhere")


def test_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ManifestError, match=f"^no bundle at '.*link'; {NO_BUNDLE}$"):
        edgebert.load(tmp_path / "link")


def test_a_link_to_itself(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "link")
    with pytest.raises(ManifestError, match=f"cannot be opened .*; {NO_BUNDLE}$"):
        edgebert.load(tmp_path / "link")


def test_a_file_where_a_folder_should_be(bundle: Path) -> None:
    with pytest.raises(ManifestError, match=rf"cannot be opened \(Not a directory\); {NO_BUNDLE}$"):
        edgebert.load(bundle / "manifest.json" / "x")


def test_a_folder_that_is_no_bundle(checkpoint: Path) -> None:
    with pytest.raises(ManifestError, match=f"^no manifest.json in '.*student'; {NO_BUNDLE}$"):
        edgebert.load(checkpoint)


def test_a_file_that_is_no_zip(bundle: Path) -> None:
    with pytest.raises(ManifestError, match=r"'manifest.json' cannot be read \(no zip file"):
        edgebert.load(bundle / "int8_dynamic.onnx")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_a_device(device: str) -> None:
    with pytest.raises(ManifestError, match=f"not a regular file: '{device}'"):
        edgebert.load(device)


@pytest.mark.parametrize("name", ["manifest.json", "tokenizer.json", "int8_dynamic.tflite", ""])
@pytest.mark.parametrize("kind", ["pipe", "socket", "folder"])
def test_what_would_block_in_place_of_a_file(
    copy: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    path = copy / (name or "whole.edgebert")
    no_bundle = kind == "folder" and not name
    expected = "^no manifest.json in" if no_bundle else r"cannot be read \(not a regular file: "
    if name:
        path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        with socket.socket(socket.AF_UNIX) as server:
            monkeypatch.chdir(copy)  # the address of a socket may be 107 bytes long
            server.bind(path.name)
    with pytest.raises(ManifestError, match=rf"{expected}.*; (copy|expected)"):
        edgebert.load(copy if name else path, backend="tflite")


def test_a_missing_file(copy: Path) -> None:
    (copy / "int8_dynamic.tflite").unlink()
    with pytest.raises(
        ManifestError, match=r"'int8_dynamic.tflite' cannot be read .*copy the bund"
    ):
        edgebert.load(copy, backend="tflite")
    with edgebert.load(copy, backend="onnx", threads=1) as model:
        assert isinstance(model.predict("a"), Classification)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process as somebody else")
@pytest.mark.parametrize("secret", [".", "manifest.json", "tokenizer.json"])
def test_a_file_without_permission(copy: Path, secret: str) -> None:
    program = f"""
import os
import edgebert
os.chdir({str(copy.parent)!r})
os.setuid(65534)
try:
    edgebert.load("copy")
except edgebert.ManifestError as error:
    print(error)
"""
    copy.parent.chmod(0o755)
    copy.chmod(0o755)
    (copy / secret).chmod(0)
    output = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert "Permission denied" in output
    assert output.count("\n") == 1


def test_links_to_files_are_followed(bundle: Path, tmp_path: Path) -> None:
    for file in bundle.iterdir():
        (tmp_path / file.name).symlink_to(file)
    with edgebert.load(tmp_path, backend="tflite", threads=1) as model:
        assert isinstance(model.predict("a"), Classification)


@pytest.mark.parametrize("backend", ["onnx", "tflite", "torchscript"])
def test_a_folder_whose_name_is_not_utf_8(bundle: Path, tmp_path: Path, backend: str) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n"))
    shutil.copytree(bundle, folder)
    with edgebert.load(folder, backend=backend, threads=1) as model:
        assert isinstance(model.predict("a"), Classification)


@pytest.mark.parametrize("backend", ["tf", "", "ONNX", "auto ", None, 5, b"onnx", ["onnx"]])
def test_a_wrong_backend(bundle: Path, backend: object) -> None:
    with pytest.raises(InputError, match=r"^backend: got .*, expected one of auto, tflite, onnx, "):
        edgebert.load(bundle, backend=backend)  # type: ignore[arg-type]


@pytest.mark.parametrize("recipe", ["float32", "", "x" * 10_000])
def test_a_recipe_that_is_not_there(bundle: Path, recipe: str) -> None:
    with pytest.raises(
        InputError, match="this bundle holds onnx int8_dynamic, tflite int8"
    ) as caught:
        edgebert.load(bundle, recipe=recipe)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("recipe", [5, True, b"float32", ["float32"]])
def test_a_recipe_that_is_no_name(bundle: Path, recipe: object) -> None:
    with pytest.raises(InputError, match=r"^recipe: got .*, expected a name or None"):
        edgebert.load(bundle, recipe=recipe)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "threads", [0, -1, True, 1.5, "2", 1025, pytest.param(10**5000, id="of 5,001 digits")]
)
def test_a_wrong_number_of_threads(bundle: Path, threads: object) -> None:
    with pytest.raises(
        InputError, match=r"^threads: got .*, expected a whole number from 1 to 1024"
    ):
        edgebert.load(bundle, threads=threads)  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [1, 2, None])
def test_threads_do_not_change_answers(
    bundle: Path, tflite_model: edgebert.Model, threads: int | None
) -> None:
    with edgebert.load(bundle, backend="tflite", threads=threads) as model:
        assert model.predict("a fine day") == tflite_model.predict("a fine day")


def test_a_closed_model(bundle: Path) -> None:
    with edgebert.load(bundle, backend="tflite", threads=1) as model:
        assert isinstance(model.predict("a"), Classification)
    with pytest.raises(InputError, match=r"^the model is closed; load it again$"):
        model.predict("a")
    with pytest.raises(InputError, match="closed"):
        model.predict([])
    model.close()


def test_more_tokens_than_the_model_takes(model: edgebert.Model) -> None:
    with pytest.raises(InputError, match=r"^encoding: got 65 tokens, expected at most 64"):
        model.run([Encoding([1] * 65, [0] * 65, truncated=False)])


def test_names_of_a_bundle(bundle: Path, zipped: Path) -> None:
    expected = sorted(path.name for path in bundle.iterdir())
    assert Bundle(bundle).names() == Bundle(zipped).names() == expected
