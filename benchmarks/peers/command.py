"""The command: arguments, the whole measurement, and what it writes."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import document

from edgebert_runtime.hardware import facts
from edgebert_runtime.processors import available_processors
from peers import libraries, measuring, plot, report
from peers.catalogue import BASELINE, PEERS, REFERENCE, Peer
from peers.checkpoints import CACHE, SUBJECTS, Subject
from peers.libraries import ROOT
from peers.measuring import Options

FIGURES = ROOT / "benchmarks" / "peers.json"
DOCUMENT = ROOT / "docs" / "peers.md"
PICTURE = ROOT / "docs" / "peers.svg"
QUICK = Options(lengths=(16, 128), rounds=3, sentences=50)
_QUICK_MODELS = ("tinybert",)
_QUICK_PEERS = ("edgebert-tflite", "edgebert-onnx", BASELINE, REFERENCE)
_VERSIONS = (
    "onnxruntime", "ai-edge-litert", "litert-torch", "ai-edge-quantizer", "torch", "optimum-onnx",
    "transformers", "sentence-transformers", "fastembed", "executorch",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write, or write again what was measured."""
    given = _parser().parse_args(arguments)
    path = given.json or (CACHE / "quick.json" if given.quick else FIGURES)
    if not given.render:
        for figures in run(_subjects(given), _peers(given), _options(given)):
            path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    figures = json.loads(path.read_text(encoding="utf-8"))
    if path == FIGURES:
        PICTURE.write_bytes(plot.render(figures))
        picture = f"![Time of each tool as a multiple of optimum's]({PICTURE.name})"
        text = f"{picture}\n\n{report.document(figures)}"
        document.write(DOCUMENT, document.section("peers", text))
    else:
        path.with_suffix(".svg").write_bytes(plot.render(figures))
        print(report.document(figures))


def run(
    subjects: Sequence[Subject], peers: Sequence[Peer], options: Options
) -> Iterator[dict[str, Any]]:
    """All models, one after the other; after each the figures so far, as it takes long."""
    start, load = time.perf_counter(), os.getloadavg()[0]
    models: dict[str, Any] = {}
    for subject in subjects:
        chosen = [peer for peer in peers if subject.task in peer.tasks]
        measured = measuring.measure(subject, chosen, options)
        models[subject.name] = {"task": subject.task, "note": subject.note, "peers": measured}
        yield {
            "date": datetime.date.today().isoformat(),
            "minutes": (time.perf_counter() - start) / 60,
            "machine": dataclasses.asdict(facts()),
            "load_average": load,
            "versions": versions({peer.library for peer in peers}),
            "options": dataclasses.asdict(options),
            "models": models,
        }


def versions(names: set[str]) -> dict[str, str]:
    """Of the libraries that are compared, as their requirement files pin them."""
    found: dict[str, set[str]] = {}
    for name in sorted(names & {path.stem for path in libraries.REQUIREMENTS.iterdir()}):
        for pin in libraries.pins(name):
            package, _, version = pin.partition("==")
            found.setdefault(package, set()).add(version)
    return {name: " and ".join(sorted(found[name])) for name in _VERSIONS if name in found}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks/peers", description="EdgeBERT beside what a user would pick instead."
    )
    parser.add_argument("--models", type=_names(tuple(SUBJECTS)), help=", ".join(SUBJECTS))
    known = tuple(peer.name for peer in PEERS)
    parser.add_argument("--peers", type=_names(known), help=", ".join(known))
    parser.add_argument("--lengths", type=_numbers, help="tokens, such as 16,32,64,128")
    parser.add_argument("--rounds", type=int, help=f"default {Options.rounds}")
    parser.add_argument("--sentences", type=int, help=f"default {Options.sentences}")
    parser.add_argument("--threads", type=_threads, help="such as 1,all, which is the default")
    parser.add_argument("--json", type=Path, help="default benchmarks/peers.json")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a first look, written below .cache",
    )
    parser.add_argument("--render", action="store_true", help="measure nothing, write documents")
    return parser


def _subjects(given: argparse.Namespace) -> list[Subject]:
    names = given.models or (_QUICK_MODELS if given.quick else tuple(SUBJECTS))
    return [SUBJECTS[name]() for name in names]


def _peers(given: argparse.Namespace) -> list[Peer]:
    """Those that are asked for, and whom they are compared with."""
    names = given.peers or (_QUICK_PEERS if given.quick else tuple(peer.name for peer in PEERS))
    return [peer for peer in PEERS if peer.name in {*names, BASELINE, REFERENCE}]


def _options(given: argparse.Namespace) -> Options:
    base = QUICK if given.quick else Options(threads=_threads("1,all"))
    names = ("lengths", "rounds", "sentences", "threads")
    return dataclasses.replace(
        base, **{name: getattr(given, name) for name in names if getattr(given, name)}
    )


def _names(known: tuple[str, ...]) -> Any:
    def read(text: str) -> tuple[str, ...]:
        names = tuple(text.split(","))
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name}: expected some of {', '.join(known)}")
        return names

    return read


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split(","))


def _threads(text: str) -> tuple[int, ...]:
    """Numbers, or "all" for the processors that this process may use; each once."""
    found = [available_processors() if each == "all" else int(each) for each in text.split(",")]
    return tuple(dict.fromkeys(found))
