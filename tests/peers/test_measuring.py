"""Real processes of real libraries on a small checkpoint: those that our own environment has."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest
import students
from peers import catalogue, libraries, making, measuring
from peers.catalogue import Peer
from peers.checkpoints import Subject
from peers.measuring import Options
from peers.processes import AnswerError, Job, Process

OPTIONS = Options(lengths=(8, 24), rounds=2, sentences=20)
HERE = ("torch-float32", "torch-int8", "litert-int8")


def _peer(name: str) -> Peer:
    return next(peer for peer in catalogue.PEERS if peer.name == name)


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder = tmp_path_factory.mktemp("peers") / "checkpoint"
    students.checkpoint(folder, max_position_embeddings=512)
    return Subject("small", "text-classification", folder, folder, "A small one.")


@pytest.fixture(autouse=True)
def _environment_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(libraries, "interpreter", lambda name: Path(sys.executable))
    monkeypatch.setattr(making, "CACHE", tmp_path)


@pytest.mark.slow
def test_peers_are_compared_and_timed_in_processes_of_their_own(subject: Subject) -> None:
    found = measuring.measure(subject, [_peer(name) for name in HERE], OPTIONS)
    assert list(found) == list(HERE)
    reference, quantized, litert = (found[name] for name in HERE)
    assert reference["agreement"]["equal_labels"] == 1.0
    assert reference["agreement"]["largest_difference"] == 0.0
    for each in (quantized, litert):
        # Rounding leaves a trace, and no more than that.
        assert 0.9 < each["agreement"]["centred_cosine"] < 1.0
        assert each["agreement"]["equal_labels"] >= 0.9
    for each in found.values():
        times = each["threads"]["1"]
        assert {length: len(ms) for length, ms in times["ids_ms"].items()} == {"8": 2, "24": 2}
        assert all(0 < ms < 1000 for rounds in times["ids_ms"].values() for ms in rounds)
        assert times["texts"]["seconds"][0] > 0
        assert each["start"]["ms"][0] > 10 * times["ids_ms"]["8"][0]
        assert each["start"]["all_lengths_bytes"] > 20e6
    assert quantized["threads"]["1"]["texts"]["batch"] in (1, 32)
    assert litert["bytes"] < reference["bytes"]


def test_who_fails_says_why_and_stops_nobody(subject: Subject) -> None:
    torch_peer = _peer("torch-float32")
    broken = dataclasses.replace(torch_peer, name="broken", answerer="no_such_answerer")
    found = measuring.measure(subject, [broken, torch_peer], dataclasses.replace(OPTIONS, rounds=1))
    assert found["broken"] == {
        "error": "status 1: ModuleNotFoundError: No module named 'no_such_answerer'"
    }
    assert found["torch-float32"]["agreement"]["equal_labels"] == 1.0


def test_a_maker_that_fails_is_told_by_its_last_line(subject: Subject, tmp_path: Path) -> None:
    nowhere = dataclasses.replace(subject, theirs=tmp_path / "nowhere")
    with pytest.raises(making.MakingError, match=r"status 1: .*nowhere") as first:
        making.files(_peer("litert-int8"), nowhere)
    with pytest.raises(making.MakingError) as second:
        making.files(_peer("litert-int8"), nowhere)
    # It was not tried again: some peers share a maker.
    assert second.value is first.value


def test_a_process_that_ends_is_no_answer(subject: Subject) -> None:
    job = Job(
        Path(sys.executable), "transformers_model", subject.theirs, "float32", subject.task, 1
    )
    with Process(job, "A text.") as process:
        assert process.ask(ask="memory")["resident_bytes"] > 20e6
        with pytest.raises(AnswerError, match="nothing known is asked: colour"):
            process.ask(ask="colour")
