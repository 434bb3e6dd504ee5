"""`edgebert prune`: whole jobs, and what becomes of those that fail or are stopped."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.numpy import load_file

import edgebert
from edgebert.cli import main
from edgebert.compression.options import PruneOptions, Target
from edgebert.compression.prune import one_shot, prune
from edgebert.distillation import DataOptions, RunOptions, Schedule, models
from edgebert_converters import pruning, sparsity
from edgebert_runtime.errors import InputError

L2 = PruneOptions(heads=0.5, neurons=0.5, importance="l2", multiple=8)
SCHEDULE = Schedule(epochs=4, batch_size=8, learning_rate=1e-3, save_every=2)
ROUNDS = ("--rounds", "2", "--epochs", "4", "--batch-size", "8", "--save-every", "2")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def command(teacher: Path, reviews: Path, output: Path, *more: str) -> list[str]:
    return [
        *("prune", str(teacher), "-o", str(output), "--data", str(reviews)),
        *("--heads", "0.5", "--neurons", "0.5", "--multiple", "8", *more),
    ]


def recovering(teacher: Path, reviews: Path, output: Path, *more: str) -> list[str]:
    files = ("--train", str(reviews), "--dev", str(reviews), "--sparsity", "0.5")
    return command(teacher, reviews, output, *files, *ROUNDS, *more)


def run(arguments: list[str], **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "edgebert", *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def weights(folder: Path) -> dict[str, Any]:
    return load_file(folder / "model.safetensors")


@pytest.fixture(scope="module")
def recovered(teacher: Path, reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("recovered") / "out"
    assert main(recovering(teacher, reviews, output)) == 0
    return output


def test_rounds_of_pruning_and_recovery(recovered: Path, teacher: Path) -> None:
    record = json.loads((recovered / "run.json").read_text())
    names = [stage["stage"] for stage in record["stages"]]
    assert names == ["pruning", "intermediate", "prediction"] * 2
    first, second = record["stages"][0], record["stages"][3]
    whole = pruning.parameters(models.load(teacher).model)
    assert record["before"]["parameters"] == whole
    assert whole > first["parameters"] > second["parameters"]
    # All but an eighth of the way in the first round: fast at first.
    assert sum(layer["heads"] for layer in first["layers"]) == 9
    assert sum(layer["heads"] for layer in second["layers"]) == 8
    assert sum(layer["feed_forward"] for layer in second["layers"]) == 128
    assert first["sparsity"] == pytest.approx(0.4375, abs=0.001)
    assert all("accuracy" in each for each in (record["before"], *record["stages"]))
    model = models.load(recovered).model
    assert pruning.parameters(model) == second["parameters"]
    # What it learnt left the zeros alone.
    assert sparsity.zeros(model) == pytest.approx(0.5, abs=0.001)
    assert not {path.name for path in recovered.iterdir()} & {"stages", "checkpoints", "data"}


def test_stopped_and_killed_it_goes_on_to_the_same_weights(
    recovered: Path, teacher: Path, reviews: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    for number in (signal.SIGINT, signal.SIGKILL):
        with run(recovering(teacher, reviews, output, "--resume")) as child:
            lines = _lines(output)
            while child.poll() is None and _lines(output) <= lines:
                time.sleep(0.01)
            child.send_signal(number)
            errors = child.communicate()[1]
        assert not (output / "config.json").exists()
        if number == signal.SIGINT:
            assert child.returncode == 130
            assert "Traceback" not in errors
            assert "--resume" in errors
    assert main(recovering(teacher, reviews, output, "--resume")) == 0
    ours, theirs = weights(output), weights(recovered)
    assert set(ours) == set(theirs)
    assert all((ours[name] == theirs[name]).all() for name in ours)


def _lines(output: Path) -> int:
    path = output / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_one_shot_by_each_importance(teacher: Path, reviews: Path, tmp_path: Path) -> None:
    kept = []
    for kind in ("taylor", "l1", "l2"):
        options = dataclasses.replace(L2, importance=kind, labelled=reviews)
        record = prune(teacher, tmp_path / kind, options)
        kept.append(weights(tmp_path / kind)["bert.encoder.layer.0.intermediate.dense.weight"])
        assert [stage["stage"] for stage in record["stages"]] == ["pruning"]
        widths = pruning.widths(models.load(tmp_path / kind).model)
        assert sum(each.heads for each in widths) == 8
        assert all(each.feed_forward % 8 == 0 for each in widths)
    assert kept[0].shape != kept[2].shape or (kept[0] != kept[2]).any()


def test_the_table_and_its_json(
    teacher: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dev = ("--dev", str(reviews), "--layers", "2,4")
    assert main(command(teacher, reviews, tmp_path / "first", *dev)) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].split() == ["layer", "heads", "stay", "neurons", "stay"]
    assert lines[2].split() == ["1", "4", "0", "64", "0"]
    assert "MACs of 64 tokens" in shown.out
    assert "dev accuracy" in shown.out
    assert "next: edgebert convert" in shown.err
    assert main(command(teacher, reviews, tmp_path / "second", *dev, "--json")) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["stages"][0]["kept_layers"] == [2, 4]
    assert record == json.loads((tmp_path / "second" / "run.json").read_text())
    assert models.load(tmp_path / "second").model.config.num_hidden_layers == 2


@pytest.mark.parametrize("kind", ["parameters", "macs"])
def test_a_target_is_met_and_its_search_reported(kind: str, teacher: Path, tmp_path: Path) -> None:
    options = PruneOptions(target=Target(kind, 0.7), importance="l2", multiple=1)
    record = prune(teacher, tmp_path / "out", options)
    stage = record["stages"][0]
    assert 0.65 < stage[kind] / record["before"][kind] <= 0.7
    met = [each["figures"][kind] for each in stage["search"] if each["met"]]
    assert max(met) == stage[kind]
    assert len(stage["search"]) == 12


@pytest.mark.slow
def test_a_latency_is_measured(
    teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["prune", str(teacher), "-o", str(tmp_path / "out"), "--importance", "l1"]
    assert main([*arguments, "--target", "latency=100000", "--backend", "onnx"]) == 0
    assert "Search of round 1" in capsys.readouterr().out
    stage = json.loads((tmp_path / "out" / "run.json").read_text())["stages"][0]
    (only,) = stage["search"]
    assert only["share"] == 1.0
    assert 0 < only["figures"]["milliseconds"] < 10_000
    # The same model twice, in turns.
    assert 0.3 < only["figures"]["latency_ratio"] < 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"heads": 1.5},
        {"heads": float("nan")},
        {"heads": 0},
        {"heads": 0.0},
        {"heads": -0.5},
        {"heads": 5},
        {"heads": (4, 4)},
        {"heads": ()},
        {"heads": True},
        {"heads": "0.5"},
        {"heads": 10**5000},
        {"neurons": 65},
        {"neurons": (1, 2, 3, 0)},
        {"layers": 0},
        {"layers": 5},
        {"layers": ()},
        {"layers": (0, 1)},
        {"layers": (2, 1)},
        {"layers": (1, 5)},
        {"multiple": 0},
        {"multiple": 10**9},
        {"importance": "l3"},
        {"importance": "taylor"},
        {"sparsity": 1.0},
        {"sparsity": float("nan")},
        {"sparsity": -0.1},
        {"backend": "torch"},
        {"rounds": 0},
        {"rounds": 2},
        {"stages": ("general",)},
        {"stages": ()},
        {"target": Target("macs", 0.5)},
        {"heads": None, "neurons": None},
        {"heads": None, "neurons": None, "target": Target("size", 0.5)},
        {"heads": None, "neurons": None, "target": Target("macs", 0.0)},
        {"heads": None, "neurons": None, "target": Target("macs", float("nan"))},
        {"heads": None, "neurons": None, "target": Target("macs", 0.001)},
        {"schedules": {"general": Schedule()}},
        {"schedules": {"prediction": Schedule(epochs=-1)}},
        {"run": RunOptions(seed=-1)},
        {"labelled": Path("nowhere.tsv")},
        {"data": DataOptions(dev=Path("nowhere.tsv"))},
        {"data": DataOptions(max_length=1)},
    ],
)
def test_what_cannot_be_pruned_by(wrong: dict[str, Any], teacher: Path, tmp_path: Path) -> None:
    if "labelled" in wrong:
        wrong = {**wrong, "importance": "taylor"}
    with pytest.raises(InputError) as error:
        prune(teacher, tmp_path / "out", dataclasses.replace(L2, **wrong))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content", ["", "text\tlabel\n", "text\na film\n", "text\tlabel\na\tbad\n"]
)
def test_rows_that_measure_nothing(content: str, teacher: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.tsv").write_text(content)
    assert main(command(teacher, tmp_path / "rows.tsv", tmp_path / "out")) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["rows.tsv"]


def test_an_output_that_is_there(teacher: Path, reviews: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").write_text("mine")
    for more in ((), ("--force",), ("--resume",)):
        assert main(command(teacher, reviews, tmp_path / "out", *more)) == 2
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["precious"]
    assert main(command(teacher, reviews, teacher)) == 2
    assert main(command(teacher, reviews, tmp_path / "no" / "out")) == 2


def test_another_run_in_its_place(teacher: Path, tmp_path: Path) -> None:
    first = prune(teacher, tmp_path / "out", L2)
    resume = dataclasses.replace(L2, run=RunOptions(resume=True))
    assert prune(teacher, tmp_path / "out", resume)["stages"] == first["stages"]
    with pytest.raises(InputError, match=r"was started with heads 0\.5"):
        prune(teacher, tmp_path / "out", dataclasses.replace(resume, heads=0.25))
    force = dataclasses.replace(L2, heads=1, run=RunOptions(force=True))
    prune(teacher, tmp_path / "out", force)
    assert [each.heads for each in pruning.widths(models.load(tmp_path / "out").model)] == [1] * 4


def test_in_one_shot_for_a_conversion(teacher: Path, tmp_path: Path) -> None:
    summary = one_shot(teacher, tmp_path, dataclasses.replace(L2, sparsity=0.3))
    assert summary["sparsity"] == pytest.approx(0.3, abs=0.001)
    assert pruning.parameters(models.load(tmp_path).model) == summary["parameters"]
    with pytest.raises(InputError, match="one shot"):
        one_shot(teacher, tmp_path, dataclasses.replace(L2, data=DataOptions(train=tmp_path)))


def test_a_pruned_checkpoint_learns_and_is_pruned_again(
    recovered: Path, teacher: Path, reviews: Path, tmp_path: Path
) -> None:
    options = edgebert.TrainOptions(data=DataOptions(train=reviews), schedule=SCHEDULE)
    edgebert.train(recovered, tmp_path / "tuned", options)
    tuned, before = models.load(tmp_path / "tuned").model, models.load(recovered).model
    assert pruning.widths(tuned) == pruning.widths(before)
    assert sparsity.zeros(tuned) == sparsity.zeros(before)
    prune(tmp_path / "tuned", tmp_path / "again", dataclasses.replace(L2, heads=1))
    found = pruning.read(models.load(tmp_path / "again").model.config)
    assert found is not None
    assert found.heads == (1, 1, 1, 1)
    assert found.parameters_before == pruning.parameters(models.load(teacher).model)


def test_a_student_is_distilled_and_pruned(teacher: Path, reviews: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    arguments = [
        *("distill", "--teacher", str(teacher), "--init-layers", "2,4", "-o", str(output)),
        *("--train", str(reviews), "--stages", "prediction", "--max-steps", "2"),
        *("--prune-heads", "2", "--prune-neurons", "16"),
    ]
    assert main([*arguments, "--prune-heads", "1.5"]) == 2
    assert not list(tmp_path.iterdir())
    assert main(arguments) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"out", "out-unpruned"}
    record = json.loads((output / "run.json").read_text())
    assert [stage["stage"] for stage in record["stages"]] == ["pruning", "prediction"]
    widths = pruning.widths(models.load(output).model)
    assert widths == (pruning.Widths(2, 16), pruning.Widths(2, 16))
    assert main(arguments) == 2
    assert main([*arguments, "--resume"]) == 0
