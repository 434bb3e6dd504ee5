"""The .edgebert form: the same answers as the folder, and nothing inflated that should not be."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import edgebert
from edgebert_runtime import Classification, ManifestError, Model

METHODS = {
    "stored": zipfile.ZIP_STORED,
    "deflated": zipfile.ZIP_DEFLATED,
}


def pack(folder: Path, path: Path, method: int = zipfile.ZIP_DEFLATED, **changed: bytes) -> Path:
    """Zip a folder; `changed` gives other content for files by name without a suffix."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for file in sorted(folder.iterdir()):
            archive.writestr(file.name, changed.get(file.stem, file.read_bytes()))
    return path


def refuse(path: Path, match: str) -> None:
    with pytest.raises(ManifestError, match=match) as caught:
        edgebert.load(path, backend="onnx")
    assert "\n" not in str(caught.value)


def test_the_same_answers_as_the_folder(zipped: Path, model: Model) -> None:
    texts = ["a fine day", "no", ("a", "b")]
    with edgebert.load(zipped, backend=model.artifact.backend, threads=1) as other:
        assert other.manifest == model.manifest
        assert other.predict(texts) == model.predict(texts)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
def test_both_methods_of_compression(bundle: Path, tmp_path: Path, method: int) -> None:
    path = pack(bundle, tmp_path / "x.edgebert", method)
    with edgebert.load(path, backend="onnx", threads=1) as model:
        assert isinstance(model.predict("a"), Classification)


def test_a_file_after_other_bytes_is_found(zipped: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.edgebert"
    path.write_bytes(b"#!/bin/sh\n" * 100 + zipped.read_bytes())
    with edgebert.load(path, backend="onnx", threads=1) as model:
        assert isinstance(model.predict("a"), Classification)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file(zipped: Path, tmp_path: Path, share: float) -> None:
    content = zipped.read_bytes()
    path = tmp_path / "x.edgebert"
    path.write_bytes(content[: int(len(content) * share)])
    refuse(path, r"'manifest.json' cannot be read \(.*zip.*\); copy the bundle anew")


@pytest.mark.parametrize("name", ["manifest.json", "tokenizer.json", "int8_dynamic.onnx"])
def test_a_missing_entry(copy: Path, tmp_path: Path, name: str) -> None:
    (copy / name).unlink()
    refuse(
        pack(copy, tmp_path / "x.edgebert"),
        rf"'{name}' cannot be read \(0 entries, expected exactly one",
    )


@pytest.mark.parametrize("name", ["manifest.json", "tokenizer.json", "int8_dynamic.onnx"])
def test_an_entry_twice(bundle: Path, tmp_path: Path, name: str) -> None:
    path = pack(bundle, tmp_path / "x.edgebert")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(name, (bundle / name).read_bytes())
    refuse(path, rf"'{name}' cannot be read \(2 entries, expected exactly one")


@pytest.mark.parametrize("name", ["./manifest.json", "/manifest.json", "x/manifest.json"])
def test_an_entry_at_another_place(bundle: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.edgebert"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, (bundle / "manifest.json").read_bytes())
    refuse(path, "'manifest.json' cannot be read")


def test_altered_content(bundle: Path, tmp_path: Path) -> None:
    content = (bundle / "tokenizer.json").read_bytes()
    altered = content[:-1] + bytes([content[-1] ^ 1])
    path = pack(bundle, tmp_path / "x.edgebert", tokenizer=altered)
    refuse(path, "'tokenizer.json' has .* bytes and sha256 .*; the file was altered or cut short")


def test_an_entry_whose_checksum_is_wrong(bundle: Path, tmp_path: Path) -> None:
    path = pack(bundle, tmp_path / "x.edgebert", zipfile.ZIP_STORED)
    content = path.read_bytes()
    place = content.index((bundle / "tokenizer.json").read_bytes()) + 100
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    refuse(path, r"'tokenizer.json' cannot be read \(Bad CRC-32 for file 'tokenizer.json'\)")


def _patch_entries(path: Path, offset_in_central: int, offset_in_local: int, value: bytes) -> None:
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\1\2", offset_in_central), (b"PK\3\4", offset_in_local)):
        place = content.find(signature)
        while place >= 0:
            content[place + offset : place + offset + len(value)] = value
            place = content.find(signature, place + 1)
    path.write_bytes(content)


def test_an_encrypted_entry(bundle: Path, tmp_path: Path) -> None:
    path = pack(bundle, tmp_path / "x.edgebert")
    _patch_entries(path, 8, 6, b"\1\0")
    refuse(path, r"'manifest.json' cannot be read \(.*encrypted")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_method_that_inflates_without_a_bound(bundle: Path, tmp_path: Path, method: int) -> None:
    path = pack(bundle, tmp_path / "x.edgebert", method)
    refuse(path, r"'manifest.json' cannot be read \(compressed with a method other than deflate\)")


@pytest.mark.parametrize("method", [1, 9, 93, 99, 0xFFFF])
def test_a_method_that_nobody_knows(bundle: Path, tmp_path: Path, method: int) -> None:
    path = pack(bundle, tmp_path / "x.edgebert")
    _patch_entries(path, 10, 8, method.to_bytes(2, "little"))
    refuse(path, r"'manifest.json' cannot be read \(compressed with a method other than deflate\)")


BOMB_BYTES = 1024**3


@pytest.fixture(scope="module")
def bombs(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Entries of 1 GB that take 5 MB, in place of the manifest, the tokenizer and a model."""
    paths = {}
    for bomb in ("manifest.json", "tokenizer.json", "int8_dynamic.onnx"):
        paths[bomb] = tmp_path_factory.mktemp("bombs") / "bomb.edgebert"
        with zipfile.ZipFile(paths[bomb], "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for file in bundle.iterdir():
                if file.name != bomb:
                    archive.write(file, file.name)
            with archive.open(bomb, "w") as stream:
                for _ in range(BOMB_BYTES // 2**26):
                    stream.write(bytes(2**26))
    return paths


@pytest.mark.parametrize("bomb", ["manifest.json", "tokenizer.json", "int8_dynamic.onnx"])
def test_a_bomb_is_not_inflated(bombs: dict[str, Path], bomb: str) -> None:
    program = f"""
import resource
import edgebert
resource.setrlimit(resource.RLIMIT_AS, ({BOMB_BYTES}, {BOMB_BYTES}))
try:
    edgebert.load({str(bombs[bomb])!r}, backend="onnx")
except edgebert.ManifestError as error:
    print(error)
"""
    output = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert f"{bomb!r} cannot be read (more than " in output
