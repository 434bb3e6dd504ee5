"""The choice among artifacts whose figures are set by hand, and the command on real ones."""

import argparse
import dataclasses
import json
from pathlib import Path

import made_profiles
import pytest

from edgebert.cli import main
from edgebert.commands.choose import milliseconds, points, size
from edgebert.comparison.choice import Limits, Option, best, options
from edgebert.profiler.profile import Profile
from edgebert_runtime import InputError

SMALL = Option("small", "tflite", "int8", 1, 10.0, 5_000_000, 90_000_000, 1.5, "agreement", ())
FAST = Option("fast", "onnx", "int8", 1, 5.0, 9_000_000, 120_000_000, 1.0, "agreement", ())
EXACT = Option("exact", "onnx", "float32", 1, 20.0, 40_000_000, None, 0.0, "agreement", ())
ALL = [SMALL, FAST, EXACT]


@pytest.fixture(scope="module")
def measured(bundle: Path) -> Profile:
    return made_profiles.profile(bundle, "onnx", "tflite")


@pytest.mark.parametrize(
    ("limits", "prefer", "chosen"),
    [
        (Limits(), "latency", FAST),
        (Limits(), "size", SMALL),
        (Limits(), "memory", SMALL),
        (Limits(), "drop", EXACT),
        (Limits(size_bytes=8e6), "latency", SMALL),
        (Limits(drop=0.5), "latency", EXACT),
        (Limits(latency_ms=10), "drop", FAST),
        (Limits(latency_ms=4), "latency", None),
        (Limits(drop=0.5, memory_bytes=1e9), "latency", None),
    ],
)
def test_best_within_limits(limits: Limits, prefer: str, chosen: Option | None) -> None:
    assert best(ALL, limits, prefer) is chosen


def test_each_limit_that_rules_out_is_named() -> None:
    limits = Limits(latency_ms=7, size_bytes=4e6, memory_bytes=1e8, drop=1)
    assert [each.ruled_out_by(limits) for each in ALL] == [
        ["latency", "size", "drop"],
        ["size", "memory"],
        ["latency", "size", "memory (unknown)"],
    ]


def test_the_worst_device_counts(bundle: Path, measured: Profile) -> None:
    quick = made_profiles.timed(measured.results[0].measurement, 1.0)
    slow = made_profiles.timed(measured.results[0].measurement, 3.0)
    both = made_profiles.of(bundle, [quick], "phone", "board")
    there = [both.results[0], dataclasses.replace(both.results[1], measurement=slow)]
    (option,) = options(dataclasses.replace(both, results=tuple(there)), 8, None, "")
    assert option.latency_ms == 3.0
    # What was measured on one of the devices only is no choice for both.
    assert options(dataclasses.replace(both, results=both.results[:1]), 8, None, "") == []


def test_a_length_that_was_not_measured(measured: Profile) -> None:
    with pytest.raises(InputError, match="tokens: got 32, the profile has 8, 16; choose one"):
        options(measured, 32, None, "")


def test_command_on_a_profile(
    measured: Profile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "profile.json"
    path.write_text(measured.to_json())
    given = ["choose", "--profile", str(path), "--tokens", "16"]
    assert main([*given, "--max-latency", "10s", "--max-size", "1GB"]) == 0
    output = capsys.readouterr().out
    assert output.count("chosen") == 1
    assert "\nChosen: model " in output
    assert main([*given, "--backend", "onnx"]) == 0
    narrowed = capsys.readouterr().out
    assert "Chosen: model onnx" in narrowed
    assert "tflite" not in narrowed
    assert main([*given, "--device", "attic"]) == 2
    assert "got attic, the profile has local" in capsys.readouterr().err
    assert main([*given, "--minutes", "1"]) == 2
    assert "leave them out of --profile" in capsys.readouterr().err
    assert main([*given, "--max-size", "1kB", "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["chosen"] is None
    assert [each["ruled_out_by"] for each in data["options"]] == [["size"], ["size"]]
    assert data["options"][0]["size_bytes"] > data["limits"]["size_bytes"] == 1000


def test_command_measures_and_scores(
    bundle: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = json.loads((bundle / "manifest.json").read_text())["labels"]
    rows = (
        reviews.read_text().replace("\tlong", f"\t{labels[0]}").replace("\tshort", f"\t{labels[1]}")
    )
    (tmp_path / "rows.tsv").write_text(rows)
    given = ["--backend", "onnx,tflite", "--budget", "0.1", "--tokens", "8", "--threads", "1"]
    scored = ["--eval", str(tmp_path / "rows.tsv"), "--max-drop", "100", "--json"]
    assert main(["choose", str(bundle), *given, *scored]) == 0
    data = json.loads(capsys.readouterr().out)
    assert {each["drop_of"] for each in data["options"]} == {"score on rows.tsv"}
    assert min(each["drop"] for each in data["options"]) == 0
    assert data["chosen"]["latency_ms"] == min(each["latency_ms"] for each in data["options"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected bundles to measure, or --profile FILE"),
        (["nowhere"], "no bundle at 'nowhere'"),
        (["--profile", "nowhere.json"], "cannot be read (No such file or directory)"),
        (["nowhere", "--max-latency", "soon"], "got 'soon', expected a time such as 20ms"),
        (["nowhere", "--label-column", "x"], "--label-column names a column of labelled rows"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["choose", *arguments]) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1


def test_what_was_not_measured_is_said(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Port 9 of this machine is closed."""
    given = ["--backend", "onnx", "--tokens", "8", "--budget", "0.1", "--threads", "1"]
    devices = ["--device", "local", "--device", "ssh://127.0.0.1:9"]
    assert main(["choose", str(bundle), *given, *devices]) == 2
    errors = capsys.readouterr().err
    assert "nothing was measured on all devices: ssh://127.0.0.1:9: onnx" in errors
    assert "refused" in errors


def test_quantities() -> None:
    assert [milliseconds(text) for text in ("20ms", "0.5 s", "7", "300us")] == [20, 500, 7, 0.3]
    assert [size(text) for text in ("10MB", "1MiB", "12b", "1.5kB")] == [1e7, 2**20, 12, 1500]
    assert points("0.5") == 0.5
    for convert, text in ((milliseconds, "1MB"), (size, "10 apples"), (points, "-1"), (size, "12")):
        with pytest.raises(argparse.ArgumentTypeError, match="expected a"):
            convert(text)
