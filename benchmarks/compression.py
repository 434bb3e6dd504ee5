"""What compression costs and brings: every recipe on every backend, half a student, a small one.

    .venv/bin/python benchmarks/compression.py          everything: the runs take minutes on a GPU,
                                                        hours on two cores, the measuring half an
                                                        hour
    .venv/bin/python benchmarks/compression.py small    one of the runs: half, small, or a step of
                                                        theirs

Runs are kept in .cache/distillation, beside those that they start from. Without a name, it writes
benchmarks/compression.json and the tables of docs/compression.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import distillation
import document
import resources
from distillation import SETS, WORK, Job

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "compression.json"
DOCUMENT = HERE.parent / "docs" / "compression.md"
WHOLE = "3-layer-of-teacher-0"
"""The student that is compressed."""
LENGTHS = (16, 32, 64)
BUNDLES = WORK.parent / "compression"
_ROUNDS = 3
_RECIPES = ("float32", "float16", "int8_dynamic", "int8_static", "int8_weights", "int4_weights")
_FORMATS = {"tflite": _RECIPES, "onnx": _RECIPES, "torchscript": _RECIPES[:-1]}
_TITLES = {
    WHOLE: "whole student",
    "half": "half of heads and neurons, recovered",
    "small": "45 % of heads, 42 % of neurons, 24 % of tokens, distilled again",
}


BOTH = (
    *("--learning-rate", "intermediate=3e-4,prediction=1.5e-4"),
    *("--epochs", "intermediate=1,prediction=2"),
)
"""Both stages of a compressed student."""


def learning(temperature: int = 3) -> tuple[str, ...]:
    """What each `edgebert distill` of a compressed student is told."""
    return (
        *("--train", str(WORK / "mixed-0.jsonl"), "--dev", str(resources.film_dev())),
        *("--precision", distillation.precision()),
        *("--temperature", str(temperature), "--batch-size", "64"),
    )


def jobs() -> dict[str, Job]:
    """The compressed students by name, with what each starts from."""
    found = distillation.jobs()
    film, dev = str(resources.film_train()), str(resources.film_dev())
    whole = str(WORK / WHOLE)
    vocabulary = (
        *("--vocabulary", film, "--held-out", dev),
        *("--min-count", "3", "--drop-unseen-characters"),
    )
    found["half-start"] = Job(
        "",
        (WHOLE,),
        ("prune", whole, "--heads", "4,4,10", "--neurons", "512,512,1280", "--data", film),
    )
    found["half"] = Job(
        _TITLES["half"],
        ("teacher-0", "half-start", "mixed-0.jsonl"),
        (
            *("distill", "--teacher", str(WORK / "teacher-0"), *learning(), *BOTH),
            *("--student", str(WORK / "half-start"), "--seed", "1"),
        ),
    )
    found["few-tokens"] = Job("", ("teacher-0",), ("prune", str(WORK / "teacher-0"), *vocabulary))
    found["small-teacher"] = Job(
        "",
        ("few-tokens",),
        (
            *("train", str(WORK / "few-tokens"), "--train", film, "--dev", dev, "--epochs", "1"),
            *("--learning-rate", "5e-5", "--precision", distillation.precision()),
        ),
    )
    found["small-start"] = Job(
        "",
        (WHOLE,),
        (
            *("prune", whole, "--heads", "0.45", "--neurons", "0.42", "--data", film),
            *vocabulary,
        ),
    )
    distil = ("distill", "--teacher", str(WORK / "small-teacher"), *learning())
    found["small-first"] = Job(
        "",
        ("small-teacher", "small-start", "mixed-0.jsonl"),
        (*distil, *BOTH, "--student", str(WORK / "small-start")),
    )
    found["small"] = Job(
        _TITLES["small"],
        ("small-first",),
        (
            *(*distil, "--student", str(WORK / "small-first"), "--stages", "prediction"),
            *("--learning-rate", "1e-4", "--epochs", "4"),
        ),
    )
    return found


def recipes() -> list[dict[str, Any]]:
    """Every recipe of the whole student on every backend."""
    return [
        _artifact(WHOLE, "", form, recipe) for form, names in _FORMATS.items() for recipe in names
    ]


def students() -> list[dict[str, Any]]:
    """The whole student and the compressed ones."""
    return [
        _artifact(name, title, form, recipe)
        for name, title in _TITLES.items()
        for form in ("tflite", "onnx")
        for recipe in (("float32", "int8_dynamic") if name == WHOLE else ("int8_dynamic",))
    ]


def _artifact(name: str, title: str, form: str, recipe: str) -> dict[str, Any]:
    """A bundle of one artifact, in .cache/compression: accuracy on each set, bytes on disk."""
    bundle = BUNDLES / f"{name}-{form}-{recipe}"
    known = bundle.with_name(f"{bundle.name}.json")
    if known.exists():
        found: dict[str, Any] = json.loads(known.read_text(encoding="utf-8"))
        return found
    BUNDLES.mkdir(parents=True, exist_ok=True)
    manifest = _edgebert(
        *("convert", str(WORK / name), "-o", str(bundle), "--formats", form, "--recipe", recipe),
        *("--calibration", str(resources.film_train()), "--lengths", "16,32,64,128"),
        *("--force", "--json"),
    )
    accuracy = {
        data: _edgebert("evaluate", str(bundle), str(resources.find(data)), "--json")["artifacts"][
            0
        ]["accuracy"]
        for data in SETS
    }
    found = {
        "student": name,
        "title": title,
        "format": form,
        "recipe": recipe,
        "parameters": sum(manifest["source"]["parameters"].values()),
        "calibration": manifest["artifacts"][0]["calibration"],
        "accuracy": accuracy,
        "bytes": sum(path.stat().st_size for path in bundle.iterdir()),
        "bundle": bundle.name,
    }
    known.write_text(json.dumps(found), encoding="utf-8")
    return found


def _times(bundles: set[str]) -> dict[str, dict[str, float]]:
    """Median over rounds of p50 in milliseconds by length, one thread; rounds go over all."""
    rounds: dict[str, list[dict[str, float]]] = {}
    lengths = ",".join(map(str, LENGTHS))
    for _ in range(_ROUNDS):
        for bundle in sorted(bundles):
            measured = _edgebert(
                *("profile", str(BUNDLES / bundle), "--threads", "1"),
                *("--lengths", lengths, "--budget", "1.5", "--json"),
            )["results"][0]["measurement"]
            rounds.setdefault(bundle, []).append(
                {str(each["tokens"]): each["p50_ms"] for each in measured["lengths"]}
            )
    return {
        bundle: {length: statistics.median(each[length] for each in found) for length in found[0]}
        for bundle, found in rounds.items()
    }


def tables(results: dict[str, Any]) -> str:
    """The document's tables."""
    columns = f"{' | '.join(SETS)} | MB | ms at {', '.join(map(str, LENGTHS))} tokens |"
    rule = "|---" * (3 + len(SETS)) + "|"
    lines = [f"| | {columns}", rule]
    for each in results["students"]:
        title = f"{each['title']}, {each['format']} {each['recipe']}"
        lines.append(_row(title, each))
    lines += ["", f"| whole student | {' | '.join(SETS)} | MB |", rule.removesuffix("|---|") + "|"]
    for each in results["recipes"]:
        lines.append(_row(f"{each['format']} {each['recipe']}", each))
    facts = results["facts"]
    lines += [
        "",
        f"{facts['cpu']}, {facts['operating_system']}, Python {facts['python']}, one thread; "
        f"medians of {_ROUNDS} rounds over all rows; {results['date']}, by "
        "`benchmarks/compression.py`. MB: all files of a bundle with this artifact alone.",
    ]
    return "\n".join(lines)


