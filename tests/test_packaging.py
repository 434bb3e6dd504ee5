"""The wheel, installed where there is nothing else, on every Python that this machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import environments
import pytest

HEAVY = {"torch", "transformers", "jax", "tensorflow", "onnx", "litert-torch", "scipy"}
VERSIONS = ("3.10", "3.11", "3.12", "3.13")
PREDICT = """
import sys, edgebert
bundle, backend = sys.argv[1:]
with edgebert.load(bundle, backend=backend) as model:
    print(model.artifact.backend, model.predict("Good.").label)
loaded = {name.partition(".")[0] for name in sys.modules}
assert not loaded & {"torch", "transformers", "jax", "tensorflow"}, loaded
"""


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built by hatchling from a copy of its files."""
    output = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(output)]
    subprocess.run([*command, str(environments.ROOT)], check=True, capture_output=True)
    (built,) = output.glob("*.whl")
    return built


def python(version: str) -> str | None:
    """An interpreter of that version: on the path, or where pyenv keeps them."""
    if found := shutil.which(f"python{version}"):
        works = subprocess.run([found, "-c", "pass"], capture_output=True).returncode == 0
        if works:
            return found
    kept = Path.home() / ".pyenv" / "versions"
    return next((str(path) for path in sorted(kept.glob(f"{version}.*/bin/python"))), None)


def test_wheel_holds_three_packages_and_their_types(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for package in ("edgebert", "edgebert_converters", "edgebert_runtime"):
        assert f"{package}/py.typed" in names
    assert "edgebert_converters/sentences.txt" in names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {
        "edgebert",
        "edgebert_converters",
        "edgebert_runtime",
    }


@pytest.mark.parametrize("extra", ["onnx", "tflite"])
@pytest.mark.parametrize(
    "version",
    [
        # The oldest and the newest are enough for every day.
        pytest.param(each, marks=() if each in (VERSIONS[0], VERSIONS[-1]) else pytest.mark.slow)
        for each in VERSIONS
    ],
)
def test_extra_brings_nothing_heavy(
    version: str, extra: str, wheel: Path, bundle: Path, tmp_path: Path
) -> None:
    interpreter = python(version)
    if interpreter is None:
        pytest.skip(f"no Python {version} on this machine")
    folder = tmp_path / "environment"
    subprocess.run([interpreter, "-m", "venv", str(folder)], check=True)
    own = folder / "bin" / "python"
    subprocess.run([str(own), "-m", "pip", "install", "--quiet", f"{wheel}[{extra}]"], check=True)
    assert not environments.installed(own) & HEAVY
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(own), "-I", "-c", PREDICT, str(bundle), extra],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == extra
    command = [str(folder / "bin" / "edgebert"), "predict", str(bundle), "Good."]
    assert subprocess.run(command, capture_output=True, env=environment).returncode == 0
    refused = subprocess.run(
        [str(folder / "bin" / "edgebert"), "convert", "a", "-o", "b"],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert refused.returncode == 2
    assert "pip install 'edgebert[convert]'" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
