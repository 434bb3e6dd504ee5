"""How far an answer moves with its neighbours, its batch and its padding, for each artifact.

    .venv/bin/python benchmarks/invariance.py BUNDLE...

Answers are raw outputs: logits, values or vectors. Alone is each text in a call of its own.
"""

from __future__ import annotations

import dataclasses
import datetime
import random
import sys
from pathlib import Path

import numpy as np
import resources
from numpy.typing import NDArray

import edgebert
from edgebert_runtime import Bundle
from edgebert_runtime.backends import Backend, Ids, open_backend
from edgebert_runtime.hardware import facts
from edgebert_runtime.manifest import Artifact
from edgebert_runtime.model import Model
from edgebert_runtime.tokenization import Encoding

SIZES = (2, 3, 4, 5, 7, 8, 16, 31, 32, 33, 64)
"""Texts of one length in a call; 32 is the most that a backend takes at once."""
TEXTS = 64

Rows = NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Difference:
    """Of raw outputs from those alone: the largest, and the mean over texts and columns."""

    largest: float
    mean: float

    @classmethod
    def between(cls, pairs: list[tuple[Rows, Rows]]) -> Difference:
        """Over all of these pairs of outputs."""
        apart = [np.abs(given - alone) for given, alone in pairs]
        return cls(
            max(float(each.max()) for each in apart),
            float(np.mean([float(each.mean()) for each in apart])),
        )


def measure(
    folder: Path, texts: list[str], artifact: Artifact
) -> tuple[dict[str, Difference], float]:
    """Differences by what surrounds the texts, and the standard deviation of the answers."""
    with edgebert.load(
        folder, backend=artifact.backend, recipe=artifact.recipe, threads=1
    ) as model:
        encodings = [model.tokenizer.encode(text) for text in texts]
        same = _most_frequent_length(encodings)
        mixed = random.Random(0).sample(encodings, min(TEXTS, len(encodings)))
        same_alone, mixed_alone = _alone(model, same), _alone(model, mixed)
        found = {
            "batch": Difference.between(
                [(_in_batches(model, same, size), same_alone) for size in SIZES]
            ),
            "neighbours": Difference.between(
                [
                    (model.run(mixed), mixed_alone),
                    (model.run(mixed[::-1])[::-1], mixed_alone),
                    (model.run([*same, *mixed])[len(same) :], mixed_alone),
                ]
            ),
        }
    source = Bundle(folder).read(artifact)
    found["padding"] = Difference.between(
        _longer_signatures(artifact, source, mixed, mixed_alone)
        if artifact.lengths
        else _padded(open_backend(artifact, source, 1), mixed, mixed_alone)
    )
    return found, float(mixed_alone.std(axis=0).mean())


def _most_frequent_length(encodings: list[Encoding]) -> list[Encoding]:
    groups: dict[int, list[Encoding]] = {}
    for encoding in encodings:
        groups.setdefault(len(encoding.ids), []).append(encoding)
    return max(groups.values(), key=len)[:TEXTS]


def _alone(model: Model, encodings: list[Encoding]) -> Rows:
    return np.concatenate([model.run([encoding]) for encoding in encodings])


def _in_batches(model: Model, encodings: list[Encoding], size: int) -> Rows:
    starts = range(0, len(encodings), size)
    return np.concatenate([model.run(encodings[start : start + size]) for start in starts])


def _longer_signatures(
    artifact: Artifact, source: Path | bytes, encodings: list[Encoding], alone: Rows
) -> list[tuple[Rows, Rows]]:
    """Each longer signature of a TFLite file in place of the shortest that fits."""
    pairs = []
    for length in artifact.lengths[1:]:
        backend = open_backend(dataclasses.replace(artifact, lengths=(length,)), source, 1)
        pairs += [
            (backend.run(_inputs([encoding], len(encoding.ids)))[0], row)
            for encoding, row in zip(encodings, alone, strict=True)
            if len(encoding.ids) <= length
        ]
    return pairs


def _padded(backend: Backend, encodings: list[Encoding], alone: Rows) -> list[tuple[Rows, Rows]]:
    """Rows filled up with zeros and mask 0, alone and sixteen together: no caller of ours does."""
    longest = max(len(encoding.ids) for encoding in encodings)
    single = [backend.run(_inputs([encoding], longest))[0] for encoding in encodings]
    together = backend.run(_inputs(encodings[:16], longest))
    return [*zip(single, alone, strict=True), *zip(together, alone[:16], strict=True)]


def _inputs(encodings: list[Encoding], tokens: int) -> dict[str, Ids]:
    rows = {
        "input_ids": [encoding.ids for encoding in encodings],
        "attention_mask": [[1] * len(encoding.ids) for encoding in encodings],
        "token_type_ids": [encoding.token_type_ids for encoding in encodings],
    }
    return {
        name: np.array([[*row, *[0] * (tokens - len(row))] for row in each], dtype=np.int64)
        for name, each in rows.items()
    }


def main() -> None:
    """Print a table, and where it was measured."""
    if len(sys.argv) == 1:
        sys.exit("got no bundle; give folders that 'edgebert convert' wrote")
    print("| backend | recipe | batch | neighbours | padding | spread of answers |")
    print("|---|---|---|---|---|---|")
    for folder in map(Path, sys.argv[1:]):
        for artifact in Bundle(folder).manifest.artifacts:
            found, spread = measure(folder, resources.sentences(2000), artifact)
            cells = [f"{each.largest:.1e}, mean {each.mean:.1e}" for each in found.values()]
            print(
                f"| {artifact.backend} | {artifact.recipe} | {' | '.join(cells)} | {spread:.2f} |"
            )
    machine = facts()
    print(f"{machine.cpu}, {dict(machine.libraries)}; {datetime.date.today().isoformat()}")


if __name__ == "__main__":
    main()
