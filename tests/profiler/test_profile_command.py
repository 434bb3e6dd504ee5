"""`edgebert profile` from end to end."""

import json
import os
from pathlib import Path

import pytest

from edgebert.cli import main

QUICK = ["--lengths", "8", "--threads", "1", "--budget", "0.1"]


@pytest.fixture
def without_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "onnxruntime.py").write_text("raise ModuleNotFoundError(name='onnxruntime')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)


def test_every_artifact_in_tables(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", str(bundle), *QUICK]) == 0
    output, errors = capsys.readouterr()
    for backend in ("onnx", "tflite", "torchscript"):
        assert output.count(f"\n{backend} ") == 3
    assert "\nMachine " in output
    assert errors == ""


def test_json_for_two_thread_counts(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    choice = ["--backend", "onnx", "--lengths", "8", "--threads", "2,1", "--budget", "0.1"]
    assert main(["profile", str(bundle), *choice, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    found = [each["measurement"] for each in data["results"]]
    measured = [(each["backend"], each["threads"]) for each in found]
    assert measured == [("onnx", 1), ("onnx", 2)]
    assert data["skipped"] == []


def test_reports_of_every_kind(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / f"profile.{kind}" for kind in ("json", "html", "csv", "png")]
    given = [word for file in files for word in ("--output", str(file))]
    assert main(["profile", str(bundle), "--backend", "onnx", *QUICK, *given, "--json"]) == 0
    assert json.loads(files[0].read_text()) == json.loads(capsys.readouterr().out)
    assert files[1].read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert len(files[2].read_text(encoding="utf-8").splitlines()) >= 2
    assert files[3].read_bytes().startswith(b"\x89PNG")


def test_a_report_that_cannot_be_written_loses_nothing(
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its folder goes away while there is measured."""
    gone, kept = tmp_path / "gone", tmp_path / "kept.json"
    gone.mkdir()
    monkeypatch.setattr("edgebert.profiler.output.check_report", lambda path: None)
    gone.rmdir()
    given = ["--output", str(gone / "profile.json"), "--output", str(kept)]
    assert main(["profile", str(bundle), "--backend", "onnx", *QUICK, *given]) == 2
    output, errors = capsys.readouterr()
    assert "\nonnx " in output
    assert "profile.json" in errors
    assert kept.exists()


def test_a_report_never_takes_the_place_of_a_bundle(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (bundle / "manifest.json").read_bytes()
    for place in (bundle / "manifest.json", bundle / "profile.json"):
        assert main(["profile", str(bundle), *QUICK, "--output", str(place)]) == 2
        assert "lies in a bundle; choose another place" in capsys.readouterr().err
    assert (bundle / "manifest.json").read_bytes() == before


def test_one_bundle_by_two_paths_is_measured_once(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(bundle.parent)
    given = [bundle.name, f"./{bundle.name}", "--backend", "onnx", *QUICK, "--json"]
    assert main(["profile", *given]) == 0
    assert len(json.loads(capsys.readouterr().out)["results"]) == 1


@pytest.mark.usefixtures("without_onnx")
def test_a_missing_library_is_skipped(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", str(bundle), "--backend", "onnx,tflite", *QUICK]) == 0
    output = capsys.readouterr().out
    assert output.count("\ntflite ") == 3
    assert "run: pip install 'edgebert[onnx]'" in output.partition("Not measured\n")[2]


@pytest.mark.usefixtures("without_onnx")
def test_nothing_left_to_measure(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", str(bundle), "--backend", "onnx", *QUICK]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert "run: pip install 'edgebert[onnx]'" in errors


def test_a_failure_is_reported_beside_the_rest(
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "onnxruntime.py").write_text("import os\nos.kill(os.getpid(), 9)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    assert main(["profile", str(bundle), "--backend", "onnx,tflite", *QUICK]) == 1
    output = capsys.readouterr().out
    assert output.count("\ntflite ") == 3
    assert "killed by SIGKILL" in output.partition("Not measured\n")[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backend", "coral"], "backend: got 'coral', expected one of tflite, onnx, torchscript"),
        (["--recipe", "int2"], "got int2, and no bundle holds such an artifact"),
        (["--lengths", "100000"], "lengths: got '100000', expected numbers of tokens from 1 to"),
        (["--budget", "-1"], "expected a number of seconds above 0"),
        (["--output", "report.doc"], "report.doc"),
        (["--wheelhouse", "x"], "--wheelhouse is for devices of ssh, got local"),
        (["--tool", "x"], "--tool is for devices of adb, got local"),
        (["--device", "attic"], "device: got 'attic', expected local, ssh://"),
        (["--device", "ssh://"], "ssh://"),
        (["--wheelhouse", "nowhere", "--device", "ssh://x"], "nowhere"),
    ],
)
def test_a_mistake_is_one_line(
    bundle: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", str(bundle), *arguments]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert message in errors
    assert errors.count("\n") == 1
