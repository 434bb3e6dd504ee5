"""Two profiles: one measured, the other changed by hand."""

import dataclasses
import json
from pathlib import Path

import made_profiles
import pytest

from edgebert.cli import main
from edgebert.comparison.baseline import as_text, difference
from edgebert_runtime.measurement import Measurement


@pytest.fixture(scope="module")
def measured(bundle: Path) -> Measurement:
    found = made_profiles.profile(bundle, "onnx").results[0].measurement
    quiet = dataclasses.replace(found.conditions, marks=())
    return made_profiles.timed(dataclasses.replace(found, conditions=quiet), 1.0)


def written(path: Path, bundle: Path, *measurements: Measurement) -> Path:
    path.write_text(made_profiles.of(bundle, list(measurements)).to_json())
    return path


def test_the_same_is_no_change(bundle: Path, measured: Measurement) -> None:
    one = made_profiles.of(bundle, [measured])
    found = difference(one, one)
    assert [each.what for each in found.changes] == [
        "p50 ms, text to answer",
        "p50 ms, 8 tokens",
        "p50 ms, 16 tokens",
        "bytes of the artifact",
        "peak bytes in memory",
    ]
    assert not any(each.beyond_noise for each in found.changes)
    assert as_text(found, 0.05) == (
        "5 figures compared: 5 within noise, 0 beyond it, 0 worse by more than 5%"
    )


@pytest.mark.parametrize(
    ("p50_ms", "reach_ms", "beyond", "regressions"),
    [
        (1.1, 0.01, 3, 3),  # slower, and sure
        (1.1, 0.2, 0, 0),  # intervals overlap
        (1.04, 0.01, 3, 0),  # sure, and within the limit
        (0.8, 0.01, 3, 0),  # faster
    ],
)
def test_slower_beyond_noise_and_limit(
    bundle: Path,
    measured: Measurement,
    p50_ms: float,
    reach_ms: float,
    beyond: int,
    regressions: int,
) -> None:
    old = made_profiles.of(bundle, [measured])
    new = made_profiles.of(bundle, [made_profiles.timed(measured, p50_ms, reach_ms)])
    found = difference(old, new)
    assert sum(each.beyond_noise for each in found.changes) == beyond
    assert len(found.regressions(0.05)) == regressions
    assert {round(each.share, 6) for each in found.regressions(0.05)} <= {round(p50_ms - 1, 6)}


def test_few_slow_runs_are_a_regression(bundle: Path, measured: Measurement) -> None:
    """Five runs have no interval, and a tool may tell nothing but the median."""
    for quantiles in ((90.0, *(100.0,) * 19, 110.0), ()):
        slow = profiles_without_intervals(measured, 100.0, quantiles)
        found = difference(made_profiles.of(bundle, [measured]), made_profiles.of(bundle, [slow]))
        assert len(found.regressions(0.05)) == 3
        same = made_profiles.of(bundle, [slow])
        assert difference(same, same).regressions(0.05) == []


def profiles_without_intervals(
    measurement: Measurement, p50_ms: float, quantiles_ms: tuple[float, ...]
) -> Measurement:
    slow = made_profiles.timed(measurement, p50_ms)
    assert slow.text_to_answer is not None
    change = {"interval_ms": None, "quantiles_ms": quantiles_ms}
    return dataclasses.replace(
        slow,
        text_to_answer=dataclasses.replace(slow.text_to_answer, **change),
        lengths=tuple(dataclasses.replace(each, **change) for each in slow.lengths),
    )


def test_another_processor_makes_changes_doubtful(bundle: Path, measured: Measurement) -> None:
    facts = dataclasses.replace(measured.facts, cpu="Cortex-A53")
    slow = dataclasses.replace(made_profiles.timed(measured, 2.0), facts=facts)
    found = difference(made_profiles.of(bundle, [measured]), made_profiles.of(bundle, [slow]))
    assert found.changes[0].marks == (f"another processor: {measured.facts.cpu}, now Cortex-A53",)


def test_larger_files_and_memory_are_regressions(bundle: Path, measured: Measurement) -> None:
    memory = dataclasses.replace(measured.memory, peak_bytes=(measured.memory.peak_bytes or 0) * 2)
    grown = dataclasses.replace(measured, bytes=measured.bytes * 2, memory=memory)
    found = difference(made_profiles.of(bundle, [measured]), made_profiles.of(bundle, [grown]))
    assert [each.what for each in found.regressions(0.5)] == [
        "bytes of the artifact",
        "peak bytes in memory",
    ]


def test_command(
    bundle: Path, measured: Measurement, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noisy = dataclasses.replace(measured.conditions, marks=("throttled",))
    slow = made_profiles.timed(dataclasses.replace(measured, conditions=noisy), 2.0)
    old = written(tmp_path / "old.json", bundle, measured)
    new = written(tmp_path / "new.json", bundle, slow)
    assert main(["compare", "--baseline", str(old), str(old)]) == 0
    capsys.readouterr()
    assert main(["compare", "--baseline", str(old), str(new)]) == 1
    output = capsys.readouterr().out
    assert output.count("+100.0%") == 3
    assert output.count("doubtful (now: throttled)") == 3
    assert "3 worse by more than 5%" in output
    assert main(["compare", "--baseline", str(old), str(new), "--max-regression", "0.99"]) == 1
    assert main(["compare", "--baseline", str(new), str(old), "--json"]) == 0
    data = json.loads(capsys.readouterr().out.partition("\n{")[2].join(["{", ""]))
    assert [each["regression"] for each in data["changes"]] == [False] * 5


def test_what_is_gone_is_a_failure(
    bundle: Path, measured: Measurement, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two = dataclasses.replace(measured, threads=2)
    old = written(tmp_path / "old.json", bundle, measured, two)
    new = written(tmp_path / "new.json", bundle, measured)
    assert main(["compare", "--baseline", str(old), str(new)]) == 1
    assert "Measured before, and not now\n  local, model onnx" in capsys.readouterr().out
    shorter = dataclasses.replace(measured, lengths=measured.lengths[:1], text_to_answer=None)
    less = written(tmp_path / "less.json", bundle, shorter)
    assert main(["compare", "--baseline", str(new), str(less)]) == 1
    output = capsys.readouterr().out
    assert "threads: 1, text to answer" in output
    assert "threads: 1, 16 tokens" in output
    assert main(["compare", "--baseline", str(new), str(old)]) == 0
    assert "New\n  local, model onnx" in capsys.readouterr().out


def test_mistakes_are_one_line(
    bundle: Path, measured: Measurement, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = written(tmp_path / "old.json", bundle, measured)
    other = made_profiles.of(bundle, [dataclasses.replace(measured, threads=7)])
    (tmp_path / "other.json").write_text(other.to_json())
    for arguments, message in (
        ([str(old), str(old)], "--baseline takes one newer profile, got 2"),
        ([str(bundle / "manifest.json")], "is no profile of schema_version 2"),
        ([str(old), "--plot", "x.png"], "--eval, --plot, --backend and --recipe are of bundles"),
        ([str(tmp_path / "missing.json")], "cannot be read (No such file or directory)"),
        ([str(tmp_path / "other.json")], "the two profiles share no device, model and artifact"),
    ):
        assert main(["compare", "--baseline", str(old), *arguments]) == 2
        errors = capsys.readouterr().err
        assert message in errors
        assert errors.count("\n") == 1
