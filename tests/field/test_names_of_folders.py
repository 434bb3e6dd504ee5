"""Files in folders that are not named in ASCII (onnx 5761, WindowsAppSDK 6173)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import edgebert
from edgebert.cli import main
from edgebert_runtime.manifest import BACKENDS

TEXT = "a fine day"


def test_every_backend_and_command(
    checkpoint: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "模型 é 😀 'q' #1"
    shutil.copytree(bundle, folder / "bündel")
    for backend in BACKENDS:
        with (
            edgebert.load(bundle, backend=backend) as there,
            edgebert.load(folder / "bündel", backend=backend) as here,
        ):
            assert here.predict(TEXT) == there.predict(TEXT)
    shutil.copytree(checkpoint, folder / "студент")
    zipped = str(folder / "ミニ.edgebert")
    converted = ["convert", str(folder / "студент"), "-o", zipped, "--formats", "onnx"]
    for command in (converted, ["verify", zipped], ["inspect", zipped], ["predict", zipped, TEXT]):
        assert main(command) == 0
    assert capsys.readouterr().out
