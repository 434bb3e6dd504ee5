"""Vocabulary pruning on the command line, pruning inside `convert`, and what `inspect` shows."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import students

from edgebert.cli import main
from edgebert_converters.checkpoint import load_checkpoint
from edgebert_converters.publish import publish
from edgebert_runtime import Bundle


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    path.write_text("\n".join(students.SENTENCES[:10]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "held-out.txt"
    path.write_text("\n".join(students.SENTENCES[10:30]), encoding="utf-8")
    return path


def test_vocabulary(
    checkpoint: Path,
    corpus: Path,
    held_out: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "few"
    command = ["prune", str(checkpoint), "-o", str(output), "--vocabulary", str(corpus)]
    assert main([*command, "--held-out", str(held_out)]) == 0
    table = capsys.readouterr().out
    assert "tokens before" in table
    assert "held out" in table
    assert main([*command, "--force", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["pruning"] is None
    found = report["vocabulary"]
    assert found["tokens_after"] < found["tokens_before"] == 400
    assert found["corpus"]["pieces_changed"] == 0.0
    assert found["held_out"] is None
    embeddings = load_checkpoint(output).source.parameters["embeddings"]
    saved = found["parameters_before"] - found["parameters_after"]
    assert embeddings == load_checkpoint(checkpoint).source.parameters["embeddings"] - saved


def test_structure_then_vocabulary(
    checkpoint: Path, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "small"
    structure = ["--heads", "2", "--neurons", "32", "--importance", "l2"]
    command = ["prune", str(checkpoint), "-o", str(output), *structure]
    assert main([*command, "--vocabulary", str(corpus), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    loaded = load_checkpoint(output)
    assert loaded.pruning is not None
    assert loaded.pruning.heads == (2, 2)
    assert loaded.pruning.feed_forward == (32, 32)
    assert report["vocabulary"]["tokens_after"] < 400
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small", "small-whole-vocabulary"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to prune"),
        (["--held-out", "x.txt"], "--held-out needs texts to choose by"),
        (["--max-tokens", "9"], "--max-tokens needs texts to choose by"),
        (["--vocabulary", "nowhere.txt"], "'nowhere.txt' is no file"),
        (["--vocabulary", "EMPTY"], "the corpus has no tokens"),
        (["--vocabulary", "CORPUS", "--max-tokens", "3"], "max_tokens"),
        (["--vocabulary", "CORPUS", "--heads", "99", "--importance", "l1"], "heads"),
    ],
)
def test_bad_vocabularies(
    arguments: list[str],
    message: str,
    checkpoint: Path,
    corpus: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    empty = tmp_path / "empty.txt"
    empty.touch()
    given = [{"CORPUS": str(corpus), "EMPTY": str(empty)}.get(word, word) for word in arguments]
    target = tmp_path / "out"
    target.mkdir()
    status = main(["prune", str(checkpoint), "-o", str(target / "few"), *given])
    last = capsys.readouterr().err.splitlines()[-1]
    assert status == 2
    assert last.startswith("edgebert: error: ")
    assert message in last
    assert not (target / "few").exists()


def test_an_output_that_is_there_stays(
    checkpoint: Path, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --force anything, with it what is no checkpoint, and the source itself."""
    output = tmp_path / "notes"
    output.mkdir()
    (output / "mine.txt").write_text("mine")
    for force in ([], ["--force"]):
        command = ["prune", str(checkpoint), "-o", str(output), "--vocabulary", str(corpus)]
        assert main([*command, *force]) == 2
        assert "notes" in capsys.readouterr().err
    source = students.checkpoint(tmp_path / "source")
    before = (source / "model.safetensors").read_bytes()
    same = ["prune", str(source), "-o", str(source), "--vocabulary", str(corpus), "--force"]
    assert main(same) == 2
    assert (source / "model.safetensors").read_bytes() == before
    assert (output / "mine.txt").read_text() == "mine"


def test_convert_prunes_and_inspect_tells(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "bundle"
    pruned = ["--prune-neurons", "0.5", "--prune-sparsity", "0.5", "--prune-importance", "l2"]
    command = ["convert", str(checkpoint), "-o", str(bundle), "--formats", "onnx", *pruned]
    assert main(command) == 0
    manifest = Bundle(bundle).manifest
    assert manifest.source.checkpoint == checkpoint.name
    assert manifest.pruning is not None
    assert sum(manifest.pruning.feed_forward) == 64
    assert manifest.pruning.sparsity == pytest.approx(0.5, abs=0.02)
    (artifact,) = manifest.artifacts
    assert artifact.sparsity > 0.15
    capsys.readouterr()
    assert main(["inspect", str(bundle), "--json"]) == 0
    sizes = json.loads(capsys.readouterr().out)["compressed_bytes"]
    zipped = tmp_path / "zipped.edgebert"
    publish(bundle, zipped)
    with zipfile.ZipFile(zipped) as archive:
        for name, size in sizes.items():
            assert size == pytest.approx(archive.getinfo(name).compress_size, rel=0.02)
    assert main(["inspect", str(bundle)]) == 0
    shown = capsys.readouterr().out
    assert "pruned from" in shown
    assert "compressed download" in shown
    assert f"{100 * artifact.sparsity:.1f} %" in shown


def test_sparsity_shrinks_the_download(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = []
    for share in ("0.0", "0.9"):
        bundle = tmp_path / f"bundle-{share}"
        command = ["convert", str(checkpoint), "-o", str(bundle), "--formats", "onnx"]
        assert main([*command, "--prune-sparsity", share, "--recipe", "int8_weights"]) == 0
        capsys.readouterr()
        assert main(["inspect", str(bundle), "--json"]) == 0
        sizes.append(json.loads(capsys.readouterr().out))
    plain, sparse = sizes
    assert sparse["artifacts"][0]["bytes"] == pytest.approx(
        plain["artifacts"][0]["bytes"], rel=0.01
    )
    name = sparse["artifacts"][0]["file"]
    assert sparse["compressed_bytes"][name] < 0.9 * plain["compressed_bytes"][name]
