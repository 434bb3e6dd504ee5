"""What "auto" takes: the fastest, by times of this machine or by figures of its kind."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import environments
import pytest

import edgebert
from edgebert import cli
from edgebert_runtime import Artifact, Bundle, fastest

INT8, PLAIN = "int8_dynamic", "float32"


@pytest.fixture(scope="module")
def both(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two backends, two recipes."""
    output = tmp_path_factory.mktemp("bundles") / "both"
    options = edgebert.ConvertOptions(formats=("onnx", "tflite"), recipes=(INT8, PLAIN))
    edgebert.convert(checkpoint, output, options)
    return output


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def artifact(bundle: Path, backend: str, recipe: str) -> Artifact:
    held = Bundle(bundle).manifest.artifacts
    return next(each for each in held if (each.backend, each.recipe) == (backend, recipe))


def taken(bundle: Path, **options: Any) -> tuple[str, str]:
    with edgebert.load(bundle, **options) as model:
        return model.artifact.backend, model.artifact.recipe


def on(monkeypatch: pytest.MonkeyPatch, flags: Sequence[str], *, arm: bool) -> None:
    monkeypatch.setattr(fastest, "cpu_flags", lambda: frozenset(flags))
    monkeypatch.setattr(fastest, "is_arm", lambda: arm)


@pytest.mark.parametrize(
    ("flags", "arm", "expected"),
    [
        (("fp", "asimd"), True, "onnx"),
        (("asimd", "asimddp"), True, "tflite"),
        (("avx2", "avx_vnni"), False, "tflite"),
        (("avx2",), False, "tflite"),
        ((), True, "tflite"),
    ],
)
def test_by_the_kind_of_processor(
    flags: tuple[str, ...], arm: bool, expected: str, both: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, flags, arm=arm)
    assert taken(both) == (expected, INT8)
    assert taken(both, recipe=PLAIN) == (expected, PLAIN)


@pytest.mark.parametrize("processor", ["cortex-a72", "cortex-a76", "i8mm"])
def test_the_order_on_arm_is_that_of_the_counts(processor: str) -> None:
    stored = environments.ROOT / "benchmarks" / "arm" / "counts.json"
    counts = json.loads(stored.read_text(encoding="utf-8"))["instructions"][processor]
    flags = {"asimd"} if processor == "cortex-a72" else {"asimd", "asimddp"}
    kind = fastest.kind_of(frozenset(flags), arm=True)
    first, second = (counts[name]["32"] for name in kind.backends[:2])
    assert first < second
    if processor != "i8mm":
        assert f"takes {first / second:.2f} of" in kind.figure


def test_the_order_on_x86_64_is_that_of_the_times() -> None:
    stored = environments.ROOT / "benchmarks" / "peers.json"
    peers = json.loads(stored.read_text(encoding="utf-8"))["models"]["tinybert"]["peers"]
    kind = fastest.kind_of(frozenset({"avx512_vnni"}), arm=False)
    first, second = (
        statistics.median(peers[f"edgebert-{name}"]["threads"]["1"]["ids_ms"]["32"])
        for name in kind.backends[:2]
    )
    assert first < second
    assert f"takes {first / second:.2f} of" in kind.figure


def test_by_what_was_measured_here(both: Path) -> None:
    for backend, recipe, milliseconds in (
        ("tflite", INT8, 3.0),
        ("tflite", PLAIN, 2.5),
        ("onnx", INT8, 2.0),
        ("onnx", PLAIN, 1.5),
    ):
        fastest.remember(artifact(both, backend, recipe), 1, {8: 0.1, 32: milliseconds})
    # Fewer bits gain no speed on this machine: float32 is taken, and less only where asked for.
    assert taken(both, threads=1) == ("onnx", PLAIN)
    assert taken(both, threads=1, recipe=INT8) == ("onnx", INT8)
    assert taken(both, threads=1, backend="tflite") == ("tflite", INT8)
    # Times of one thread say nothing of two.
    assert taken(both, threads=2) == ("tflite", INT8)


