"""Does `edgebert predict --input FILE` grow with the number of lines? Resident memory over time.

    .venv/bin/python benchmarks/many_lines.py                 a million lines, about ten minutes
    .venv/bin/python benchmarks/many_lines.py --lines 20000   a minute's worth
    .venv/bin/python benchmarks/many_lines.py --backend onnx --json

Converts the shipped student first. Lines are of 1 to 12 words.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from edgebert_runtime.hardware import facts
from edgebert_runtime.processors import available_processors

ROOT = Path(__file__).resolve().parent.parent
WORDS = ("the", "film", "is", "long", "quiet", "warm", "dull", "and", "not", "what", "we", "hoped")


def line(index: int) -> str:
    """A line of its own for each index, of 1 to 12 words."""
    return " ".join(WORDS[(index * 7 + place * 3) % len(WORDS)] for place in range(index % 12 + 1))


def resident(process: int) -> int:
    """Bytes in memory now; 0 once the process is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    for each in status.splitlines():
        if each.startswith("VmRSS:"):
            return int(each.split()[1]) * 1024
    return 0


def measure(bundle: Path, backend: str, lines: int, work: Path) -> dict[str, Any]:
    """Answer the lines, looking at resident memory once a second."""
    path = work / "lines.txt"
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line(index)}\n" for index in range(lines))
    command = [sys.executable, "-m", "edgebert", "predict", str(bundle), "--backend", backend]
    output = work / "answers.json"
    started, seen = time.monotonic(), []
    with output.open("wb") as answers:
        process = subprocess.Popen(
            [*command, "--threads", "1", "--input", str(path), "--json"], stdout=answers
        )
        while process.poll() is None:
            time.sleep(1)
            seen.append(resident(process.pid))
    if process.returncode:
        raise SystemExit(process.returncode)
    seconds = time.monotonic() - started
    with output.open(encoding="utf-8") as answers:
        answered = sum(row.startswith('    "label"') for row in answers)
    assert answered == lines, (answered, lines)
    held = [each for each in seen if each]
    # The first tenth of the time holds the start.
    steady = held[len(held) // 10 :]
    return {
        "backend": backend,
        "lines": lines,
        "seconds": round(seconds, 1),
        "lines_per_second": round(lines / seconds),
        "resident_mb": {
            "at_a_tenth": round(steady[0] / 1e6, 1),
            "at_half": round(steady[len(steady) // 2] / 1e6, 1),
            "at_the_end": round(steady[-1] / 1e6, 1),
            "most": round(max(held) / 1e6, 1),
        },
    }


def main() -> None:
    """Measure, and print a line for each backend."""
    parser = argparse.ArgumentParser(description="Memory of edgebert predict over many lines.")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--backend", default="tflite,onnx", help="default: tflite,onnx")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    backends = arguments.backend.split(",")
    results = []
    with tempfile.TemporaryDirectory(prefix="edgebert-many-lines-") as folder:
        work = Path(folder)
        convert = ["convert", str(ROOT / "models/film-sentiment"), "-o", str(work / "bundle")]
        options = ["--formats", ",".join(backends), "--lengths", "16,64"]
        subprocess.run(
            [sys.executable, "-m", "edgebert", *convert, *options],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for backend in backends:
            results.append(measure(work / "bundle", backend, arguments.lines, work))
    cpu = facts().cpu
    if arguments.json:
        date = datetime.date.today().isoformat()
        print(json.dumps({"date": date, "cpu": cpu, "results": results}, indent=2))
        return
    print(f"{cpu}, {available_processors()} processors, {datetime.date.today()}")
    for each in results:
        memory = ", ".join(f"{name} {value}" for name, value in each["resident_mb"].items())
        print(
            f"{each['backend']}: {each['lines']:,} lines in {each['seconds']} s "
            f"({each['lines_per_second']:,}/s); resident MB: {memory}"
        )


if __name__ == "__main__":
    main()
