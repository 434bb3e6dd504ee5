"""Each format gets the fastest recipe within the allowed loss, or nothing is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import edgebert
from edgebert.cli import main
from edgebert.gate.search import _least_that
from edgebert_runtime import Bundle
from edgebert_runtime.examples import read_examples

FORMATS = ("onnx", "tflite", "torchscript")


def convert(
    checkpoint: Path, output: Path, gate: edgebert.Gate, **options: Any
) -> edgebert.Manifest:
    options.setdefault("formats", ("onnx",))
    options.setdefault("lengths", (16, 64))
    return edgebert.convert(checkpoint, output, edgebert.ConvertOptions(**options), gate=gate)


def accuracy(bundle: Path, rows: Path, backend: str) -> float:
    examples = read_examples(rows, None)
    with edgebert.load(bundle, backend=backend, threads=1) as model:
        answers = [model.predict(each.text) for each in examples]
    right = [
        isinstance(answer, edgebert.Classification) and answer.label == example.labels[0]
        for answer, example in zip(answers, examples, strict=True)
    ]
    return sum(right) / len(right)


def test_planted_outliers_are_kept_in_float(planted: Path, answered: Path, tmp_path: Path) -> None:
    """Plain int8 is no better than guessing; few layers in float mend it, on every backend."""
    bundle = tmp_path / "bundle"
    gate = edgebert.Gate(answered, max_drop=3)
    manifest = convert(planted, bundle, gate, formats=FORMATS, recipes=("int8_dynamic", "float32"))
    search = manifest.search
    assert search is not None
    assert search.float_value == 1.0
    plain = [each for each in search.trials if not each.float_layers]
    assert [(each.backend, each.recipe) for each in plain] == [
        (form, "int8_dynamic") for form in FORMATS
    ]
    assert all(each.value < 0.75 for each in plain)
    assert [each.recipe for each in manifest.artifacts] == ["int8_dynamic"] * 3
    for artifact in manifest.artifacts:
        assert 1 <= len(artifact.float_layers) <= 4
        assert any("output" in name or "value" in name for name in artifact.float_layers)
        assert accuracy(bundle, answered, artifact.backend) >= 0.97
    kept = [each for each in search.trials if each.kept]
    assert [each.backend for each in kept] == list(FORMATS)
    assert all(each.value >= 0.97 for each in kept)
    assert Bundle(bundle).manifest == manifest
    listed = {"manifest.json", "tokenizer.json", *(each.file for each in manifest.artifacts)}
    assert {path.name for path in bundle.iterdir()} == listed


def test_what_loses_nothing_is_taken_as_it_is(
    checkpoint: Path, answered: Path, tmp_path: Path
) -> None:
    """The faster of the recipes that pass, and no float recipe is tried."""
    manifest = convert(checkpoint, tmp_path / "bundle", edgebert.Gate(answered, max_drop=10))
    assert manifest.search is not None
    trials = manifest.search.trials
    assert [each.recipe for each in trials] == ["int8_dynamic", "int8_static"]
    (artifact,) = manifest.artifacts
    passed = [each for each in trials if each.value >= 0.9]
    assert artifact.recipe == min(passed, key=lambda each: each.p50_ms).recipe


def test_weaker_recipes_when_no_few_layers_will_do(
    planted: Path, answered: Path, tmp_path: Path
) -> None:
    gate = edgebert.Gate(answered, max_drop=3)
    recipes = ("int8_static", "int8_weights", "float32")
    manifest = convert(planted, tmp_path / "bundle", gate, recipes=recipes)
    assert manifest.search is not None
    assert [each.recipe for each in manifest.search.trials] == list(recipes)
    assert [each.recipe for each in manifest.artifacts] == ["float32"]


def test_nothing_is_written_when_nothing_passes(
    planted: Path, answered: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "out" / "bundle"
    bundle.parent.mkdir()
    command = ["convert", str(planted), "-o", str(bundle), "--formats", "onnx"]
    status = main([*command, "--eval", str(answered), "--recipe", "int8_static,int8_weights"])
    last = capsys.readouterr().err.splitlines()[-1]
    assert status == 1
    assert last.startswith("edgebert: error: no onnx artifact reaches accuracy 0.9950")
    assert "nothing was written" in last
    assert list(bundle.parent.iterdir()) == []


def test_command_prints_every_figure(
    checkpoint: Path, answered: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "bundle"
    command = ["convert", str(checkpoint), "-o", str(bundle), "--formats", "onnx"]
    options = ["--recipe", "int8_dynamic", "--eval", str(answered), "--max-drop", "100"]
    assert main([*command, *options]) == 0
    output = capsys.readouterr().out
    assert "float model 1.0000, at most 100 points less" in output
    assert "points lost" in output
    assert "kept" in output
    assert main([*command, *options, "--force", "--json"]) == 0
    search = json.loads(capsys.readouterr().out)["search"]
    assert search["data"] == "dev.tsv"
    assert [each["kept"] for each in search["trials"]] == [True]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-drop", "1"], "--max-drop needs labelled rows"),
        (["--recover", "x.tsv"], "--recover needs labelled rows"),
        (["--eval", "nowhere.tsv"], "nowhere.tsv"),
        (["--eval", "DEV", "--max-drop", "nan"], "max_drop: got nan, expected points"),
        (["--eval", "DEV", "--max-drop", "-1"], "max_drop: got -1.0, expected points"),
        (["--eval", "DEV", "--recover-steps", "0"], "recover_steps|at least 1"),
        (["--eval", "DEV", "--label-column", "absent"], "absent"),
        (["--recipe", "int4_weights", "--formats", "torchscript"], "tflite and onnx do"),
        (["--recipe", "int5"], "got 'int5', expected one of float32, float16"),
    ],
)
def test_bad_options(
    arguments: list[str],
    message: str,
    checkpoint: Path,
    answered: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [str(answered) if word == "DEV" else word for word in arguments]
    target = tmp_path / "out"
    target.mkdir()
    try:
        status = main(["convert", str(checkpoint), "-o", str(target / "bundle"), *given])
    except SystemExit as exit:
        status = int(exit.code or 0)
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert status == 2
    assert message.split("|")[0] in last or message.split("|")[-1] in last
    assert list(target.iterdir()) == []


def test_embeddings_have_no_labels(answered: Path, checkpoint: Path, tmp_path: Path) -> None:
    import students
    import transformers

    folder = tmp_path / "encoder"
    students.checkpoint(folder)
    transformers.AutoModel.from_pretrained(folder).save_pretrained(folder)
    with pytest.raises(edgebert.InputError, match="which a label for each text cannot score"):
        convert(folder, tmp_path / "bundle", edgebert.Gate(answered), pooling="mean")


@pytest.mark.parametrize("needed", range(1, 21))
def test_fewest_layers(needed: int) -> None:
    """Every count is found, without trying more than a few."""
    asked: list[int] = []

    def passes(count: int) -> bool:
        asked.append(count)
        return count >= needed

    assert _least_that(passes, 20) == needed
    assert len(asked) <= 9
