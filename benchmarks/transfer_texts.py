"""Texts to distil on: augmented rows, and phrases of a dictionary beside them, without labels."""

from __future__ import annotations

import json
import random
from pathlib import Path

_COPIES = 2
_PHRASES = 27_000
_LEAST_WORDS = 3


def phrases(glosses: Path) -> list[str]:
    """Definitions and examples of WordNet's glosses apart, in an order drawn once."""
    found = [
        phrase
        for line in glosses.read_text(encoding="utf-8").split("\n")
        for part in line.strip().split(";")
        if len((phrase := part.strip().strip('"').strip()).split()) >= _LEAST_WORDS
    ]
    random.Random(0).shuffle(found)
    return found


def mix(augmented: Path, glosses: Path, output: Path) -> None:
    """Each row of a file of `edgebert augment` with two copies of it, then 27,000 phrases."""
    texts, copies = [], 0
    for line in augmented.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        copies = copies + 1 if row["augmented"] else 0
        if copies <= _COPIES:
            texts.append(row["text"])
    rows = [json.dumps({"text": text}) + "\n" for text in [*texts, *phrases(glosses)[:_PHRASES]]]
    partial = output.with_name(f".{output.name}.partial")
    partial.write_text("".join(rows), encoding="utf-8")
    partial.replace(output)
