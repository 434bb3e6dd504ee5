"""`edgebert compare` from end to end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image

import edgebert
from edgebert.cli import main
from edgebert_runtime.bundle import Bundle

QUICK = ["--tokens", "24", "--rounds", "2", "--budget", "0.2"]
TEXTS = ("a fine film", "not my taste at all", "slow, and then slower", "see it twice")


@pytest.fixture
def data(bundle: Path, tmp_path: Path) -> Path:
    """Rows of which the smaller classifier has three of four right on ONNX."""
    with edgebert.load(bundle, backend="onnx", threads=1) as model:
        given = [answer.label for answer in model.predict(list(TEXTS))]
    given[0] = {"negative": "positive", "positive": "negative"}[given[0]]
    path = tmp_path / "dev.tsv"
    rows = "".join(f"{text}\t{label}\n" for text, label in zip(TEXTS, given, strict=True))
    path.write_text(f"text\tlabel\n{rows}")
    return path


def compared(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    assert main(["compare", *map(str, arguments), *QUICK, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def mistake(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["compare", *map(str, arguments)]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.count("\n") == 1
    return errors


def test_two_bundles_on_labelled_rows(
    bundle: Path, larger: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = tmp_path / "plot.svg"
    found = compared(capsys, bundle, "--eval", data, larger, "--plot", plot)
    assert (found["score"], found["data"], found["examples"]) == ("accuracy", "dev.tsv", 4)
    assert (found["tokens"], found["threads"], found["rounds"]) == (24, 1, 2)
    artifacts = found["artifacts"]
    assert {each["name"] for each in artifacts} == {
        *(f"classifier {backend} int8_dynamic" for backend in ("onnx", "tflite", "torchscript")),
        *(f"larger {backend} int8_dynamic" for backend in ("onnx", "tflite")),
    }
    latencies = [each["p50_ms"] for each in artifacts]
    assert latencies == sorted(latencies)
    assert min(latencies) > 0
    by_name = {each["name"]: each for each in artifacts}
    assert by_name["classifier onnx int8_dynamic"]["scores"]["accuracy"] == 0.75
    # The other one's labels are in another order: by name they are scored all the same.
    capsys.readouterr()
    assert main(["evaluate", str(larger), str(data), "--json"]) == 0
    for each in json.loads(capsys.readouterr().out)["artifacts"]:
        scores = by_name[f"larger {each['backend']} {each['recipe']}"]["scores"]
        assert scores == {"accuracy": each["accuracy"], "macro_f1": each["macro_f1"]}
    for each in artifacts:
        assert len(each["rounds_p50_ms"]) == 2
        assert each["device_bytes"] > each["bytes"] > 0
    assert any(each["pareto"] for each in artifacts)
    assert by_name["larger tflite int8_dynamic"]["run_as_tokens"] == 64
    assert by_name["larger onnx int8_dynamic"]["run_as_tokens"] == 24
    assert {"onnxruntime", "torch"} <= found["machine"]["libraries"].keys()
    drawn = ElementTree.parse(plot).getroot().iter()
    assert sum(each.get("id", "").startswith("bubble-") for each in drawn) == len(artifacts)


def test_without_rows_the_manifests_agreement(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = tmp_path / "plot.png"
    found = compared(capsys, f"{bundle}:tflite", f"{bundle}:onnx", "--plot", plot)
    assert (found["score"], found["data"], found["examples"]) == ("agreement", None, None)
    agreement = {each.backend: each.parity.agreement for each in Bundle(bundle).manifest.artifacts}
    assert {each["backend"]: each["scores"] for each in found["artifacts"]} == {
        backend: {"agreement": agreement[backend]} for backend in ("onnx", "tflite")
    }
    with Image.open(plot) as image:
        image.load()
        assert image.format == "PNG"


def test_the_table(larger: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(larger), "--eval", str(data), *QUICK]) == 0
    output = capsys.readouterr().out
    table, notes, machine = output.split("\n\n")
    assert table.split("\n")[0].split()[:4] == ["artifact", "accuracy", "p50", "ms"]
    assert len(table.split("\n")) == 4
    assert "Score: accuracy on dev.tsv, 4 rows" in notes
    assert "tflite int8_dynamic runs 24 tokens as 64" in notes
    assert "onnx int8_dynamic runs" not in notes
    assert machine.startswith("Machine ")


def test_a_missing_library_is_reported(
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "onnxruntime.py").write_text("raise ModuleNotFoundError(name='onnxruntime')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    assert main(["compare", str(bundle), "--backend", "onnx,tflite", *QUICK]) == 0
    output = capsys.readouterr().out
    assert "run: pip install 'edgebert[onnx]'" in output.partition("Not measured\n")[2]
    assert "run: pip install 'edgebert[onnx]'" in mistake(capsys, f"{bundle}:onnx", *QUICK)


@pytest.mark.parametrize("labelled", [True, False])
def test_an_altered_file_is_reported_beside_the_rest(
    labelled: bool, larger: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(larger, tmp_path / "copy"))
    (artifact,) = (each for each in Bundle(copy).manifest.artifacts if each.backend == "onnx")
    os.truncate(copy / artifact.file, artifact.bytes - 1)
    evaluated = ["--eval", str(data)] if labelled else []
    assert main(["compare", str(copy), *evaluated, *QUICK]) == 1
    output = capsys.readouterr().out
    assert output.count("\ntflite ") == 1
    assert "altered or cut short" in output.partition("Not measured\n")[2]


def test_a_plot_without_matplotlib_is_refused_at_once(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "matplotlib.py").write_text("raise ModuleNotFoundError(name='matplotlib')\n")
    command = [sys.executable, "-m", "edgebert", "compare", bundle, "--plot", tmp_path / "x.png"]
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path}
    )
    assert done.returncode == 2
    assert done.stderr == (
        "edgebert: error: --plot needs matplotlib, which is not installed; run: "
        "pip install 'edgebert[compare]'\n"
    )


def test_an_interrupted_comparison_leaves_nothing(bundle: Path, tmp_path: Path) -> None:
    plot = tmp_path / "x.png"
    command = [sys.executable, "-m", "edgebert", "compare", str(bundle), "--plot", str(plot)]
    with subprocess.Popen(
        [*command, "--budget", "500"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        deadline = time.monotonic() + 60
        while not children.read_text().split() and time.monotonic() < deadline:
            time.sleep(0.001)
        measuring = [int(each) for each in children.read_text().split()]
        assert measuring
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (130, b"", b"")
    assert list(tmp_path.iterdir()) == []
    assert not any(Path(f"/proc/{each}").exists() for each in measuring)


def test_positions_that_mean_different_labels(
    bundle: Path, larger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "x.tsv"
    data.write_text("text\tlabel\na\tpositive\nb\t0\n")
    line = mistake(capsys, bundle, larger, "--eval", data)
    assert "x.tsv, line 3: got the label '0', and the bundles have their labels in diff" in line


def test_embeddings_have_no_labels(
    bundle: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "copy"))
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest |= {"task": "embedding", "labels": []}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert "leave --eval out to compare" in mistake(capsys, copy, "--eval", data)
    assert "can be compared" in mistake(capsys, copy, bundle)
    found = compared(capsys, copy, "--backend", "onnx")
    assert (found["task"], found["score"]) == ("embedding", "agreement")


def test_numbers_are_compared_by_correlation(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "copy"))
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["task"] = "regression"
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with edgebert.load(copy, backend="onnx", threads=1) as model:
        values = [answer.value for answer in model.predict(list(TEXTS))]
    data = tmp_path / "x.jsonl"
    rows = zip(TEXTS, values, strict=True)
    data.write_text(
        "".join(json.dumps({"text": text, "label": -2 * value}) + "\n" for text, value in rows)
    )
    found = compared(capsys, copy, "--backend", "onnx", "--eval", data)
    assert found["score"] == "correlation"
    assert found["artifacts"][0]["scores"]["correlation"] == pytest.approx(-1.0, abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plot", "x.pdf"], "got the suffix '.pdf', expected .png or .svg"),
        (["--plot", "no-such-folder/x.svg"], "folder to write it in does not exist"),
        (["--tokens", "65"], "looks at 64 at most; give --tokens 64 or less"),
        (["--backend", "coral"], "backend: got 'coral', expected one of"),
        (["--recipe", "int2"], "no bundle holds such an artifact"),
        (["--rounds", "0"], "expected a whole number of at least 1"),
        (["--budget", "nan"], "expected a number of seconds above 0"),
        (["--eval", "no-such-file.tsv"], "no-such-file.tsv"),
    ],
)
def test_a_mistake_is_one_line(
    bundle: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in mistake(capsys, bundle, *arguments)


def test_no_bundle_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert "BUNDLE" in mistake(capsys)
