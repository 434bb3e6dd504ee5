"""Cosines of a question with a few sentences, on each backend of a bundle of embeddings."""

from __future__ import annotations

import sys

import edgebert
from edgebert import table

QUESTION = "How do I get my money back?"
SENTENCES = [
    "Refunds are paid to your card within five days.",
    "The museum is closed on Mondays.",
    "Bake the bread for forty minutes until it is brown.",
    "You can return a purchase and be repaid in full.",
]


def main() -> None:
    bundle = sys.argv[1]
    columns = {}
    for backend in ("tflite", "onnx", "torchscript"):
        with edgebert.load(bundle, backend=backend) as model:
            question, *vectors = model.embed([QUESTION, *SENTENCES])
            columns[backend] = [f"{vector @ question:.3f}" for vector in vectors]
    rows = [list(row) for row in zip(SENTENCES, *columns.values(), strict=True)]
    print(table.render([QUESTION, *columns], rows))


if __name__ == "__main__":
    main()
