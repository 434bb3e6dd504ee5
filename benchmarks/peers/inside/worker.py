"""Run by any environment: one artifact, opened as its users open it, and asked line by line.

    python worker.py ANSWERER FOLDER VARIANT TASK THREADS TEXT

Answers TEXT and says so at once; then a line of JSON for each line of JSON that comes in:

    {"ask": "logits", "ids": [[101, ...], ...]}           outputs, one row for each list of ids
    {"ask": "time", "ids": [101, ...], "repeats": 10}     seconds of each run of these ids, ready
    {"ask": "answers", "texts": [...], "batch": 1}        labels or vectors, and the seconds it took
    {"ask": "times", "texts": [...], "batch": 1}          the seconds alone
    {"ask": "memory"}                                     resident bytes of this process

ids → logits is the model alone, its inputs ready as arrays; texts → answers is all that a user
calls, tokenizer included.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

_WARM_UP_RUNS = 2
"""Others ran since: what a processor keeps near has been theirs."""


def main(answerer: str, *arguments: str) -> None:
    """Answer once, then whatever is asked, until the input ends."""
    # Libraries print as they load; that must not get between the answers.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    folder, variant, task, threads, text = arguments
    module = importlib.import_module(answerer)
    model = module.open_model(Path(folder), variant, task, int(threads))
    first = _rows(model.answers([text], model.batches[0]))
    _reply(replies, {"answers": first, "batches": model.batches})
    for line in sys.stdin:
        _reply(replies, _answer(model, json.loads(line)))


def _answer(model: Any, asked: dict[str, Any]) -> dict[str, Any]:
    match asked["ask"]:
        case "logits":
            return {"outputs": [_rows(model.logits(model.ready(ids))) for ids in asked["ids"]]}
        case "time":
            return {"seconds": _timed(model, asked["ids"], asked["repeats"])}
        case "answers" | "times":
            start = time.perf_counter()
            answers = model.answers(asked["texts"], asked["batch"])
            seconds = time.perf_counter() - start
            return {"seconds": seconds} | (
                {"answers": _rows(answers)} if asked["ask"] == "answers" else {}
            )
        case "memory":
            status = Path("/proc/self/status").read_text(encoding="utf-8")
            kilobytes = next(line.split()[1] for line in status.splitlines() if "VmRSS" in line)
            return {"resident_bytes": int(kilobytes) * 1024}
        case _:
            raise ValueError(f"nothing known is asked: {asked['ask']}")


def _timed(model: Any, ids: list[int], repeats: int) -> list[float]:
    inputs = model.ready(ids)
    for _ in range(_WARM_UP_RUNS):
        model.logits(inputs)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        model.logits(inputs)
        seconds.append(time.perf_counter() - start)
    return seconds


def _rows(answers: Any) -> Any:
    return answers.tolist() if hasattr(answers, "tolist") else answers


def _reply(replies: Any, message: dict[str, Any]) -> None:
    replies.write(json.dumps(message) + "\n")
    replies.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
