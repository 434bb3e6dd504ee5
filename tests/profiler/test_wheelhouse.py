from __future__ import annotations

import argparse
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import environments
import pytest

from edgebert.commands import wheelhouse as command
from edgebert.profiler.wheel import running_wheel
from edgebert.profiler.wheelhouse import build
from edgebert_runtime import InputError


def arguments(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.configure(parser)
    return parser.parse_args(given)


def test_the_running_wheel_is_what_hatchling_builds(tmp_path: Path) -> None:
    wheel = running_wheel()
    (tmp_path / wheel.name).write_bytes(wheel.content)
    built = tmp_path / "built"
    build_it = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(built)]
    subprocess.run([*build_it, str(environments.ROOT)], check=True, capture_output=True)
    (expected,) = (zipfile.ZipFile(path) for path in built.glob("*.whl"))
    packed = zipfile.ZipFile(tmp_path / wheel.name)
    assert sorted(packed.namelist()) == sorted(expected.namelist())
    for name in expected.namelist():
        if not name.endswith(("/RECORD", "/WHEEL", "/METADATA")):
            assert packed.read(name) == expected.read(name), name
    assert running_wheel() == wheel, "the same hash for the same files"


def test_the_running_wheel_installs_and_packs_itself_again(tmp_path: Path) -> None:
    wheel = running_wheel()
    path = tmp_path / wheel.name
    path.write_bytes(wheel.content)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "there")], check=True)
    python = str(tmp_path / "there" / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", str(path)]
    subprocess.run(install, check=True)
    # What is imported by it must be there, and only that.
    script = (
        "import importlib.util, sys; "
        "found = importlib.util.find_spec('edgebert').origin; assert 'there' in found, found; "
        "sys.path += sys.argv[1:]; from edgebert.profiler.wheel import running_wheel; "
        "print(running_wheel().sha256)"
    )
    packages = str(Path(argparse.__file__).parent)
    sites = [each for each in sys.path if each.endswith("site-packages")]
    command_line = [python, "-I", "-c", script, packages, *sites]
    done = subprocess.run(command_line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == wheel.sha256


def test_wheels_are_those_of_the_platform(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "wheels"
    given = ["--platform=linux-aarch64", "--python=3.12", "--backend=onnx", "--json"]
    assert command.run(arguments(*given, "-o", str(folder))) == 0
    report = json.loads(capsys.readouterr().out)
    names = [each["file"] for each in report["wheels"]]
    assert (report["platform"], report["python"]) == ("linux-aarch64", "3.12")
    assert names == sorted(path.name for path in folder.iterdir())
    assert all(name.endswith(("aarch64.whl", "none-any.whl")) for name in names)
    for package in ("edgebert", "numpy", "tokenizers", "onnxruntime", "tqdm"):
        assert sum(name.startswith(f"{package}-") for name in names) == 1
    (numpy,) = (name for name in names if name.startswith("numpy-"))
    assert "-cp312-cp312-" in numpy
    assert list(tmp_path.iterdir()) == [folder]


def test_requirements_are_read_as_the_device_reads_them(tmp_path: Path) -> None:
    """TFLite on 32-bit ARM is another package, and its numpy is of no index here."""
    with pytest.raises(InputError) as caught:
        build(tmp_path / "wheels", "linux-armv7l", backends=["tflite"])
    print(caught.value)
    message = str(caught.value)
    assert message.startswith("wheelhouse for linux-armv7l, Python 3.11: pip has not all wheels (")
    assert "ai-edge-litert" not in message
    assert "--extra-index-url" in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("platform", "python", "backends", "message"),
    [
        ("linux-riscv64", "3.11", ["onnx"], "^platform: got 'linux-riscv64', expected one of "),
        ("linux-aarch64", "3.9", ["onnx"], "^python: got '3.9', expected a version such as 3.11"),
        ("linux-aarch64", "3.11.2", ["onnx"], "^python: got '3.11.2'"),
        ("linux-aarch64", "3.11", ["onx"], "^backend: got 'onx', expected one of tflite, onnx"),
        ("linux-aarch64", "3.11", [], "^backend: got none"),
    ],
)
def test_what_there_is_none_of(
    platform: str, python: str, backends: list[str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        build(tmp_path / "wheels", platform, python, backends)


def test_a_folder_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(InputError, match="exists; remove it, or choose another name"):
        build(tmp_path, "linux-aarch64")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    with pytest.raises(InputError, match="the folder to make it in does not exist"):
        build(tmp_path / "no" / "where", "linux-aarch64")
