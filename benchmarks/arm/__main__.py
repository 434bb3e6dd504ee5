"""Exact counts of ARM instructions, without ARM hardware.

    .venv/bin/python benchmarks/arm                    our artifacts, into counts.json; five minutes
    .venv/bin/python benchmarks/arm FILE …             bundles' artifacts, or others' .onnx: prints
    .venv/bin/python benchmarks/arm FILE --operators   and by kind of operator, at the last length
    .venv/bin/python benchmarks/arm FILE --functions   and by function of the library

Instructions of one inference of one text under QEMU's user mode, one thread. A count repeats
exactly and does not mind what else the machine does. It is no time: memory and the width of a
processor are not in it. The model has TinyBERT-4L-312's shape and random weights, on which
instructions do not depend.
"""

from __future__ import annotations

import argparse
import datetime
import json
from collections import Counter
from pathlib import Path

from counting import by_function, by_operator, instructions
from machine import CACHE, FORMATS, HERE, PROCESSORS, converted, prepare, versions

COUNTS = HERE / "counts.json"
LENGTHS = (16, 32, 64, 128)


def main() -> None:
    """Count, and print or store."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--processors", nargs="+", choices=PROCESSORS, default=list(PROCESSORS))
    parser.add_argument("--operators", action="store_true")
    parser.add_argument("--functions", action="store_true")
    arguments = parser.parse_args()
    prepare()
    if not arguments.files:
        store()
        return
    for file in arguments.files:
        for name in arguments.processors:
            counts = instructions(PROCESSORS[name], file.resolve(), arguments.lengths)
            row = " | ".join(f"{count / 1e6:.2f}" for count in counts.values())
            print(f"| {file} | {name} | {row} |", flush=True)
            length = arguments.lengths[-1]
            if arguments.operators:
                show(by_operator(PROCESSORS[name], file.resolve(), length))
            if arguments.functions:
                show(by_function(PROCESSORS[name], file.resolve(), length))


def show(found: Counter[str]) -> None:
    """Millions by name, down to a thousandth of the most."""
    most = max(found.values())
    for name, count in found.most_common():
        if count * 1000 >= most:
            print(f"    {count / 1e6:8.3f}  {name}")


def store() -> None:
    """Count our artifacts anew, and write counts.json."""
    bundle = converted(CACHE / "arm-counting" / "bundle")
    document = {
        "date": datetime.date.today().isoformat(),
        "versions": versions(),
        "instructions": {
            name: {
                form: {
                    str(length): count
                    for length, count in instructions(processor, bundle / file, LENGTHS).items()
                }
                for form, file in FORMATS.items()
            }
            for name, processor in PROCESSORS.items()
        },
    }
    COUNTS.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(COUNTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
