"""The app's benchmark, run on this machine's JVM, and read by the profiler."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import android_build
import pytest
import this_machine

from edgebert.profiler import android_app, report
from edgebert.profiler.adb import Adb
from edgebert.profiler.local import Local
from edgebert.profiler.profile import Machine, Profile, Result, model_of
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import DeviceError
from edgebert_runtime.measurement import Measurement, Settings

_STAND_INS = Path(__file__).parents[1] / "profiler"
_SCHEMA = Path(__file__).parents[2] / "docs" / "profile.schema.json"
_MAIN = "org.edgebert.demo.HostBenchmarkKt"
_SETTINGS = Settings(
    "onnx", lengths=(8, 32), budget_seconds=2.0, batches=(1, 2), minutes=0.02, operators=True
)

pytestmark = pytest.mark.usefixtures("toolchain")


def _extras(model: Path, output: Path, **others: str) -> list[str]:
    texts = {"bundle": str(model), "out": str(output), "backend": "onnx", **others}
    extras = ["--ei", "threads", "1", "--ez", "operators", "true"]
    for name, value in texts.items():
        extras += ["--es", name, value]
    return extras


@pytest.fixture(scope="module")
def written(student: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the benchmark wrote of the shipped student."""
    folder = tmp_path_factory.mktemp("files")
    output = folder / "measurement-1.json"
    others = {"lengths": "8,32", "batches": "1,2", "budget": "2.0", "minutes": "0.02"}
    android_build.succeed("run", _MAIN, folder, *_extras(student, output, **others))
    assert [each.name for each in folder.iterdir()] == [output.name]
    return output.read_text(encoding="ascii")


@pytest.fixture(scope="module")
def measurement(written: str) -> Measurement:
    return Measurement.from_json(written)


def test_what_it_writes_is_what_python_writes(
    written: str, measurement: Measurement, student: Path
) -> None:
    assert json.loads(written) == json.loads(measurement.to_json())
    own = Local().measure(student, _SETTINGS)
    for name in ("backend", "recipe", "file", "bytes", "threads", "schema_version"):
        assert getattr(measurement, name) == getattr(own, name)
    assert measurement.text_to_answer is not None
    assert own.text_to_answer is not None
    assert measurement.text_to_answer.tokens == own.text_to_answer.tokens
    assert [(each.tokens, each.batch) for each in measurement.lengths] == [
        (each.tokens, each.batch) for each in own.lengths
    ]
    # Times of a busy machine differ by a lot, and not by this much.
    for mine, theirs in zip(measurement.lengths, own.lengths, strict=True):
        assert 0.1 < mine.p50_ms / theirs.p50_ms < 10
        assert mine.p90_ms is not None
        assert mine.quantiles_ms[0] <= mine.p50_ms <= mine.p90_ms <= mine.quantiles_ms[-1]
    for name in ("cpu", "architecture", "python_bits", "cores", "available_processors", "kernel"):
        assert getattr(measurement.facts, name) == getattr(own.facts, name)
    for name in ("dot_product", "i8mm", "memory_bytes", "operating_system", "governor"):
        assert getattr(measurement.facts, name) == getattr(own.facts, name)


def test_it_finds_the_operators_that_python_finds(measurement: Measurement, student: Path) -> None:
    own = Local().measure(student, _SETTINGS).operators
    mine = measurement.operators
    assert mine is not None
    assert own is not None
    assert (mine.reason, mine.tokens) == (None, own.tokens)
    # Two versions of ONNX Runtime fuse in much the same way.
    found = {(each.part, each.kind): each.calls for each in mine.operators}
    expected = {(each.part, each.kind): each.calls for each in own.operators}
    equal = sum(found.get(key) == calls for key, calls in expected.items())
    assert equal >= 0.9 * len(expected)
    assert {part for part, _ in found} == {part for part, _ in expected}


def test_it_fits_the_published_schema(written: str) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    whole = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    inner = {"$ref": "#/$defs/Measurement", "$defs": whole["$defs"]}
    validator = jsonschema.Draft202012Validator(inner)
    assert [each.message for each in validator.iter_errors(json.loads(written))] == []


def test_reports_show_it(measurement: Measurement, student: Path) -> None:
    profile = Profile.of(
        [Machine("phone", "adb")],
        [model_of(Bundle(student), "student")],
        [Result("phone", "student", measurement)],
    )
    again = Profile.from_json(profile.to_json())
    text = report.as_text(again)
    assert report.figure(measurement.lengths[0].p50_ms) in text
    for word in ("onnx int8_dynamic", "32 × 2", "text to answer", "feed-forward", "onnxruntime 1."):
        assert word in text


