"""What benchmark programs of other libraries print, in the formats that their sources have."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from edgebert.profiler.android_benchmark_model import BenchmarkModel
from edgebert.profiler.android_perf_test import PerfTest, tensor
from edgebert.profiler.android_tool import Job
from edgebert.profiler.android_tools import abi_of, tool_of, version_of
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import DeviceError

_WARM_UP = (
    "INFO: count=4 first=900 curr=410 min=400 max=900 avg=530 std=212 p5=400 median=410 p95=900"
)
_RUNS = (
    "INFO: count=50 first=405 curr=399 min=390 max=620 avg=404.5 std=30 p5=391 median=400 p95=430"
)
_PRINTED = f"""INFO: STARTING!
INFO: Signature to run: [tokens_8]
INFO: Initialized session in 12.3ms.
INFO: Running benchmark for at least 3 iterations and at least 0.1 seconds but terminate …
{_WARM_UP}

{_RUNS}

INFO: Inference timings in us: Init: 12300, First inference: 900, Warmup (avg): 530
INFO: Overall peak memory footprint (MB) via periodic monitoring: 21.5
INFO: Memory status at the end of exeution:
INFO: - VmRSS              : 20 MB
INFO: + RssAnnon           : 9 MB
"""


@pytest.fixture
def tflite(bundle: Path) -> Job:
    (artifact,) = (each for each in Bundle(bundle).manifest.artifacts if each.backend == "tflite")
    return Job(artifact, "/d/model.tflite", "/d", tuple(range(20)), 1, 2, 4.0)


@pytest.fixture
def onnx_job(bundle: Path) -> Job:
    (artifact,) = (each for each in Bundle(bundle).manifest.artifacts if each.backend == "onnx")
    return Job(artifact, "/d/model.onnx", "/d", (101, 7, 70_000, 102), 2, 2, 0.2)


def test_reads_what_benchmark_model_prints(tflite: Job) -> None:
    report = BenchmarkModel().report(tflite, _PRINTED, "")
    timing = report.timing
    assert (timing.tokens, timing.batch, timing.warm_up_runs, timing.runs) == (20, 1, 4, 50)
    assert (timing.p50_ms, timing.mean_ms) == (0.4, 0.4045)
    assert timing.standard_deviation_ms == pytest.approx(0.03 * (50 / 49) ** 0.5)
    assert (timing.p90_ms, timing.p99_ms, timing.interval_ms) == (None, None, None)
    assert timing.sentences_per_second == pytest.approx(1e6 / 404.5)
    assert report.memory.peak_bytes == 21.5 * 2**20
    assert report.memory.steady_bytes == 20 * 2**20
    assert report.memory.loaded_bytes is None


def test_reads_runs_that_all_took_the_same_time(tflite: Job) -> None:
    same = "count=5 curr=1234567(all same) p5=1234567 median=1234567 p95=1234567"
    timing = BenchmarkModel().report(tflite, f"{_WARM_UP}\n{same}", "").timing
    assert (timing.p50_ms, timing.mean_ms) == (1234.567, 1234.567)
    assert timing.standard_deviation_ms == 0
    one = "count=1 curr=9 p5=9 median=9 p95=9"
    assert BenchmarkModel().report(tflite, f"{one}\n{one}", "").timing.runs == 1


def test_reads_means_with_an_exponent(tflite: Job) -> None:
    slow = "count=3 first=1 curr=1 min=1 max=2500000 avg=1.25e+06 std=9 p5=1 median=1250001 p95=1"
    timing = BenchmarkModel().report(tflite, f"{_WARM_UP}\n{slow}", "").timing
    assert (timing.p50_ms, timing.mean_ms) == (1250.001, 1250)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), "printed 'nothing', expected two lines that begin with count="),
        ((_RUNS,), "expected two lines"),
        (("\0\1\2 \ud7ff garbage",), "expected two lines"),
        ((_WARM_UP, _RUNS.partition(" p5=")[0]), "prints no median; take that of LiteRT 2"),
        ((_WARM_UP, _RUNS.replace("median=400", "median=nan")), "prints no median"),
        ((_WARM_UP, _RUNS.replace("median=400", "median=-4")), "prints no median"),
        ((_WARM_UP, _RUNS.replace("median=400", "median=9e99")), "prints no median"),
        ((_WARM_UP, _RUNS.replace("median=400", "median=0")), "times in their order"),
        ((_WARM_UP, _RUNS.replace("median=400", "median=700")), "times in their order"),
        ((_WARM_UP, _RUNS.replace("avg=404.5", "avg=0").replace("curr=", "was=")), "order"),
        ((_WARM_UP, "count=0 p5=0 median=0 p95=0"), "times in their order"),
    ],
)
def test_refuses_what_benchmark_model_never_prints(
    tflite: Job, lines: tuple[str, ...], expected: str
) -> None:
    with pytest.raises(DeviceError) as caught:
        BenchmarkModel().report(tflite, "\n".join(lines), "")
    assert expected in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("lengths", "signature", "length"), [((8, 32, 64), "tokens_32", 32), ((), "tokens", 20)]
)
def test_tells_benchmark_model_which_signature_to_run(
    tflite: Job, lengths: tuple[int, ...], signature: str, length: int
) -> None:
    tflite = dataclasses.replace(
        tflite, artifact=dataclasses.replace(tflite.artifact, lengths=lengths)
    )
    arguments = BenchmarkModel().arguments(tflite)
    assert f"--signature_to_run_for={signature}" in arguments
    assert "--graph=/d/model.tflite" in arguments
    assert "--num_threads=2" in arguments
    assert "--min_secs=3.000" in arguments
    shapes = ":".join([f"1,{length}"] * len(tflite.artifact.inputs))
    assert f"--input_layer_shape={shapes}" in arguments
    assert "--report_peak_memory_footprint=true" in BenchmarkModel().arguments(tflite, memory=True)


def test_refuses_a_benchmark_model_that_knows_no_signatures() -> None:
    with pytest.raises(DeviceError, match=r"no --signature_to_run_for .*LiteRT 2"):
        BenchmarkModel().check("--graph --num_runs", [1])


def _results(times: list[float], *, columns: int = 1) -> str:
    rows = [
        ",".join(
            ["model", *[f"{each * (place + 1):g}" for place in range(columns)], "9", "90", "1"]
        )
        for each in times
    ]
    return "\n".join(rows) + "\n\nMin Latency: 0.01 s\n"


_TIMES = [0.02] * 2 + [0.01 + 0.0001 * each for each in range(38)]


@pytest.mark.parametrize("line", ["P50 Latency: {:g} s", "P50 Latency is {:g}sec"])
def test_reads_single_runs_of_the_perf_test(onnx_job: Job, line: str) -> None:
    printed = f"Peak working set size: 5000000 bytes\n{line.format(sorted(_TIMES)[20])}\n"
    report = PerfTest().report(onnx_job, printed, _results(_TIMES))
    assert report.memory.peak_bytes == 5_000_000
    timing = report.timing
    # The first tenth is left out.
    assert (timing.tokens, timing.batch, timing.warm_up_runs, timing.runs) == (4, 2, 5, 36)
    expected = np.percentile(_TIMES[4:], [50, 90]) * 1000
    assert (timing.p50_ms, timing.p90_ms) == pytest.approx(tuple(expected))
    assert len(timing.quantiles_ms) == 21


def test_finds_the_column_whose_median_was_printed(onnx_job: Job) -> None:
    printed = f"P50 Latency: {sorted(_TIMES)[20] * 2:g} s"
    timing = PerfTest().report(onnx_job, printed, _results(_TIMES, columns=2)).timing
    assert timing.p50_ms == pytest.approx(np.median(_TIMES[4:]) * 2000)


def test_leaves_out_a_row_that_was_cut(onnx_job: Job) -> None:
    printed = f"P50 Latency: {sorted(_TIMES)[20]:g} s"
    results = _results(_TIMES).partition("\n\n")[0] + "\nmodel,0.0,9,90,1"
    assert PerfTest().report(onnx_job, printed, results).timing.runs == 36


@pytest.mark.parametrize(
    ("printed", "results", "expected"),
    [
        ("", "", "printed 'nothing', expected a line such as 'P50 Latency"),
        ("P50 Latency: nan s", _results(_TIMES), "expected a line such as"),
        ("P50 Latency: 0.5 s", _results(_TIMES), "have the median it printed, 0.5 s"),
        ("P50 Latency: 0.01 s", "", "have the median it printed"),
        ("P50 Latency: 0.01 s", "\0\1,,,,,\n" * 9, "have the median it printed"),
        ("P50 Latency: 0.01 s", "m,inf,1,1,1\nm,nan,1,1,1\n", "have the median it printed"),
        ("P50 Latency: 0.01 s", "m,0.01,1,1,1\n", "rows of at least two runs"),
    ],
)
def test_refuses_what_the_perf_test_never_prints(
    onnx_job: Job, printed: str, results: str, expected: str
) -> None:
    with pytest.raises(DeviceError) as caught:
        PerfTest().report(onnx_job, printed, results)
    assert expected in str(caught.value)


def test_tells_the_perf_test_whole_seconds(onnx_job: Job) -> None:
    arguments = PerfTest().arguments(onnx_job)
    assert arguments[arguments.index("-t") + 1] == "1"
    assert arguments[arguments.index("-x") + 1] == "2"
    assert arguments[-2:] == ["/d/model.onnx", "/d/results.csv"]
    longer = PerfTest().arguments(replace(onnx_job, seconds=7.6))
    assert longer[longer.index("-t") + 1] == "8"


def test_writes_inputs_that_onnx_reads(onnx_job: Job) -> None:
    found = {}
    for content in PerfTest().inputs(onnx_job).values():
        read = onnx.TensorProto.FromString(content)
        found[read.name] = onnx.numpy_helper.to_array(read)
    assert found.keys() == onnx_job.artifact.inputs.keys()
    for name, array in found.items():
        assert array.dtype == onnx_job.artifact.inputs[name]
    assert found["input_ids"].tolist() == [[101, 7, 70_000, 102]] * 2
    assert found["attention_mask"].tolist() == [[1] * 4] * 2


@pytest.mark.parametrize("kind", ["int32", "int64"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (300, 70)])
def test_writes_tensors_of_any_size(kind: str, shape: tuple[int, int]) -> None:
    array = np.random.default_rng(0).integers(-(2**31), 2**31, shape).astype(kind)
    read = onnx.TensorProto.FromString(tensor("a" * 200, array))
    onnx.checker.check_tensor(read)
    assert read.name == "a" * 200
    back = onnx.numpy_helper.to_array(read)
    assert back.dtype == array.dtype
    assert np.array_equal(back, array)


def test_knows_tools_by_their_help_and_then_by_their_name() -> None:
    usage = "usage: /data/tool <flags>\nFlags:\n\t--graph=\tstring\toptional"
    assert tool_of("android_aarch64_tool", usage).backend == "tflite"
    assert tool_of("benchmark_model", "perf_test [options...] model_path").backend == "onnx"
    assert tool_of("android_aarch64_benchmark_model", "").backend == "tflite"
    assert tool_of("onnxruntime_perf_test", "").backend == "onnx"
    with pytest.raises(DeviceError, match="is neither"):
        tool_of("sh", "usage")


def test_tells_the_version_where_a_tool_does() -> None:
    assert version_of("ONNX Runtime version: 1.24.0-rc1 of today") == "1.24.0-rc1"
    assert version_of("a conversion 3.4") is None
    assert version_of("usage") is None


def test_tells_which_processors_a_program_is_for(tmp_path: Path) -> None:
    machines = {"arm64-v8a": 183, "armeabi-v7a": 40, "x86": 3, "x86_64": 62, "machine 0x8": 8}
    for abi, machine in machines.items():
        order = "big" if machine == 8 else "little"
        head = b"\x7fELF\x02" + bytes([2 if order == "big" else 1]) + bytes(12)
        (tmp_path / "tool").write_bytes(head + machine.to_bytes(2, order))
        assert abi_of(tmp_path / "tool") == abi
    (tmp_path / "tool").write_bytes(b"#!/bin/sh\n")
    assert abi_of(tmp_path / "tool") is None
    (tmp_path / "tool").write_bytes(b"\x7fELF")
    assert abi_of(tmp_path / "tool") is None
    if sys.platform == "linux":
        assert abi_of(Path(sys.executable).resolve()) is not None
