"""Every region of a bundle, flipped or cut: our own error, or what was there before."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import hand_made
import pytest

from edgebert_runtime import Bundle, Manifest, ManifestError

WHOLE = hand_made.manifest()


def outcome(path: Path) -> Manifest | str:
    """The manifest of a bundle whose listed files are all right, or an error's message."""
    try:
        bundle = Bundle(path)
        for file in [bundle.manifest.tokenizer, *bundle.manifest.artifacts]:
            content = bundle.read(file)
            if content != hand_made.CONTENTS[file.file]:
                return "other content\n"
        bundle.names()
    except ManifestError as error:
        return str(error)
    return bundle.manifest


def right(found: Manifest | str) -> bool:
    return found == WHOLE or (isinstance(found, str) and "\n" not in found and len(found) < 600)


def flipped(content: bytes, step: int) -> Iterator[bytes]:
    """The content with one byte changed: every bit of it, or the lowest, in turn."""
    for place in range(0, len(content), step):
        mask = 0xFF if place // step % 2 else 1
        yield content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :]


@pytest.mark.parametrize(
    ("method", "step"), [(zipfile.ZIP_DEFLATED, 1), (zipfile.ZIP_STORED, 7)], ids=["8", "0"]
)
def test_a_flipped_byte_of_a_zip_file(memory: Path, method: int, step: int) -> None:
    path = hand_made.write_zip(memory / "x.edgebert", method)
    content = path.read_bytes()
    assert outcome(path) == WHOLE
    refused = 0
    for damaged in flipped(content, step):
        path.write_bytes(damaged)
        found = outcome(path)
        assert right(found)
        refused += isinstance(found, str)
    # Times, versions and permissions mean nothing; nearly all else does.
    assert refused > 0.9 * len(content) // step


def test_a_cut_zip_file(memory: Path) -> None:
    path = hand_made.write_zip(memory / "x.edgebert")
    content = path.read_bytes()
    for end in range(0, len(content), 3):
        for part in (content[:end], content[end + 1 :], content[:end] + content[end + 9 :]):
            path.write_bytes(part)
            assert isinstance(outcome(path), str)


@pytest.mark.parametrize("name", hand_made.CONTENTS)
def test_a_damaged_file_of_a_folder(memory: Path, name: str) -> None:
    folder = hand_made.write_folder(memory / "bundle")
    content = (folder / name).read_bytes()
    parts = [content[:end] for end in range(0, len(content), 100)]
    for damaged in [*flipped(content, 3), *parts, content + b"\0", content * 2]:
        (folder / name).write_bytes(damaged)
        found = outcome(folder)
        assert isinstance(found, str)
        assert right(found)
    (folder / name).write_bytes(content)
    assert outcome(folder) == WHOLE


def test_a_damaged_manifest_of_a_folder(memory: Path) -> None:
    """No hash covers it: a flipped letter of a label is another label, and no fault."""
    folder = hand_made.write_folder(memory / "bundle")
    path = folder / "manifest.json"
    content = path.read_bytes()
    refused = 0
    for damaged in flipped(content, 1):
        path.write_bytes(damaged)
        found = outcome(folder)
        assert right(found) or isinstance(found, Manifest)
        refused += isinstance(found, str)
    assert refused > len(content) // 3
    for end in range(0, len(content) - 2, 7):
        path.write_bytes(content[:end])
        assert isinstance(outcome(folder), str)
