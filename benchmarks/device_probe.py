"""Answers texts with a bundle and says what came of it: what each condition of a device runs.

    python benchmarks/device_probe.py BUNDLE BACKEND --answers 1000

It imports what a device installs and nothing else. Its JSON goes to the file descriptor that
`--descriptor` names, so that the standard streams may be closed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time

import edgebert_runtime
from edgebert_runtime.process import peak_resident_bytes, resident_bytes

TEXTS = (
    "The film is bright and warm.",
    "Never again.",
    "这部电影很好看，演员也很棒。",
    "",
    "Ünïcode, ʼn emoji 🎬 and a lone \ud800 surrogate.",
    "It was long. " * 3,
    "It was long, and then it went on for longer than anybody could have asked for. " * 6,
)


def main() -> int:
    """Load, answer all texts at once, then one by one as often as asked; print the findings."""
    parser = argparse.ArgumentParser(description="Answer texts under whatever condition there is.")
    parser.add_argument("bundle")
    parser.add_argument("backend", choices=("tflite", "onnx", "torchscript"))
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--answers", type=int, default=0, help="further answers, one at a time")
    parser.add_argument("--descriptor", type=int, default=1)
    arguments = parser.parse_args()
    started = time.perf_counter()
    try:
        model = edgebert_runtime.load(
            arguments.bundle, backend=arguments.backend, threads=arguments.threads
        )
        loaded = time.perf_counter()
        first = model.predict(TEXTS[0])
        answered = time.perf_counter()
        results = model.predict(list(TEXTS))
        for text in itertools.islice(itertools.cycle(TEXTS), arguments.answers):
            model.predict(text)
    except (edgebert_runtime.EdgeBertError, MemoryError) as error:
        _say(arguments.descriptor, {"error": f"{type(error).__name__}: {error}"})
        return 2
    assert isinstance(results, list)
    assert results[0] == first
    _say(
        arguments.descriptor,
        {
            "scores": [list(result.scores.values()) for result in results],
            "load_ms": (loaded - started) * 1000,
            "first_answer_ms": (answered - loaded) * 1000,
            "seconds": time.perf_counter() - started,
            "resident_bytes": resident_bytes(),
            "peak_bytes": peak_resident_bytes(),
        },
    )
    return 0


def _say(descriptor: int, found: dict[str, object]) -> None:
    os.write(descriptor, json.dumps(found).encode())


if __name__ == "__main__":
    sys.exit(main())
