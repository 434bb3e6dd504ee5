"""The figures of the README: MiniLM converted, compared on 1,000 real sentences, and profiled.

    .venv/bin/python benchmarks/figures.py

Writes benchmarks/figures.json and the README's table; about two minutes on two cores.
"""

from __future__ import annotations

import datetime
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import document
import resources

HERE = Path(__file__).resolve().parent
FIGURES = HERE / "figures.json"
README = HERE.parent / "README.md"
SENTENCES = 1000
LENGTHS = (8, 16, 32, 64, 128, 256)


def main() -> None:
    """Measure, and write the JSON file and the README's section."""
    figures = measure()
    FIGURES.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    document.write(README, section(figures))


def measure() -> dict[str, Any]:
    """Convert in one process, profile every artifact in another of its own."""
    checkpoint = resources.minilm()
    with tempfile.TemporaryDirectory() as folder:
        texts, bundle = Path(folder) / "sentences.txt", Path(folder) / "bundle"
        texts.write_text("\n".join(resources.sentences(SENTENCES)), encoding="utf-8")
        convert = ["convert", str(checkpoint), "-o", str(bundle), "--calibration", str(texts)]
        start = time.perf_counter()
        manifest = _edgebert(*convert, "--json")
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        lengths = ",".join(map(str, LENGTHS))
        profile = ["profile", str(bundle), "--threads", "1", "--budget", "8"]
        measured = _edgebert(*profile, "--lengths", lengths, "--json")
        once = _edgebert("profile", str(bundle), "--threads", "1", "--lengths", "16", "--json")
    return {
        "date": datetime.date.today().isoformat(),
        "float_bytes": (checkpoint / "model.safetensors").stat().st_size,
        "convert_seconds": seconds,
        "convert_peak_bytes": peak,
        "manifest": manifest,
        "profile": measured,
        "one_answer": once,
    }


def table(figures: dict[str, Any]) -> str:
    """The README's table, in Markdown."""
    parity = {each["backend"]: each for each in figures["manifest"]["artifacts"]}
    measured = {each["backend"]: each for each in _measurements(figures["profile"])}
    once = {each["backend"]: each for each in _measurements(figures["one_answer"])}
    backends = ("tflite", "onnx", "torchscript")
    rows: list[tuple[str, list[str]]] = [
        (
            f"size, MB (float32: {figures['float_bytes'] / 1e6:.1f})",
            [f"{parity[name]['bytes'] / 1e6:.1f}" for name in backends],
        ),
        (
            f"mean cosine with the float model, {SENTENCES:,} sentences",
            [f"{parity[name]['parity']['agreement']:.4f}" for name in backends],
        ),
    ]
    for index, length in enumerate(LENGTHS):
        cells = [f"{measured[name]['lengths'][index]['p50_ms']:.2f}" for name in backends]
        rows.append((f"{length} tokens, ms (p50)", cells))
    rows += [
        (
            "process start to first answer, ms",
            [f"{once[name]['startup']['to_first_answer_ms']:.0f}" for name in backends],
        ),
        (
            "resident after the first answer, MB",
            [f"{once[name]['memory']['first_answer_bytes'] / 1e6:.0f}" for name in backends],
        ),
    ]
    lines = ["| | TFLite | ONNX | TorchScript |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows)])


def _measurements(profile: dict[str, Any]) -> list[dict[str, Any]]:
    return [each["measurement"] for each in profile["results"]]


def section(figures: dict[str, Any]) -> str:
    """The part of the README that this script writes: the table, and where it was measured."""
    facts = [each["facts"] for each in _measurements(figures["profile"])]
    libraries = {name: version for each in facts for name, version in each["libraries"].items()}
    versions = ", ".join(f"{name} {version}" for name, version in sorted(libraries.items()))
    vnni = "with" if facts[0]["dot_product"] else "without"
    caption = (
        f"{facts[0]['cpu']} (x86-64 {vnni} VNNI, a shared virtual machine), "
        f"{facts[0]['operating_system']}, Python {facts[0]['python']}, {versions}; "
        f"{figures['date']}, by `benchmarks/figures.py`. Converting took "
        f"{figures['convert_seconds']:.0f} s and {figures['convert_peak_bytes'] / 1e9:.1f} GB."
    )
    return document.section("figures.py", f"{table(figures)}\n\n{caption}")


def _edgebert(*arguments: str) -> Any:
    command = [sys.executable, "-m", "edgebert", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
