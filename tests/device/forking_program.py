"""A program: a process that has loaded a model and used it makes others that load their own.

    python forking_program.py BUNDLE BACKEND THREADS METHOD

METHOD is os.fork, or how multiprocessing starts the workers of a pool: fork, spawn, forkserver.
It exits with 0 if every child's scores are the parent's; who runs it sets a limit of time.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys

import edgebert_runtime

TEXTS = ["Never again.", "The film is bright and warm.", "", "这部电影很好看。 " * 9]
_CHILDREN = 2

Scores = list[list[float]]


def scores(model: edgebert_runtime.Model) -> Scores:
    return [list(result.scores.values()) for result in model.predict(TEXTS)]


def child_scores(bundle: str, backend: str, threads: int) -> Scores:
    with edgebert_runtime.load(bundle, backend=backend, threads=threads) as model:
        return scores(model)


def forked_scores(bundle: str, backend: str, threads: int) -> Scores:
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        os.write(writer, json.dumps(child_scores(bundle, backend, threads)).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as said:
        found: Scores = json.loads(said.read())
    os.waitpid(process, 0)
    return found


def main() -> int:
    bundle, backend, threads, method = sys.argv[1:]
    given = (bundle, backend, int(threads))
    with edgebert_runtime.load(bundle, backend=backend, threads=int(threads)) as model:
        expected = scores(model)
        if method == "os.fork":
            found = [forked_scores(*given) for _ in range(_CHILDREN)]
        else:
            with multiprocessing.get_context(method).Pool(_CHILDREN) as pool:
                found = pool.starmap(child_scores, [given] * _CHILDREN)
        # The parent's model goes on.
        found.append(scores(model))
    return 0 if all(each == expected for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
