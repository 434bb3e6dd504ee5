"""Summaries of 100 papers beside their first sentences and sentences drawn by chance.

    .venv/bin/python benchmarks/summaries.py

Papers of ACLSum's test part (Takeshita et al., NAACL 2024, arXiv 2403.05303), as carried by PyPI's
aclsum: abstract, introduction and conclusion, with three summaries that people wrote (challenge,
approach, outcome) and the sentences that they marked for them. ROUGE-1 and ROUGE-L are those of Lin
(2004) on lower-case words, without stemming. Then the time to search 100,000 vectors. What is tuned
is tuned on the 50 papers of the validation part: `summaries.py val`.
"""

from __future__ import annotations

import datetime
import json
import random
import re
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import resources

import edgebert
from edgebert_runtime import hardware
from edgebert_runtime.sentences import Sentence, split_sentences
from edgebert_runtime.similarity import search
from edgebert_runtime.summary import summarize

SENTENCES = 3
DRAWS = 20
ROWS, DIMENSION = 100_000, 384

Choose = Callable[[str, list[Sentence]], Sequence[Sentence]]


def main(part: str) -> None:
    """Print the figures of one part of the papers, and those of the search."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "minilm"
        edgebert.convert(resources.minilm(), bundle, edgebert.ConvertOptions(formats=("onnx",)))
        with edgebert.load(bundle, backend="onnx") as model:
            _report(part, lambda text, _: summarize(model, text, sentences=SENTENCES).sentences)
    _search()
    facts = hardware.facts()
    libraries = ", ".join(
        f"{name} {version(name)}" for name in ("numpy", "onnxruntime", "sentencex")
    )
    print(f"{facts.cpu}, {facts.operating_system}, Python {facts.python}, {libraries};")
    print(f"{datetime.date.today().isoformat()}, by benchmarks/summaries.py")


def _report(part: str, ours: Choose) -> None:
    papers = [
        json.loads(line)
        for line in (resources.papers() / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    chance = random.Random(0)
    methods: dict[str, tuple[Choose, int]] = {
        "chosen": (ours, 1),
        "first": (lambda _, sentences: sentences[:SENTENCES], 1),
        "by chance": (lambda _, sentences: chance.sample(sentences, SENTENCES), DRAWS),
    }
    for sections in (("abstract", "introduction", "conclusion"), ("introduction", "conclusion")):
        print(f"{len(papers)} papers, {SENTENCES} sentences of {', '.join(sections)}:")
        for name, (choose, times) in methods.items():
            figures = np.mean(
                [_figures(paper, sections, choose) for paper in papers for _ in range(times)],
                axis=0,
            )
            print("  {:10} ROUGE-1 {:.3f}  ROUGE-L {:.3f}  marked {:.3f}".format(name, *figures))


def _figures(paper: dict[str, Any], sections: Sequence[str], choose: Choose) -> list[float]:
    """ROUGE-1 and ROUGE-L (F1) with the three summaries; the share of sentences that are marked."""
    text, marked = "", set()
    for section in sections:
        for number, sentence in enumerate(paper["sentences"][section]):
            start = len(text)
            text += sentence + " "
            if any(marks[section][number] for marks in paper["highlights"].values()):
                marked.update(range(start, len(text) - 1))
    chosen = choose(text, split_sentences(text))
    given = _words(" ".join(each.text for each in chosen))
    wanted = _words(" ".join(paper["summary"].values()))
    agreeing = [
        len(marked.intersection(range(each.start, each.end))) * 2 > each.end - each.start
        for each in chosen
    ]
    together = (Counter(given) & Counter(wanted)).total()
    return [
        _f1(together, given, wanted),
        _f1(_longest_common(given, wanted), given, wanted),
        sum(agreeing) / len(agreeing),
    ]


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _f1(common: int, given: list[str], wanted: list[str]) -> float:
    return 2 * common / (len(given) + len(wanted))


def _longest_common(first: list[str], second: list[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for word in first:
        above = 0
        for column, other in enumerate(second, start=1):
            above, row[column] = (
                row[column],
                above + 1 if word == other else max(row[column], row[column - 1]),
            )
    return row[-1]


def _search() -> None:
    """Time of one query in memory and on a memory map, and what memory that adds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.npy"
        vectors = np.random.default_rng(0).standard_normal((ROWS, DIMENSION), dtype=np.float32)
        np.save(path, vectors)
        query = vectors[:1]
        in_memory = _median(lambda: search(query, vectors))
        mapped = np.load(path, mmap_mode="r")
        from_file = _median(lambda: search(query, mapped))
        tracemalloc.start()
        search(query, mapped)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    print(f"search of {ROWS} x {DIMENSION}, one query, one thread: {in_memory * 1000:.0f} ms in")
    print(f"  memory, {from_file * 1000:.0f} ms from a file; {peak / 1e6:.1f} MB beside the array")


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(9):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


if __name__ == "__main__":
    main("val" if sys.argv[1:] == ["val"] else "test")
