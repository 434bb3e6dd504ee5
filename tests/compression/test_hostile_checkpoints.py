"""Pruned checkpoints that lie, and options of pruning that would be ignored."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import students
import torch
import transformers

from edgebert.cli import main
from edgebert_converters import pruning
from edgebert_converters.checkpoint import load_checkpoint
from edgebert_converters.pruning import KEY, Kept
from edgebert_runtime import ConversionError


@pytest.fixture(scope="module")
def pruned(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Widths of (2, 32) and (1, 2), of 4 heads and 64 neurons in each layer."""
    folder = tmp_path_factory.mktemp("pruned") / "student"
    shutil.copytree(checkpoint, folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(checkpoint)
    pruning.prune(model, [Kept((0, 2), tuple(range(0, 64, 2))), Kept((1,), (3, 5))])
    model.save_pretrained(folder)
    return folder


def _changed(source: Path, target: Path, **config: Any) -> Path:
    shutil.copytree(source, target)
    path = target / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config), encoding="utf-8")
    return target


def _layers(*widths: tuple[Any, Any], **others: Any) -> dict[str, Any]:
    layers = [{"heads": heads, "feed_forward": neurons} for heads, neurons in widths]
    return {KEY: {"layers": layers, "parameters_before": 33186, "sparsity": 0.0} | others}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            _layers((1, 32), (1, 2)),
            r"output.dense.weight' first: got \(32, 16\), expected \(32, 8\)",
        ),
        (_layers((2, 31), (1, 2)), r"intermediate.dense.bias' first: got \(32,\), expected \(31,"),
        ({KEY: None}, "other shapes than config.json says"),
        (_layers((0, 32), (1, 2)), r"heads: got 0, expected a whole number from 1 to 4"),
        (_layers((-1, 32), (1, 2)), "heads: got -1, expected"),
        (_layers((10**9, 32), (1, 2)), "heads: got 1000000000, expected"),
        (_layers((2.0, 32), (1, 2)), "heads: got 2.0, expected"),
        (_layers((True, 32), (1, 2)), "heads: got True, expected"),
        (_layers((None, 32), (1, 2)), "heads: got None, expected"),
        (_layers((2, "32"), (1, 2)), "feed_forward: got '32', expected"),
        (_layers((2, 32)), "got 1 layers to prune, expected 2"),
        (_layers(), "a list with an entry for each layer"),
        (_layers((2, 32), (1, 2), sparsity=float("nan")), "sparsity: got nan, expected"),
        (_layers((2, 32), (1, 2), more=1), "expected an object with layers"),
        ({KEY: False}, "got False, expected an object"),
        ({KEY: "\ud800"}, "expected an object"),
        ({"intermediate_size": 0}, "feed_forward: got 32, expected a whole number from 1 to 0"),
    ],
)
def test_a_configuration_that_lies(
    pruned: Path, tmp_path: Path, config: dict[str, Any], message: str
) -> None:
    folder = _changed(pruned, tmp_path / "changed", **config)
    with pytest.raises(ConversionError, match=message) as caught:
        load_checkpoint(folder)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_mobilebert_that_says_it_was_pruned(tmp_path: Path) -> None:
    source = students.checkpoint(tmp_path / "mobilebert", "mobilebert")
    folder = _changed(source, tmp_path / "changed", **_layers((4, 64), (4, 64)))
    with pytest.raises(ConversionError, match="a mobilebert cannot be pruned"):
        load_checkpoint(folder)


def test_shared_layers_of_different_widths(tmp_path: Path) -> None:
    source = students.checkpoint(tmp_path / "albert", "albert")
    folder = _changed(source, tmp_path / "changed", **_layers((4, 64), (2, 64)))
    with pytest.raises(ConversionError, match="must keep the same heads and neurons"):
        load_checkpoint(folder)


@pytest.mark.parametrize("form", ["shards", "pickle"])
def test_weights_in_another_form(pruned: Path, tmp_path: Path, form: str) -> None:
    """The same parameters and answers, whatever files they are in."""
    whole = load_checkpoint(pruned)
    folder = _changed(pruned, tmp_path / "changed")
    (folder / "model.safetensors").unlink()
    model: Any = whole.float_model.model
    if form == "shards":
        model.save_pretrained(folder, max_shard_size="20KB")
        assert len(list(folder.glob("*.safetensors"))) > 1
    else:
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    loaded = load_checkpoint(folder)
    assert loaded.pruning == whole.pruning
    assert loaded.source.parameters == whole.source.parameters
    ids = torch.arange(5, 15)[None]
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    inputs["token_type_ids"] = torch.zeros_like(ids)
    with torch.inference_mode():
        # Weights that lie elsewhere in memory may be summed in another order.
        assert torch.allclose(loaded.float_model(inputs), whole.float_model(inputs), atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--heads", "2", "--min-count", "3"], "--min-count needs texts to choose by"),
        (["--heads", "2", "--drop-unseen-characters"], "--drop-unseen-characters needs texts"),
        (["--vocabulary", "ROWS", "--train", "ROWS"], "--train recovers from pruning"),
        (["--vocabulary", "ROWS", "--data", "ROWS"], "--data has rows to choose by, and nothing"),
        (["--heads", "2"], "(of convert and distill: --prune-data)"),
    ],
)
def test_prune_options_that_would_be_ignored(
    options: list[str],
    message: str,
    checkpoint: Path,
    reviews: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [str(reviews) if word == "ROWS" else word for word in options]
    assert main(["prune", str(checkpoint), "-o", str(tmp_path / "pruned"), *given]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--prune-rounds", "3"], "--prune-rounds needs something to prune"),
        (["--prune-data", "ROWS"], "--prune-data has rows to choose by, and nothing"),
        (["--prune-heads", "2", "--prune-data", "nowhere.tsv"], "'nowhere.tsv' cannot be read"),
        (["--prune-heads", "2", "--prune-data", "EMPTY"], "has no rows"),
    ],
)
def test_distill_options_that_hours_later_would_fail(
    options: list[str],
    message: str,
    checkpoint: Path,
    reviews: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    empty = tmp_path / "empty.tsv"
    empty.write_text("text\tlabel\n", encoding="utf-8")
    words = {"ROWS": str(reviews), "EMPTY": str(empty)}
    command = ["distill", "--teacher", str(checkpoint), "--student", str(checkpoint)]
    command += ["--train", str(reviews), "-o", str(tmp_path / "student")]
    assert main([*command, *(words.get(word, word) for word in options)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert list(tmp_path.iterdir()) == [empty]


def test_vocabulary_never_replaces_what_it_reads(
    checkpoint: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And does not advise --force where that is what was given."""
    command = ["prune", str(checkpoint), "--vocabulary", str(reviews), "--force", "-o"]
    assert main([*command, str(checkpoint)]) == 2
    assert "is what is read; choose another name" in capsys.readouterr().err
    (tmp_path / "other").mkdir()
    assert main([*command, str(tmp_path / "other")]) == 2
    assert "is no checkpoint, so --force does not replace it" in capsys.readouterr().err
