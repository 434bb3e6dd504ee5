"""One model with every peer: converted, compared with the float model, timed."""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import resources
import tokenizers

from peers import agreement, making, rounds
from peers.catalogue import REFERENCE, Peer
from peers.checkpoints import Subject
from peers.making import MakingError
from peers.processes import AnswerError, Job, Process


@dataclasses.dataclass(frozen=True)
class Options:
    """How much is measured."""

    lengths: tuple[int, ...] = (16, 32, 64, 128)
    """Tokens, special ones included."""
    rounds: int = 8
    """Of ids → logits; texts and starts take part of them."""
    sentences: int = 1000
    threads: tuple[int, ...] = (1,)

    @property
    def text_rounds(self) -> int:
        """Each takes as long as all the sentences do."""
        return max(1, self.rounds // 4)


def measure(subject: Subject, peers: Sequence[Peer], options: Options) -> dict[str, Any]:
    """What is known of each peer by name: {"error"} alone, or sizes, agreement and times."""
    texts = resources.sentences(options.sentences)
    found: dict[str, dict[str, Any]] = {}
    jobs: dict[str, Job] = {}
    for peer in peers:
        say(f"{subject.name}: {peer.title}")
        try:
            jobs[peer.name] = _job(peer, subject)
        except (MakingError, subprocess.CalledProcessError) as error:
            found[peer.name] = {"error": str(error)}
            continue
        found[peer.name] = {"bytes": _bytes(jobs[peer.name].folder, peer), "threads": {}}
    with_ids = {peer.name for peer in peers if peer.takes_ids}
    ids = _ids(subject, texts, options.lengths)
    for index, threads in enumerate(options.threads):
        with _opened(jobs, threads, texts[0], found) as processes:
            if index == 0:
                say(f"{subject.name}: answers")
                _compare(subject, processes, texts, with_ids, found)
            asked = {name: each for name, each in processes.items() if name in with_ids}
            by_length = {}
            for length, row in ids.items():
                say(f"{subject.name}: {length} tokens, threads: {threads}")
                by_length[length] = rounds.of_ids(asked, row, options.rounds)
            say(f"{subject.name}: {len(texts)} sentences, threads: {threads}")
            by_text = rounds.of_texts(processes, texts, options.text_rounds)
        for name in by_text:
            found[name]["threads"][str(threads)] = {
                "ids_ms": {str(each): by_length[each][name] for each in ids if name in with_ids},
                "texts": by_text[name],
            }
    say(f"{subject.name}: starts")
    started = {name: job for name, job in jobs.items() if "error" not in found[name]}
    for name, figures in rounds.of_starts(started, texts, options.text_rounds).items():
        found[name]["start"] = figures
    return found


def say(text: str) -> None:
    """What is being done, and when it began."""
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def _job(peer: Peer, subject: Subject) -> Job:
    folder = making.files(peer, subject)
    python = making.python(peer.library)
    return Job(python, peer.answerer, folder, peer.variant, subject.task, threads=1)


def _bytes(folder: Path, peer: Peer) -> int:
    return (folder / peer.file).stat().st_size


@contextlib.contextmanager
def _opened(
    jobs: Mapping[str, Job], threads: int, text: str, found: dict[str, dict[str, Any]]
) -> Iterator[dict[str, Process]]:
    """All artifacts that can be opened; what stops the others goes into `found`."""
    with contextlib.ExitStack() as stack:
        processes = {}
        for name, job in jobs.items():
            if "error" in found[name]:
                continue
            try:
                process = Process(dataclasses.replace(job, threads=threads), text)
            except AnswerError as error:
                found[name] = {"error": str(error)}
                continue
            processes[name] = stack.enter_context(process)
        yield processes


def _compare(
    subject: Subject,
    processes: dict[str, Process],
    texts: list[str],
    with_ids: set[str],
    found: dict[str, dict[str, Any]],
) -> None:
    """Put into `found` how near all come to the float model, given the same ids and texts.

    Who cannot answer is taken out of `processes`.
    """
    tokenizer = _tokenizer(subject)
    ids = [tokenizer.encode(text).ids for text in texts]
    outputs, answers = {}, {}
    for name, process in list(processes.items()):
        try:
            if name in with_ids:
                outputs[name] = process.ask(ask="logits", ids=ids)["outputs"]
            reply = process.ask(ask="answers", texts=texts, batch=process.batches[0])
            answers[name] = reply["answers"]
        except AnswerError as error:
            found[name] = {"error": str(error)}
            del processes[name]
    if REFERENCE not in processes:
        raise SystemExit(f"{REFERENCE} does not run, and the others are compared with it")
    for name in processes:
        if subject.task == "embedding":
            figures = agreement.of_outputs(answers[name], answers[REFERENCE])
        else:
            figures = agreement.of_labels(answers[name], answers[REFERENCE])
        if name in with_ids:
            figures |= agreement.of_outputs(outputs[name], outputs[REFERENCE])
        found[name]["agreement"] = figures


def _ids(subject: Subject, texts: Sequence[str], lengths: Sequence[int]) -> dict[int, list[int]]:
    """Tokens → ids of real sentences, joined and cut to just that many."""
    tokenizer = _tokenizer(subject)
    found = {}
    for length in lengths:
        tokenizer.enable_truncation(length)
        found[length] = tokenizer.encode(" ".join(texts[:length])).ids
        assert len(found[length]) == length
    return found


def _tokenizer(subject: Subject) -> Any:
    tokenizer = tokenizers.Tokenizer.from_file(str(subject.theirs / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(128)
    return tokenizer
