"""Small checkpoints of every kind of task, trained here, and what their artifacts still know.

    .venv/bin/python benchmarks/tasks.py                  everything
    .venv/bin/python benchmarks/tasks.py answers …        these, and what they start from
    .venv/bin/python benchmarks/tasks.py --train [names]  only the checkpoints
    .venv/bin/python benchmarks/tasks.py --list           their names

Checkpoints and bundles are kept in .cache/tasks. Writes benchmarks/tasks.json and the tables of
docs/tasks.md, in which what isn't measured now stays as it was.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

# Before torch starts its threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import document
import resources
import torch
from task_models.checkpoints import CHECKPOINTS

import edgebert
from edgebert_runtime import hardware
from edgebert_runtime.manifest import BACKENDS

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "tasks.json"
DOCUMENT = HERE.parent / "docs" / "tasks.md"
WORK = resources.CACHE.parent / "tasks"
RECIPES = ("float32", "int8_dynamic")
LENGTHS = (32, 64, 128)
_LIBRARIES = ("torch", "transformers", "tokenizers", "onnxruntime", "ai-edge-litert", "numpy")


def checkpoint(name: str) -> Path:
    """The folder of a checkpoint, trained if it isn't there; `NAME.json` has what that took."""
    folder = WORK / name
    if not folder.is_dir():
        after = CHECKPOINTS[name].after
        if after is not None:
            checkpoint(after)
        print(f"== training {name}", file=sys.stderr, flush=True)
        partial = WORK / f"{name}.partial"
        made = CHECKPOINTS[name].make(partial)
        (WORK / f"{name}.json").write_text(json.dumps(made), encoding="utf-8")
        partial.rename(folder)
    return folder


def measured(name: str) -> dict[str, Any]:
    """What training took, and the figures of the float model and of every artifact."""
    folder = checkpoint(name)
    rows = CHECKPOINTS[name].held_out()
    print(f"== measuring {name}", file=sys.stderr, flush=True)
    float_answers: Any = rows.float_answers(folder)
    expected: Any = rows.expected
    bundle = WORK / f"{name}.bundle"
    options = edgebert.ConvertOptions(recipes=RECIPES, lengths=LENGTHS, force=True)
    manifest = edgebert.convert(folder, bundle, options)
    artifacts = []
    for backend in BACKENDS:
        for recipe in RECIPES:
            with edgebert.load(bundle, backend=backend, recipe=recipe, threads=1) as model:
                found: Any = rows.artifact_answers(model)
            artifacts.append(
                {
                    "backend": backend,
                    "recipe": recipe,
                    "figures": rows.figures(found, expected),
                    "against_float": rows.figures(found, float_answers),
                }
            )
    return {
        "name": name,
        "title": CHECKPOINTS[name].title,
        "parameters": sum(manifest.source.parameters.values()),
        "training": json.loads((WORK / f"{name}.json").read_text(encoding="utf-8")),
        "rows": len(expected),
        "float": rows.figures(float_answers, expected),
        "artifacts": artifacts,
        "machine": hardware.facts().cpu,
        "made_with": {each: metadata.version(each) for each in _LIBRARIES},
        "python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
    }


def table(results: list[dict[str, Any]]) -> str:
    """The figures in percent, in Markdown: a line for each checkpoint and figure."""
    columns = [(backend, recipe) for backend in BACKENDS for recipe in RECIPES]
    names = " | ".join(f"{backend} {recipe}" for backend, recipe in columns)
    lines = [
        f"| | figure | float model | {names} |",
        "|---" * (3 + len(columns)) + "|",
    ]
    for result in results:
        for figure, value in result["float"].items():
            cells = []
            for backend, recipe in columns:
                (artifact,) = (
                    each
                    for each in result["artifacts"]
                    if (each["backend"], each["recipe"]) == (backend, recipe)
                )
                cells.append(
                    f"{100 * artifact['figures'][figure]:.1f} "
                    f"({100 * artifact['against_float'][figure]:.1f})"
                )
            title = f"{result['title']}, {result['rows']:,} rows"
            lines.append(f"| {title} | {figure} | {100 * value:.1f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def costs(results: list[dict[str, Any]]) -> str:
    """What training took, in Markdown."""
    lines = [
        "| | M parameters | steps | processor seconds | seconds |",
        "|---|---|---|---|---|",
    ]
    for result in results:
        made = result["training"]
        lines.append(
            f"| {result['title']} | {result['parameters'] / 1e6:.1f} | {made['steps']:,} | "
            f"{made['processor_seconds']:,.0f} | {made['seconds']:,.0f} |"
        )
    return "\n".join(lines)


def section(results: list[dict[str, Any]]) -> str:
    """The part of the document that this script writes."""
    where = sorted(
        {
            f"{each['machine']}, Python {each['python']}, "
            + ", ".join(f"{name} {version}" for name, version in each["made_with"].items())
            + f"; {each['date']}"
            for each in results
        }
    )
    caption = "\n".join(f"{each}, by `benchmarks/tasks.py`." for each in where)
    text = f"{table(results)}\n\n{costs(results)}\n\n{caption}"
    return document.section("tasks.py", text)


def main() -> None:
    """Train and measure what was asked for, and write it down."""
    parser = argparse.ArgumentParser(description="Trained checkpoints of every kind of task.")
    parser.add_argument("names", nargs="*", help="default: all")
    parser.add_argument("--train", action="store_true", help="make the checkpoints, no more")
    parser.add_argument("--list", action="store_true", help="print the names")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(CHECKPOINTS))
        return
    torch.set_num_threads(1)
    WORK.mkdir(parents=True, exist_ok=True)
    names = arguments.names or list(CHECKPOINTS)
    if arguments.train:
        for name in names:
            print(name, checkpoint(name))
        return
    now = {name: measured(name) for name in names}
    known: dict[str, Any] = {}
    if RESULTS.exists():
        known = {each["name"]: each for each in json.loads(RESULTS.read_text(encoding="utf-8"))}
    known |= now
    results = [known[name] for name in CHECKPOINTS if name in known]
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    document.write(DOCUMENT, section(results))


if __name__ == "__main__":
    main()