def _row(title: str, each: dict[str, Any]) -> str:
    cells = [title, *(f"{100 * each['accuracy'][name]:.1f}" for name in SETS)]
    cells.append(f"{each['bytes'] / 1e6:.2f}")
    if "p50_ms" in each:
        cells.append(" / ".join(f"{each['p50_ms'][str(length)]:.2f}" for length in LENGTHS))
    return f"| {' | '.join(cells)} |"


def _edgebert(*arguments: str) -> Any:
    command = [sys.executable, "-m", "edgebert", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def main() -> None:
    """Run what was asked for; of everything, measure and write the figures too."""
    every = jobs()
    parser = argparse.ArgumentParser(description="What compression costs and brings.")
    parser.add_argument("names", nargs="*", help="runs to make; default: all, and measure")
    arguments = parser.parse_args()
    for name in arguments.names or ("half", "small"):
        distillation.make(name, every)
    if arguments.names:
        return
    results: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "students": students(),
        "recipes": recipes(),
    }
    rows = results["students"]
    times = _times({each["bundle"] for each in rows})
    for each in rows:
        each["p50_ms"] = times[each["bundle"]]
    once = _edgebert("profile", str(BUNDLES / rows[-1]["bundle"]), "--json")
    results["facts"] = once["results"][0]["measurement"]["facts"]
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    document.write(DOCUMENT, document.section("compression.py", tables(results)))


if __name__ == "__main__":
    main()
