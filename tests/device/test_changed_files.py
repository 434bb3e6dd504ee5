"""What becomes of a loaded model when its files go, are cut, or are written over."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgebert_runtime import Bundle
from edgebert_runtime.manifest import BACKENDS

PROGRAM = """
import sys
import edgebert_runtime
bundle, copy, backend = sys.argv[1:]
texts = ["Never again.", "The film is bright and warm. " * 9, "", "a"]
expected = edgebert_runtime.load(bundle, backend=backend, threads=1).predict(texts)
model = edgebert_runtime.load(copy, backend=backend, threads=1)
if backend != "onnx":
    # One length is answered before and after, others for the first time.
    model.predict(texts[0])
print("loaded", flush=True)
sys.stdin.readline()
assert model.predict(texts) == expected
"""


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def halved(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def zeroed(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("change", [Path.unlink, emptied, halved, zeroed])
def test_a_loaded_model_needs_its_files_no_more(
    backend: str, change: Callable[[Path], None], bundle: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "copy"))
    command = [sys.executable, "-c", PROGRAM, str(bundle), str(copy), backend]
    # A process of its own, as a file that is mapped and cut ends it.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"loaded\n"
        for file in (Bundle(copy).manifest.tokenizer, *Bundle(copy).manifest.artifacts):
            change(copy / file.file)
        _, errors = process.communicate(b"\n", timeout=120)
    assert process.returncode == 0, errors
