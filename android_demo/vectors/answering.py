"""Python's answers to questions about a bundle, with the ONNX Runtime that this environment has.

    python android_demo/vectors/answering.py BUNDLE QUESTIONS ANSWERS

QUESTIONS is JSON lines of `texts` (one, or two for a pair), `recipe` and `options` of `predict`.
ANSWERS has the same lines with `vector`, or `logits` and `answer`, or `error`. Places in texts
count UTF-16 units, as strings on a JVM do.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import edgebert_runtime
from edgebert_runtime import InputError, Model

MOST_LOGITS = 2000
"""Of a vocabulary's worth of numbers for each token, some are enough."""


def answered(model: Model, row: dict[str, Any]) -> dict[str, Any]:
    """A line of the answers."""
    texts, options = row["texts"], row["options"]
    text = tuple(texts) if len(texts) == 2 else texts[0]
    try:
        if model.manifest.task == "embedding":
            return {**row, "vector": rounded(model.embed(text, **options)[0])}
        found = dataclasses.asdict(model.predict(text, **options))
    except InputError as error:
        return {**row, "error": str(error)}
    logits = rounded(model.run([model.tokenizer.encode(text)]).ravel()[:MOST_LOGITS])
    return {**row, "logits": logits, "answer": in_utf16(found, texts[-1])}


def in_utf16(found: Any, text: str) -> Any:
    """A result with its places counted in UTF-16 units of the text."""
    if isinstance(found, dict):
        return {
            name: utf16_units(text[:each]) if name in ("start", "end") else in_utf16(each, text)
            for name, each in found.items()
        }
    if isinstance(found, (list, tuple)):
        return [in_utf16(each, text) for each in found]
    return found


def utf16_units(text: str) -> int:
    """The length of a text on a JVM."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def rounded(numbers: Any) -> list[float]:
    """Float32 numbers, with as many digits as they have."""
    return [float(f"{number:.8g}") for number in numbers.tolist()]


def main() -> None:
    """Answer every question."""
    bundle, questions, answers = sys.argv[1:]
    models: dict[str, Model] = {}
    with Path(answers).open("w", encoding="utf-8") as lines:
        for line in Path(questions).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            recipe = row["recipe"]
            if recipe not in models:
                models[recipe] = edgebert_runtime.load(
                    bundle, backend="onnx", recipe=recipe, threads=1
                )
            lines.write(json.dumps(answered(models[recipe], row)) + "\n")


if __name__ == "__main__":
    main()
