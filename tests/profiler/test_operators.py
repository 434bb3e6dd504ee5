"""Operators of real exported models, measured by the libraries and folded to parts."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import textwrap
import threading
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx as onnx_format
import pytest
import students
import torch

import edgebert
from edgebert_runtime import Bundle, backends
from edgebert_runtime.backends import Ids, feed, onnx, torchscript
from edgebert_runtime.manifest import Artifact
from edgebert_runtime.measurement import PARTS, OperatorProfile
from edgebert_runtime.onnx_nodes import read_nodes

RUNS = 3
STORED = Path(__file__).parent.parent / "stored_bundles"


@dataclass(frozen=True)
class Case:
    """A checkpoint of two layers, and how many linear layers each of its parts has."""

    family: str
    task: str
    recipes: tuple[str, ...]
    width: int
    linears: dict[str, int]
    activation: set[str]
    """Operators in ONNX that nothing but the activation of the feed-forward network has."""


_LAYERS = {"attention": 8, "feed-forward": 4}
_BOTH = ("float32", "int8_dynamic")
_GELU = {"Gelu", "BiasGelu", "FastGelu"}
CASES = (
    Case("bert", "classification", _BOTH, 256, {**_LAYERS, "head": 2}, _GELU),
    Case("distilbert", "token-classification", _BOTH, 32, {**_LAYERS, "head": 1}, _GELU),
    # Its head's last layer is the table of tokens, and its embeddings are projected.
    Case("albert", "masked-lm", ("float32",), 32, {"embeddings": 1, **_LAYERS, "head": 2}, _GELU),
    # Two bottlenecks before attention, two feed-forward networks, and one bottleneck behind.
    Case(
        "mobilebert",
        "classification",
        _BOTH,
        32,
        {"embeddings": 1, "attention": 12, "feed-forward": 10, "head": 2},
        {"Relu"},
    ),
)

LINEAR = {
    ("onnx", "float32"): {"MatMul", "Gemm", "FusedGemm"},
    ("onnx", "int8_dynamic"): {"MatMulIntegerToFloat"},
    ("torchscript", "float32"): {"aten::linear"},
    ("torchscript", "int8_dynamic"): {"quantized::linear_dynamic"},
}


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case.family}-{case.task}")
def converted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Case, Path]:
    """A case, and its bundle for ONNX and TorchScript."""
    case: Case = request.param
    folder = tmp_path_factory.mktemp("operators")
    sizes = {"hidden_size": case.width, "intermediate_size": 4 * case.width}
    sizes = sizes if case.family == "bert" else {}
    students.checkpoint(folder / "checkpoint", case.family, case.task, **sizes)
    options = edgebert.ConvertOptions(recipes=case.recipes, formats=("onnx", "torchscript"))
    edgebert.convert(folder / "checkpoint", folder / "bundle", options)
    return case, folder / "bundle"


def test_every_operator_belongs_to_its_part(converted: tuple[Case, Path]) -> None:
    case, bundle = converted
    for artifact in Bundle(bundle).manifest.artifacts:
        profile = _profile(bundle, artifact)
        assert profile.reason is None
        assert profile.tokens == 12
        in_onnx = artifact.backend == "onnx"

        linears = _calls(profile, LINEAR[artifact.backend, artifact.recipe])
        if in_onnx and artifact.recipe == "float32" and case.family == "mobilebert":
            linears["attention"] -= 2  # of each layer's probabilities with its values
        assert linears == case.linears

        assert _calls(profile, {"Softmax", "aten::softmax"}) == {"attention": 2}
        lookups = _calls(profile, {"Gather" if in_onnx else "aten::embedding"})
        assert lookups["embeddings"] >= 2
        assert not {"attention", "feed-forward", "normalization"} & lookups.keys()
        activations = case.activation if in_onnx else {"aten::gelu", "aten::relu"}
        assert _calls(profile, activations)["feed-forward"] >= 2
        assert not {"attention", "normalization"} & _calls(profile, activations).keys()
        if case.family == "mobilebert":
            # A factor and a summand each: embeddings, and six in a layer.
            assert _calls(profile, {"Mul", "aten::mul"})["normalization"] == 13
        else:
            kinds = {"InstanceNormalization", "aten::layer_norm"}
            norms = 5 + (case.task == "masked-lm")
            assert _calls(profile, kinds) == {"normalization": norms}
        assert {each.part for each in profile.operators} == set(PARTS) - {"other"}


def test_quantization_is_counted_to_what_it_is_for(converted: tuple[Case, Path]) -> None:
    case, bundle = converted
    for artifact in Bundle(bundle).manifest.artifacts:
        if artifact.recipe == "float32":
            continue
        profile = _profile(bundle, artifact)
        kinds = {"QuantizeLinear"} if artifact.backend == "onnx" else {"aten::amax"}
        steps = _calls(profile, kinds)
        # Query, key and value share theirs, unless the last layer asks for the first token alone.
        assert steps["feed-forward"] == case.linears["feed-forward"]
        assert steps["head"] == case.linears["head"]
        assert steps.get("embeddings", 0) == case.linears.get("embeddings", 0)
        assert 4 <= steps["attention"] <= case.linears["attention"]
        assert "normalization" not in steps


@pytest.mark.parametrize("converted", [CASES[0]], indirect=True, ids=["wide"])
def test_the_sum_is_near_the_whole_run(converted: tuple[Case, Path]) -> None:
    _, bundle = converted
    inputs = _inputs(64)
    for artifact in Bundle(bundle).manifest.artifacts:
        file = bundle / artifact.file
        if artifact.backend == "onnx":
            fed = feed(artifact, inputs)
            events, optimized = onnx._profiled(file.read_bytes(), 1, fed, RUNS)
            whole = sum(each["dur"] for each in events if each["name"] == "model_run") / 1000
            spent = [milliseconds for _, _, milliseconds in onnx._timed(events, RUNS)]
            assert len(spent) == RUNS * len(read_nodes(optimized))
            # Between two nodes the profiler writes down the first.
            least = 0.4
        else:
            backend = torchscript.open_artifact(artifact, file, 1)
            runs, graph = torchscript._profiled(backend, inputs, RUNS)
            whole = sum(each.time_range.elapsed_us() for each in runs) / 1000
            steps = [(node.kind, "here") for node in torchscript._nodes(graph)]
            calls = [call for run in runs for call in torchscript._calls(run.cpu_children, steps)]
            assert {call.part for call in calls} == {"here"}
            spent = [call.milliseconds for call in calls]
            least = 0.7
        assert least * whole <= sum(spent) <= 1.001 * whole


def test_means_of_one_run_without_the_warm_up(bundle: Path) -> None:
    for backend in ("onnx", "torchscript"):
        operators = _profile(bundle, _artifact(bundle, backend)).operators
        assert all(each.calls == int(each.calls) >= 1 for each in operators)
        assert all(each.milliseconds >= 0 for each in operators)
        times = [each.milliseconds for each in operators]
        assert times == sorted(times, reverse=True)
        pairs = [(each.part, each.kind) for each in operators]
        assert len(pairs) == len(set(pairs))


def test_tflite_says_why_there_is_nothing(bundle: Path) -> None:
    profile = _profile(bundle, _artifact(bundle, "tflite"))
    assert profile.operators == ()
    assert profile.reason is not None
    assert profile.reason.startswith("ai_edge_litert has no profiler for Python")


@pytest.mark.parametrize("version", [1, 2])
def test_bundles_of_earlier_versions(version: int, tmp_path: Path) -> None:
    with zipfile.ZipFile(STORED / f"version-{version}.edgebert") as archive:
        archive.extractall(tmp_path)
    artifacts = [each for each in Bundle(tmp_path).manifest.artifacts if each.backend == "onnx"]
    assert artifacts
    for artifact in artifacts:
        profile = _profile(tmp_path, artifact)
        assert {each.part for each in profile.operators} == set(PARTS) - {"other"}


@pytest.mark.parametrize("backend", ["onnx", "torchscript"])
def test_nothing_stays_behind(
    backend: str,
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    artifact = _artifact(bundle, backend)
    temporary, here = tmp_path / "temporary", tmp_path / "here"
    temporary.mkdir()
    here.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.chdir(here)
    ordinary = backends.open_backend(artifact, bundle / artifact.file, 1)
    before = ordinary.run(_inputs())
    _profile(bundle, artifact)
    threads = threading.active_count(), _threads_of_the_process()
    _profile(bundle, artifact)
    assert list(temporary.iterdir()) == list(here.iterdir()) == []
    assert (threading.active_count(), _threads_of_the_process()) == threads
    assert not torch.autograd._profiler_enabled()
    assert capfd.readouterr() == ("", "")
    assert np.array_equal(ordinary.run(_inputs()), before)


def test_nowhere_to_write_a_profile(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    profile = _profile(bundle, _artifact(bundle, "onnx"))
    assert profile.operators == ()
    assert profile.reason is not None
    assert "onnxruntime did not profile the model" in profile.reason
    assert "TMPDIR" in profile.reason


@pytest.mark.skipif(sys.platform == "win32", reason="a limit of file sizes is POSIX's")
@pytest.mark.parametrize("limit", [0, 30_000, 100_000])
def test_a_disk_that_is_full(limit: int, bundle: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk: the model, or its profile, is cut."""
    program = f"""
        import resource, sys
        from pathlib import Path
        import numpy as np
        from edgebert_runtime import Bundle, backends
        folder = Path(sys.argv[1])
        artifacts = Bundle(folder).manifest.artifacts
        artifact = next(each for each in artifacts if each.backend == "onnx")
        ids = np.ones((1, 8), np.int64)
        inputs = dict.fromkeys(("input_ids", "attention_mask", "token_type_ids"), ids)
        resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
        print(backends.profile_operators(artifact, folder / artifact.file, 1, inputs, 30).reason)
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(bundle)],
        env={"TMPDIR": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "onnxruntime did not profile the model" in result.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("backend", ["onnx", "torchscript"])
def test_inputs_that_the_model_refuses_are_a_reason(backend: str, bundle: Path) -> None:
    artifact = _artifact(bundle, backend)
    inputs = {**_inputs(), "input_ids": np.full((1, 12), 10**6, dtype=np.int64)}
    profile = backends.profile_operators(artifact, bundle / artifact.file, 1, inputs, RUNS)
    assert profile.operators == ()
    assert profile.reason
    assert "\n" not in profile.reason


def test_nodes_are_those_that_the_onnx_package_reads(bundle: Path) -> None:
    content = (bundle / _artifact(bundle, "onnx").file).read_bytes()
    nodes = onnx_format.load_from_string(content).graph.node
    assert len(nodes) > 100
    assert [(each.name, each.kind, each.inputs, each.outputs) for each in read_nodes(content)] == [
        (each.name, each.op_type, tuple(filter(None, each.input)), tuple(each.output))
        for each in nodes
    ]


def test_half_a_file_is_no_model(bundle: Path) -> None:
    content = (bundle / _artifact(bundle, "onnx").file).read_bytes()
    for length in (1, 5, 100, len(content) // 2, len(content) - 1):
        with pytest.raises(ValueError, match=r"not an \.onnx file"):
            read_nodes(content[:length])
    with pytest.raises(ValueError, match=r"not an \.onnx file"):
        read_nodes(b"\x0f" * 20)


def _inputs(tokens: int = 12) -> dict[str, Ids]:
    ids = np.arange(5, 5 + tokens, dtype=np.int64)[None]
    return {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "token_type_ids": np.zeros_like(ids),
    }


def _artifact(bundle: Path, backend: str) -> Artifact:
    artifacts = Bundle(bundle).manifest.artifacts
    return next(each for each in artifacts if each.backend == backend)


def _profile(bundle: Path, artifact: Artifact) -> OperatorProfile:
    return backends.profile_operators(artifact, bundle / artifact.file, 1, _inputs(), RUNS)


def _calls(profile: OperatorProfile, kinds: set[str]) -> Counter[str]:
    """Calls in one run of operators of these kinds, by part."""
    calls: Counter[str] = Counter()
    for each in profile.operators:
        if each.kind in kinds:
            calls[each.part] += round(each.calls)
    return calls


def _threads_of_the_process() -> int:
    status = Path("/proc/self/task")
    return len(list(status.iterdir())) if status.exists() else 0
