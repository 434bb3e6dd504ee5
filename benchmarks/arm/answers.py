"""The shipped student's answers on ARM processors without ARM hardware, beside x86-64's.

    .venv/bin/python benchmarks/arm/answers.py                 all: 22 minutes and less
    .venv/bin/python benchmarks/arm/answers.py --only armhf    one architecture; the other's stay
    .venv/bin/python benchmarks/arm/answers.py --json          prints JSON in place of the tables

Installs this tree's wheel with its extras in Debian roots under QEMU, as a user would, and asks
`edgebert predict` there and here, of the same wheel and the same versions of the libraries. Writes
answers.json and README.md's section; exit status 1 if a label differs, or a score by more than its
recipe's tolerance.
Needs root and Debian's packages (it installs what is missing); keeps the roots in .cache.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asking import LIBRARIES, Emulated, Here

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]
import document  # noqa: E402
import same_answers  # noqa: E402
import this_machine  # noqa: E402
from arm_roots import MACHINES, PROCESSORS, ROOT, Machine  # noqa: E402

from edgebert_runtime.hardware import facts  # noqa: E402

HERE = Path(__file__).resolve().parent
STORED = HERE / "answers.json"
README = HERE / "README.md"
RECIPES = ("int8_dynamic", "float32")
LOOKED_FOR = (*LIBRARIES, "huggingface-hub", "hf-xet", "pyyaml")
"""Wheels that may not be there; the last are what tokenizers asks for."""


def main() -> None:
    """Ask, compare, store, print."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--only", choices=MACHINES)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    for tool, package in (
        ("debootstrap", "debootstrap"),
        ("qemu-aarch64-static", "qemu-user-static"),
    ):
        this_machine.need(tool, package)
    figures = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        bundle = converted(Path(folder) / "bundle")
        for name in [arguments.only] if arguments.only else MACHINES:
            figures[name] = measured(MACHINES[name], bundle)
            STORED.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    with contextlib.redirect_stdout(sys.stderr if arguments.json else sys.stdout):
        document.write(README, section(figures))
    if arguments.json:
        print(json.dumps(figures, indent=2))
    if found := list(faults(figures)):
        raise SystemExit("\n".join(found))


def converted(folder: Path) -> Path:
    """The shipped student as a user converts it, ONNX and TFLite."""
    command = [sys.executable, "-m", "edgebert", "convert", str(ROOT / "models/film-sentiment")]
    options = ["-o", str(folder), "--formats", "onnx,tflite", "--recipe", ",".join(RECIPES)]
    subprocess.run([*command, *options], check=True, stdout=sys.stderr)
    return folder


def measured(machine: Machine, bundle: Path) -> dict[str, Any]:
    """Each artifact on each processor of an architecture, beside this machine."""
    started = time.monotonic()
    emulated = Emulated(machine, bundle, same_answers.sentences())
    here = Here(emulated)
    rows = []
    for backend in machine.backends:
        for recipe in RECIPES:
            expected = here.ask(backend, recipe)
            for processor in PROCESSORS[machine.debian].values():
                got = emulated.ask(processor, backend, recipe)
                row = {"backend": backend, "recipe": recipe, "processor": processor.name}
                rows.append({**row, **same_answers.compared(expected, got)})
    wheels = emulated.wheels(LOOKED_FOR)
    return {
        "date": datetime.date.today().isoformat(),
        "minutes": round((time.monotonic() - started) / 60, 1),
        "compared_with": f"{facts().cpu}, Python {platform.python_version()}",
        "qemu": qemu(),
        "versions": emulated.versions,
        "newest_wheels": wheels,
        "artifacts": rows,
    }


def qemu() -> str:
    """The emulator's version."""
    command = ["qemu-aarch64-static", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0].replace("qemu-aarch64 version", "QEMU")


def faults(figures: dict[str, Any]) -> Iterator[str]:
    """What is wrong, each with where."""
    for name, each in figures.items():
        for row in each["artifacts"]:
            for fault in same_answers.faults(row, row["recipe"]):
                yield f"{name} {row['processor']} {row['backend']} {row['recipe']}: {fault}"


def section(figures: dict[str, Any]) -> str:
    """The part of the README that this script writes."""
    lines = [
        "| | processor | artifact | equal labels | largest difference | median | most | stepped |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, each in figures.items():
        for row in each["artifacts"]:
            artifact = f"{row['backend']} {row['recipe']}"
            equal = f"{row['equal_labels']} of {row['sentences']}"
            moved = [row["largest_difference"], row["median_difference"]]
            scores = [f"{score:.1g}" for score in (*moved, same_answers.TOLERANCE[row["recipe"]])]
            cells = [name, row["processor"], artifact, equal, *scores, str(row["stepped"])]
            lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| newest wheels on PyPI | " + " | ".join(figures) + " |"]
    lines.append("|---|" + "---|" * len(figures))
    for package in LOOKED_FOR:
        found = [each["newest_wheels"][package] or "none" for each in figures.values()]
        lines.append(f"| {package} | {' | '.join(found)} |")
    for name, each in figures.items():
        used = [f"{key} {each['versions'][key]}" for key in LIBRARIES if key in each["versions"]]
        lines += [
            "",
            f"{name}: {', '.join(used)}; beside {each['compared_with']}; {each['qemu']}; "
            f"{each['date']}, {each['minutes']} minutes.",
        ]
    return document.section("arm/answers.py", "\n".join(lines))


if __name__ == "__main__":
    main()