def test_what_was_not_measured_comes_after_it(both: Path) -> None:
    fastest.remember(artifact(both, "onnx", PLAIN), 1, {32: 900.0})
    first, *others = fastest.ranked(Bundle(both).manifest.artifacts, 1)
    assert (first.artifact.backend, first.artifact.recipe) == ("onnx", PLAIN)
    assert first.why == "measured here: 900 ms at 32 tokens"
    assert all(each.why.startswith("not measured here; ") for each in others)


def test_the_length_nearest_to_the_typical_that_all_have(both: Path) -> None:
    fastest.remember(artifact(both, "onnx", INT8), 1, {8: 1.0, 16: 5.0, 32: 1.0})
    fastest.remember(artifact(both, "tflite", INT8), 1, {8: 2.0, 16: 4.0, 64: 2.0})
    assert taken(both, threads=1) == ("tflite", INT8)


def test_no_length_that_all_have(both: Path) -> None:
    fastest.remember(artifact(both, "onnx", INT8), 1, {8: 1.0})
    fastest.remember(artifact(both, "tflite", PLAIN), 1, {16: 1.0})
    assert all(
        each.why.startswith("not measured here")
        for each in fastest.ranked(Bundle(both).manifest.artifacts, 1)
    )


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"32": 0}', '{"32": NaN}', '{"32": []}', '{"a": 1}', "[" * 9999]
)
def test_what_cannot_be_understood_was_not_measured(
    content: str, both: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, ["avx_vnni"], arm=False)
    fastest.remember(artifact(both, "onnx", INT8), 1, {32: 1.0})
    (kept,) = (cache / "edgebert" / "measured").iterdir()
    kept.write_text(content)
    assert taken(both, threads=1) == ("tflite", INT8)


def test_another_library_is_measured_anew(both: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fastest.remember(artifact(both, "onnx", PLAIN), 1, {32: 1.0})
    monkeypatch.setattr("edgebert_runtime.user_cache.LIBRARIES", {"onnx": ("json",), "tflite": ()})
    assert "not measured" in fastest.ranked([artifact(both, "onnx", PLAIN)], 1)[0].why


def test_profile_remembers(both: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["profile", str(both), "--backend=onnx", "--threads=1", "--lengths=8", "--budget=0.2"]
    assert cli.main(command) == 0
    assert not cache.exists()
    assert cli.main([*command, "--remember"]) == 0
    capsys.readouterr()
    assert taken(both, threads=1)[0] == "onnx"
    assert cli.main(["inspect", str(both), "--json"]) == 0
    order = json.loads(capsys.readouterr().out)["auto"]
    assert sorted(each["file"] for each in order) == sorted(
        each.file for each in Bundle(both).manifest.artifacts
    )


def test_inspect_says_why(
    both: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on(monkeypatch, ["asimd"], arm=True)
    assert cli.main(["inspect", str(both)]) == 0
    (line,) = (each for each in capsys.readouterr().out.splitlines() if "auto, here" in each)
    (without, *_) = fastest.KINDS
    assert f"onnx int8_dynamic (not measured here; {without.name}: {without.figure})" in line
    assert line.endswith("then onnx float32, tflite int8_dynamic, tflite float32")


def test_only_this_machine_remembers(both: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["profile", str(both), "--device=local,ssh://pi@nowhere", "--remember"]
    assert cli.main(command) == 2
    assert "--remember is for this machine" in capsys.readouterr().err


def test_a_place_that_cannot_be_written(
    both: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    command = ["profile", str(both), "--backend=onnx", "--recipe=int8_dynamic", "--threads=1"]
    assert cli.main([*command, "--lengths=8", "--budget=0.1", "--remember"]) == 2
    captured = capsys.readouterr()
    assert "Latency" in captured.out
    assert captured.err.startswith("edgebert: error: the times cannot be kept: ")
