"""What is no file, or does not stay the same file: refused, never waited for."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import hand_made
import pytest

from edgebert_runtime import Bundle, ManifestError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and devices are Unix's")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    here = Path.cwd()
    # A socket's path may have a hundred characters.
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


SPECIAL: dict[str, Callable[[Path], None]] = {
    "a pipe": _pipe,
    "a socket": _socket,
    "a folder": Path.mkdir,
    "a device that never ends": lambda path: path.symlink_to("/dev/zero"),
    "a device that is empty": lambda path: path.symlink_to("/dev/null"),
    "a device that waits": lambda path: path.symlink_to("/dev/ptmx"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nowhere": lambda path: path.symlink_to("nowhere"),
    "a link to a folder": lambda path: path.symlink_to("/"),
    "a file of the kernel": lambda path: path.symlink_to("/proc/self/maps"),
}


def _check_all(path: Path) -> None:
    bundle = Bundle(path)
    for file in [bundle.manifest.tokenizer, *bundle.manifest.artifacts]:
        bundle.check(file)


def refuse(path: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        _check_all(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", SPECIAL.values(), ids=SPECIAL.keys())
@pytest.mark.parametrize("name", ["manifest.json", "tokenizer.json", "float32.pt"])
def test_in_place_of_a_file(tmp_path: Path, make: Callable[[Path], None], name: str) -> None:
    folder = hand_made.write_folder(tmp_path / "bundle")
    (folder / name).unlink()
    make(folder / name)
    refuse(folder)


@pytest.mark.parametrize("make", SPECIAL.values(), ids=SPECIAL.keys())
def test_in_place_of_a_bundle(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "x.edgebert")
    refuse(tmp_path / "x.edgebert")


def test_a_file_that_is_swapped_all_the_time(tmp_path: Path) -> None:
    """Whatever the moment: the right bytes, or our error. A pipe among them is never waited for."""
    folder = hand_made.write_folder(tmp_path / "bundle")
    path = folder / "float32.pt"
    content, spare = path.read_bytes(), tmp_path / "spare"
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            for other in (content, content[:-1], None, content[:-1] + b"x"):
                spare.unlink(missing_ok=True)
                if other is None:
                    os.mkfifo(spare)
                else:
                    spare.write_bytes(other)
                spare.replace(path)

    thread = threading.Thread(target=swap)
    thread.start()
    refused = 0
    try:
        bundle = Bundle(folder)
        (artifact,) = [each for each in bundle.manifest.artifacts if each.file == path.name]
        for _ in range(500):
            try:
                found = bundle.read(artifact)
            except ManifestError:
                refused += 1
            else:
                assert found == content
    finally:
        done.set()
        thread.join()
    assert refused > 0


def test_a_folder_of_too_many_files(memory: Path) -> None:
    folder = hand_made.write_folder(memory / "bundle")
    (folder / "deep").mkdir()
    (folder / "deep" / "loop").symlink_to(folder)
    assert len(Bundle(folder).names()) == 5
    for number in range(9_996):
        os.link(folder / "float32.pt", folder / "deep" / str(number))
    with pytest.raises(ManifestError, match="more than 10000 files"):
        Bundle(folder).names()
