"""How far the profiler's own figures can be trusted, on this machine.

    .venv/bin/python benchmarks/profiler.py BUNDLE     about two minutes
    .venv/bin/python benchmarks/profiler.py BUNDLE --json

For each artifact, in turn and in processes of their own: p50 by the profiler, and by a bare loop
that loads the same file and does nothing else. Then the time of a whole profile with its defaults,
the size of its page, and how long Chromium takes to load it, where there is one.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from edgebert.profiler.local import Local
from edgebert_runtime import Bundle
from edgebert_runtime.hardware import facts
from edgebert_runtime.measurement import Settings

ROUNDS = 5
TOKENS = 32
_BARE = """
import sys, time
import numpy as np
import edgebert_runtime
from edgebert_runtime.benchmark import encoding_of_length

path, backend, recipe, tokens = sys.argv[1:]
model = edgebert_runtime.load(path, backend=backend, recipe=recipe, threads=1)
encoding = encoding_of_length(model.tokenizer, int(tokens))
times, end = [], time.perf_counter() + 2
while time.perf_counter() < end:
    start = time.perf_counter_ns()
    model.run([encoding])
    times.append(time.perf_counter_ns() - start)
print(np.median(times[len(times) // 4:]) / 1e6)
"""


def main() -> None:
    """Print a table and where it was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    artifacts = Bundle(given.bundle).manifest.artifacts
    rows = [_row(given.bundle, each.backend, each.recipe) for each in artifacts]
    result = {**_whole(given.bundle), "rows": rows}
    machine = facts()
    result["machine"] = f"{machine.cpu}, {machine.operating_system}, Python {machine.python}"
    result["date"] = datetime.date.today().isoformat()
    print(json.dumps(result, indent=2) if given.json else _text(result))


def _row(bundle: Path, backend: str, recipe: str) -> dict[str, Any]:
    """p50 in ms of each round, by both."""
    found: dict[str, list[float]] = {"profiler": [], "bare": []}
    marks: set[str] = set()
    for number in range(ROUNDS):
        for name in ("profiler", "bare") if number % 2 else ("bare", "profiler"):
            if name == "profiler":
                settings = Settings(backend, recipe, 1, (TOKENS,), 4.0)
                measured = Local().measure(bundle, settings)
                found[name].append(measured.lengths[0].p50_ms)
                marks |= set(measured.conditions.marks)
            else:
                command = [sys.executable, "-c", _BARE, str(bundle), backend, recipe, str(TOKENS)]
                output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                found[name].append(float(output.split()[-1]))
    return {"artifact": f"{backend} {recipe}", **found, "marks": sorted(marks)}


def _whole(bundle: Path) -> dict[str, float | None]:
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "profile.html"
        command = [sys.executable, "-m", "edgebert", "profile", str(bundle), "--output", str(page)]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return {
            "whole_profile_seconds": time.perf_counter() - start,
            "page_bytes": page.stat().st_size,
            "page_seconds": _load_seconds(page),
        }


def _load_seconds(page: Path) -> float | None:
    """By how much Chromium takes longer for the page than for an empty one; None without it."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return None
    times: dict[str, list[float]] = {page.as_uri(): [], "about:blank": []}
    for _ in range(ROUNDS):
        for address, found in times.items():
            start = time.perf_counter()
            command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
            subprocess.run([*command, address], check=True, capture_output=True)
            found.append(time.perf_counter() - start)
    loaded, empty = map(statistics.median, times.values())
    return loaded - empty


def _text(result: dict[str, Any]) -> str:
    lines = [
        f"| {TOKENS} tokens, {ROUNDS} rounds | bare loop, ms | profiler, ms | ratio | spread |",
        "|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        bare, ours = statistics.median(row["bare"]), statistics.median(row["profiler"])
        spread = (max(row["profiler"]) - min(row["profiler"])) / ours
        lines.append(
            f"| {row['artifact']} | {bare:.3f} | {ours:.3f} | {ours / bare:.3f} | {spread:.1%} |"
        )
        lines += [f"  {mark}" for mark in row["marks"]]
    page = f"{result['page_bytes'] / 1e3:.0f} kB"
    if result["page_seconds"] is not None:
        page += f", {result['page_seconds']:.2f} s in Chromium"
    lines.append(
        f"A profile with its defaults: {result['whole_profile_seconds']:.0f} s; its page: {page}"
    )
    return "\n".join([*lines, f"{result['machine']}; {result['date']}, by benchmarks/profiler.py"])


if __name__ == "__main__":
    main()
