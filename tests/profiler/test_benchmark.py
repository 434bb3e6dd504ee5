"""The benchmark as a device runs it: a process of its own over a real bundle."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgebert_runtime import Bundle, InputError, load
from edgebert_runtime.benchmark import encoding_of_length, main
from edgebert_runtime.manifest import BACKENDS
from edgebert_runtime.measurement import PROGRESS, Measurement, fitting_lengths
from edgebert_runtime.process import ProcessClock, peak_resident_bytes, resident_bytes

COMMAND = [sys.executable, "-m", "edgebert_runtime.benchmark"]


def benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("backend", BACKENDS)
def test_measures_an_artifact(bundle: Path, backend: str) -> None:
    done = benchmark(str(bundle), "--backend", backend, "--lengths", "8,16", "--budget", "0.3")
    assert done.returncode == 0, done.stderr
    measured = Measurement.from_json(done.stdout)
    artifact = next(each for each in Bundle(bundle).manifest.artifacts if each.backend == backend)
    assert (measured.backend, measured.recipe) == (backend, artifact.recipe)
    assert (measured.file, measured.bytes) == (artifact.file, artifact.bytes)
    assert measured.threads == 1
    assert [timing.tokens for timing in measured.lengths] == [8, 16]
    assert measured.text_to_answer is not None
    for timing in (measured.text_to_answer, *measured.lengths):
        assert timing.runs >= 5
        assert 0 < timing.p50_ms <= (timing.p90_ms or 0) <= (timing.p99_ms or 0)
        assert timing.sentences_per_second == pytest.approx(1000 / timing.mean_ms)
    startup = measured.startup
    for stage in (startup.backend_import_ms, startup.load_ms, startup.first_answer_ms):
        assert stage is not None
        assert stage > 0
    library = {"onnx": "onnxruntime", "tflite": "ai_edge_litert", "torchscript": "torch"}[backend]
    assert {"numpy", "tokenizers", library} == measured.facts.libraries.keys()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_start_up_adds_up(bundle: Path) -> None:
    done = benchmark(str(bundle), "--backend", "onnx", "--lengths", "8", "--budget", "0.1")
    measured = Measurement.from_json(done.stdout)
    startup, memory = measured.startup, measured.memory
    assert startup.runtime_import_ms is not None
    assert startup.import_ms is not None
    assert startup.to_first_answer_ms is not None
    assert startup.backend_import_ms is not None
    assert startup.load_ms is not None
    assert startup.first_answer_ms is not None
    assert startup.import_ms >= startup.runtime_import_ms + startup.backend_import_ms
    after_imports_ms = startup.load_ms + startup.first_answer_ms
    assert startup.to_first_answer_ms >= startup.import_ms + after_imports_ms
    stages = (
        memory.runtime_imported_bytes,
        memory.backend_imported_bytes,
        memory.loaded_bytes,
        memory.first_answer_bytes,
        memory.steady_bytes,
    )
    assert memory.peak_bytes is not None
    assert all(stage is not None and 0 < stage <= memory.peak_bytes for stage in stages)


def test_batches_heat_and_operators_are_measured_where_asked_for(bundle: Path) -> None:
    done = benchmark(
        *(str(bundle), "--backend", "onnx", "--lengths", "8,16", "--batches", "1,3"),
        *("--budget", "0.5", "--minutes", "0.02", "--operators", "--progress"),
    )
    measured = Measurement.from_json(done.stdout)
    assert [(each.tokens, each.batch) for each in measured.lengths] == [
        (8, 1), (8, 3), (16, 1), (16, 3),
    ]  # fmt: skip
    for timing in measured.lengths:
        assert timing.sentences_per_second == pytest.approx(1000 * timing.batch / timing.mean_ms)
    seconds = [each.seconds for each in measured.sustained]
    assert 2 <= len(seconds) <= 4
    assert seconds == sorted(seconds)
    assert all(each.runs >= 2 and each.p50_ms > 0 for each in measured.sustained)
    assert measured.operators is not None
    assert measured.operators.tokens == 16
    assert sum(each.milliseconds for each in measured.operators.operators) > 0
    steps = [line for line in done.stderr.splitlines() if line.startswith(PROGRESS)]
    assert f"{PROGRESS}16 tokens, batch 3" in steps
    assert f"{PROGRESS}operators at 16 tokens" in steps
    times = [each.seconds for each in measured.conditions.moments]
    assert len(times) >= 6
    assert times == sorted(times)


def test_json_is_one_line_and_keeps_its_keys(bundle: Path) -> None:
    done = benchmark(
        str(bundle), "--backend", "onnx", "--lengths", "8", "--budget", "0.1", "--json"
    )
    assert done.stdout.count("\n") == 1
    data = json.loads(done.stdout)
    assert data["schema_version"] == 2
    assert list(data) == [
        "schema_version",
        "bundle",
        "backend",
        "recipe",
        "file",
        "bytes",
        "threads",
        "tool",
        "startup",
        "memory",
        "text_to_answer",
        "lengths",
        "conditions",
        "sustained",
        "energy",
        "operators",
        "facts",
    ]
    assert list(data["lengths"][0]) == [
        "tokens",
        "batch",
        "warm_up_runs",
        "runs",
        "p50_ms",
        "p90_ms",
        "p99_ms",
        "mean_ms",
        "standard_deviation_ms",
        "interval_ms",
        "quantiles_ms",
        "sentences_per_second",
    ]
    again = Measurement.from_json(done.stdout)
    assert json.loads(again.to_json()) == data
    assert dataclasses.asdict(again)["facts"]["libraries"] == data["facts"]["libraries"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: BUNDLE, --backend"),
        (["nowhere", "--backend", "onnx"], "no bundle at 'nowhere'"),
        (["nowhere", "--backend", "onnx", "--threads", "0"], "got '0', expected a whole number"),
        (["nowhere", "--backend", "onnx", "--lengths", "8,,16"], "got '', expected a whole number"),
        (["nowhere", "--backend", "onnx", "--budget", "inf"], "expected a number of seconds"),
        (["nowhere", "--backend", "onnx", "--minutes", "-1"], "expected a number of minutes"),
        (["nowhere", "--backend", "onnx", "--precision", "2"], "expected a share such as 0.02"),
        (["nowhere", "--backend", "onnx", "--batches", "0"], "got '0', expected a whole number"),
        (["nowhere", "--backend", "coral"], "invalid choice: 'coral'"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("edgebert: error: ")
    assert message in errors
    assert errors.count("\n") == 1


def test_a_length_beyond_the_bundle_is_a_mistake(bundle: Path) -> None:
    beyond = Bundle(bundle).manifest.max_length + 1
    done = benchmark(str(bundle), "--backend", "onnx", "--lengths", f"8,{beyond}")
    assert done.returncode == 2
    assert f"got '8,{beyond}', expected numbers of tokens from 1 to {beyond - 1}" in done.stderr
    assert done.stdout == ""


def test_lengths_that_fit() -> None:
    assert fitting_lengths(None, 512) == (8, 16, 32, 64, 128)
    assert fitting_lengths(None, 40) == (8, 16, 32)
    assert fitting_lengths(None, 6) == (6,)
    assert fitting_lengths((32, 8, 8), 32) == (8, 32)
    for lengths in ((), (0,), (33,)):
        with pytest.raises(InputError):
            fitting_lengths(lengths, 32)


def test_ids_of_every_length_are_the_models_own(bundle: Path) -> None:
    with load(bundle, backend="onnx") as model:
        ordinary = model.tokenizer.encode("a cat").ids
        for tokens in range(1, model.max_length + 1):
            encoding = encoding_of_length(model.tokenizer, tokens)
            assert len(encoding.ids) == len(encoding.token_type_ids) == tokens
            assert encoding.ids[-1] == ordinary[-1]
            assert tokens == 1 or encoding.ids[0] == ordinary[0]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_clock_and_memory_of_this_process() -> None:
    clock = ProcessClock()
    before, after = clock.now_ms(), clock.now_ms()
    assert before is not None
    assert after is not None
    assert 0 < before <= after
    resident, peak = resident_bytes(), peak_resident_bytes()
    assert resident is not None
    assert peak is not None
    assert 1_000_000 < resident <= peak


def test_interrupted_it_says_nothing(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for the library waits, so that the interrupt comes at a known place."""
    (tmp_path / "onnxruntime.py").write_text("print(flush=True)\nimport time\ntime.sleep(60)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with subprocess.Popen(
        [*COMMAND, str(bundle), "--backend", "onnx"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    assert (process.returncode, output, errors) == (130, "", "")
