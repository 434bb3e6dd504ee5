"""Text and names in Chinese, where the locale's encoding is not UTF-8."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import device_conditions
import pytest

import edgebert

TEXT = "这部电影很好看，演员也很棒。"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ONNX = ("--backend", "onnx", "--threads", "1")


@pytest.fixture(scope="session")
def gb18030(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of a Chinese locale of its own encoding."""
    folder = tmp_path_factory.mktemp("locales")
    try:
        condition = device_conditions.locale(folder, "zh_CN", "GB18030")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no locale can be compiled here: {error}")
    return {name: value for name, value in condition.environment.items() if value is not None}


def predicted(bundle: bytes, text: bytes, environment: dict[str, str]) -> str:
    command = [sys.executable, "-m", "edgebert", "predict", bundle, text, "--json", *ONNX]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode("ascii")


def expected(bundle: Path) -> float:
    with edgebert.load(bundle, backend="onnx", threads=1) as model:
        return max(model.predict(TEXT).scores.values())  # type: ignore[union-attr]


def test_utf8_text_in_an_ascii_locale(bundle: Path) -> None:
    assert f"{expected(bundle)}" in predicted(os.fsencode(bundle), TEXT.encode(), ASCII)


def test_text_in_the_locale_of_its_own_encoding(bundle: Path, gb18030: dict[str, str]) -> None:
    given = TEXT.encode("gb18030")
    assert f"{expected(bundle)}" in predicted(os.fsencode(bundle), given, gb18030)


@pytest.mark.parametrize("encoding", ["ascii", "gb18030"])
@pytest.mark.parametrize("backend", ["tflite", "onnx", "torchscript"])
def test_a_bundle_whose_name_is_not_of_the_locale(
    encoding: str, backend: str, bundle: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    environment = ASCII if encoding == "ascii" else request.getfixturevalue("gb18030")
    folder = Path(shutil.copytree(bundle, tmp_path / "模型"))
    command = [sys.executable, "-m", "edgebert", "predict", os.fsencode(folder), "a"]
    command += ["--backend", backend, "--threads", "1"]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True)
    assert done.returncode == 0, done.stderr