def test_it_says_in_the_file_what_it_cannot_measure(student: Path, tmp_path: Path) -> None:
    cases: dict[str, tuple[dict[str, str], str]] = {
        "a": ({"lengths": "8,x"}, "lengths: got '8,x', expected whole numbers such as 8,16,32"),
        "b": ({"lengths": "100000"}, "lengths: got '100000', expected numbers of tokens from 1 to"),
        "c": ({"recipe": "float64"}, "this bundle holds onnx int8_dynamic; choose one of these"),
        "d": ({"backend": "tflite"}, "this bundle holds onnx int8_dynamic; choose one of these"),
        "e": ({"bundle": str(tmp_path / "nowhere")}, "no bundle at "),
    }
    for name, (others, expected) in cases.items():
        output = tmp_path / f"{name}.json"
        android_build.succeed("run", _MAIN, tmp_path, *_extras(student, output, **others))
        error = json.loads(output.read_text())
        assert error.keys() == {"error"}
        assert expected in error["error"]


def test_it_writes_nowhere_else(student: Path, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    outside = tmp_path / "outside.json"
    done = android_build.run("run", _MAIN, tmp_path / "files", *_extras(student, outside))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("out: got ")
    assert not outside.exists()


@dataclass
class _Phone:
    root: Path
    serial: str


_AM = f"""#!{sys.executable}
import os, pathlib, signal, subprocess, sys
root = pathlib.Path(sys.argv[0]).parent.parent
running = root / "pid"
if sys.argv[1] == "force-stop":
    try:
        os.killpg(int(running.read_text()), signal.SIGKILL)
    except ProcessLookupError:
        pass
    running.unlink()
else:
    files = root / "sdcard/Android/data/{android_app.PACKAGE}/files"
    files.mkdir(parents=True, exist_ok=True)
    command = [{str(android_build.PROJECT / "build.sh")!r}, "run", {_MAIN!r}, str(files)]
    with (root / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, *sys.argv[sys.argv.index("--ei"):]],
            start_new_session=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )
    running.write_text(str(process.pid))
    print("Status: ok")
"""
_PIDOF = """#!/bin/sh
grep -q '^State:.[RSD]' "/proc/$(cat "$(dirname "$0")/../pid")/status"
"""


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Phone]:
    """The stand-in for a device, with the app's own benchmark behind `am`."""
    monkeypatch.syspath_prepend(str(_STAND_INS))
    import android_stand_ins as stand_ins

    if not stand_ins.has_adb():
        pytest.skip("adb is not installed")
    home, root = tmp_path / "home", tmp_path / "phone"
    home.mkdir()
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(this_machine.free_port()))
    monkeypatch.setenv("HOME", str(home))
    stand_ins.furnish(root)
    stand_ins.program(root / "bin" / "am", _AM)
    stand_ins.program(root / "bin" / "pidof", _PIDOF)
    daemon = [sys.executable, str(_STAND_INS / "adb_daemon.py"), str(root)]
    with subprocess.Popen(daemon, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        serial = f"127.0.0.1:{process.stdout.readline().strip()}"
        try:
            _adb("connect", serial)
            yield _Phone(root, serial)
        finally:
            process.kill()
            _adb("kill-server")


def _adb(*arguments: str) -> None:
    null = subprocess.DEVNULL
    subprocess.run(
        ["adb", *arguments], stdin=null, stdout=null, stderr=null, timeout=30, check=True
    )


def test_the_profiler_measures_with_it_through_adb(phone: _Phone, student: Path) -> None:
    measurement = Adb(f"adb:{phone.serial}").measure(student, _SETTINGS)
    assert measurement.bundle == str(student)
    assert measurement.tool == "org.edgebert.demo test"
    assert [(each.tokens, each.batch) for each in measurement.lengths] == [
        (8, 1), (8, 2), (32, 1), (32, 2),
    ]  # fmt: skip
    assert measurement.operators is not None
    assert measurement.operators.operators
    assert measurement.sustained
    # Facts are adb's own, who is told more than an app.
    assert measurement.facts.board == "Fable Phone 3 (FX-100)"
    assert "on battery at 15 %" in measurement.conditions.marks
    left = phone.root / "sdcard/Android/data/org.edgebert.demo/files"
    assert list(left.iterdir()) == []
    assert not (phone.root / "pid").exists()
    assert measurement.energy is None


def test_the_profiler_says_what_the_app_says(phone: _Phone, student: Path) -> None:
    with pytest.raises(DeviceError) as caught:
        Adb(f"adb:{phone.serial}").measure(student, Settings("onnx", threads=5000))
    assert "the app org.edgebert.demo: " in str(caught.value)
    assert "threads: got 5000, expected a whole number from 1 to 1024" in str(caught.value)
