"""What Python makes of lists of times, and of the graphs of models.

    python android_demo/vectors/measurement.py FOLDER

FOLDER/measurement.jsonl has a line for each list of times: `times`, `stable`, `interval` (two
numbers or null) and `statistics` as `Timing` has them. FOLDER/graph_parts.jsonl has a line for each
onnx file of a stored bundle: `bundle`, `file`, `nodes` (name, kind, inputs, outputs) and `parts`
(value → part).
"""

from __future__ import annotations

import dataclasses
import json
import random
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgebert_runtime.graph_parts import parts
from edgebert_runtime.onnx_nodes import read_nodes
from edgebert_runtime.timing import interval_of_median, is_stable, statistics

REPOSITORY = Path(__file__).resolve().parents[2]
STORED = "tests/stored_bundles/version-2.edgebert"
COUNTS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 21, 50, 99, 100, 101, 250, 1000, 10_000)


def main() -> None:
    """Write both files into the folder that the command line names."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "measurement.jsonl", _timings())
    _write(folder / "graph_parts.jsonl", _graphs())


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with path.open("w", encoding="ascii") as stream:
        for row in rows:
            print(json.dumps(row, allow_nan=False), file=stream)


def _timings() -> Iterator[dict[str, Any]]:
    chance = random.Random(8)
    for count in COUNTS:
        for times in (
            [chance.lognormvariate(1, 0.5) for _ in range(count)],
            [chance.gauss(10, 0.1) for _ in range(count)],
            [float(chance.randrange(1, 4)) for _ in range(count)],
        ):
            timing = statistics(8, 3, times, 2)
            yield {
                "times": times,
                "stable": is_stable(times),
                "interval": interval_of_median(times),
                "statistics": dataclasses.asdict(timing),
            }


def _graphs() -> Iterator[dict[str, Any]]:
    with zipfile.ZipFile(REPOSITORY / STORED) as archive, tempfile.TemporaryDirectory() as folder:
        for name in archive.namelist():
            if name.endswith(".onnx"):
                nodes = read_nodes(Path(archive.extract(name, folder)).read_bytes())
                yield {
                    "bundle": STORED,
                    "file": name,
                    "nodes": [dataclasses.asdict(node) for node in nodes],
                    "parts": parts(nodes),
                }


if __name__ == "__main__":
    main()
