"""A file whose hash is right and whose kind is wrong never reaches the parser of that kind."""

from __future__ import annotations

from pathlib import Path

import hand_made
import pytest

from edgebert_runtime import Bundle, ManifestError
from edgebert_runtime.file_kinds import HEAD_BYTES, misfit

KINDS = {
    "tokenizer": "tokenizer.json",
    "onnx": "int8_static.onnx",
    "tflite": "int8_static.tflite",
    "torchscript": "float32.pt",
}


def test_what_the_converters_write(bundle: Path) -> None:
    opened = Bundle(bundle)
    for file in [opened.manifest.tokenizer, *opened.manifest.artifacts]:
        assert opened.read(file) == (bundle / file.file).read_bytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", [*KINDS, "zeros", "one byte", "text"])
def test_a_file_of_another_kind(tmp_path: Path, kind: str, other: str) -> None:
    given = {"zeros": bytes(100), "one byte": b"\x08", "text": b"import os\n"}.get(other)
    content = hand_made.CONTENTS[KINDS[other]] if given is None else given
    path = hand_made.write_folder(tmp_path / "x", {**hand_made.CONTENTS, KINDS[kind]: content})
    bundle = Bundle(path)
    files = {file.file: file for file in [bundle.manifest.tokenizer, *bundle.manifest.artifacts]}
    for read in (bundle.read, bundle.check):
        if kind == other:
            read(files[KINDS[kind]])
            continue
        with pytest.raises(ManifestError, match=r"is no .*do not trust this bundle, convert again"):
            read(files[KINDS[kind]])


@pytest.mark.parametrize(
    ("kind", "head", "size"),
    [
        ("tflite", b"\x07\0\0\0TFL3", 100),
        ("tflite", b"\x61\0\0\0TFL3", 100),
        ("tflite", b"\xff\xff\xff\xffTFL3", 100),
        ("tflite", b"\x08\0\0\0TFL2", 100),
        ("tflite", b"\x08\0\0\0", 4),
        ("onnx", b"\x08\0", 100),
        ("onnx", b"\x08\x80\x01", 100),
        ("onnx", b"\x0a\x05", 100),
        ("onnx", b"\x08", 1),
        ("torchscript", b"PK\5\6", 22),
        ("torchscript", b"\x80\x02", 100),
        ("tokenizer", b"[{}]", 4),
        ("tokenizer", b"\xef\xbb\xbf{}", 5),
        ("tokenizer", b" " * HEAD_BYTES, 100),
    ],
)
def test_a_head_that_does_not_fit(kind: str, head: bytes, size: int) -> None:
    assert misfit(kind, head, size)


@pytest.mark.parametrize(
    ("kind", "head", "size"),
    [
        ("tflite", b"\x08\0\0\0TFL3", 12),
        ("tflite", b"\x60\0\0\0TFL3", 100),
        ("onnx", b"\x08\x01", 2),
        ("onnx", b"\x08\x7f", 100),
        ("torchscript", b"PK\3\4", 4),
        ("tokenizer", b" " * (HEAD_BYTES - 1) + b"{", 100),
    ],
)
def test_a_head_that_just_fits(kind: str, head: bytes, size: int) -> None:
    assert misfit(kind, head, size) is None
