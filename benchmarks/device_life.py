"""What becomes of a bundle on a device that nobody watches: every case, run for real.

    .venv/bin/python benchmarks/device_life.py               all but the endurance, in a table
    .venv/bin/python benchmarks/device_life.py memory        some parts of it: conditions, changes,
                                                             memory, power-cuts, endurance
    .venv/bin/python benchmarks/device_life.py --json --python /path/to/device/environment/python

Needs root, Debian's faketime and locales, and room for two bundles in .cache/device, which it
converts once: the shipped student, and TinyBERT's shape of 4 layers and 312 (arXiv 1909.10351) with
random weights and the 30,522 tokens of MiniLM. Conditions are those of `device_conditions.py`.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import device_conditions
import device_memory
import device_power_cut
import device_run
import resources
from device_memory import MEBIBYTE
from device_run import Job, Outcome

from edgebert import cli, table
from edgebert_runtime import Bundle, EdgeBertError
from edgebert_runtime.hardware import facts
from edgebert_runtime.manifest import BACKENDS

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / ".cache" / "device"
ANSWERS = 1000
_DEVICE_LIMIT = 128 * MEBIBYTE
_SECONDS = 900
"""For a thousand answers."""
_THRASHING = 120
"""For twenty: where pages are dropped and read again all the time, a limit does not count."""


@dataclass(frozen=True)
class Row:
    """One case on one backend."""

    case: str
    backend: str
    result: str
    peak_resident_bytes: int | None = None
    seconds: float | None = None


def conditions(python: str, backends: list[str]) -> Iterator[Row]:
    """The shipped student under every condition, beside the same run without one."""
    for backend in backends:
        job = Job(python, student(), backend)
        ordinary = device_run.run(job)
        yield _row("ordinary", backend, ordinary)
        for condition in device_conditions.CONDITIONS:
            if why := device_conditions.refusal(condition, job.bundle):
                yield Row(condition.name, backend, f"not made here: {why}")
                continue
            yield _row(condition.name, backend, device_run.run(job, condition), ordinary)
        with tempfile.TemporaryDirectory() as folder:
            chinese = device_conditions.locale(Path(folder), "zh_CN", "GB18030")
            yield _row(chinese.name, backend, device_run.run(job, chinese), ordinary)


def memory(python: str, backends: list[str]) -> Iterator[Row]:
    """TinyBERT's shape within 128 MiB, the least that is enough, and what is said below it."""
    for backend in backends:
        job = Job(python, tinybert(), backend, answers=ANSWERS, timeout=_SECONDS)
        # Torch does not fit; its least limit is searched for all the same.
        most = 1024 * MEBIBYTE if backend == "torchscript" else _DEVICE_LIMIT
        found = device_memory.run_within(job, most)
        case = f"TinyBERT, {ANSWERS:,} answers in {most // MEBIBYTE} MiB"
        yield _row(case, backend, found.outcome)
        works, fails = device_memory.least(
            dataclasses.replace(job, answers=20, timeout=_THRASHING), most
        )
        for each, name in ((works, "TinyBERT, least limit"), (fails, "TinyBERT, just below")):
            yield _row(f"{name}: {each.limit_bytes // MEBIBYTE} MiB", backend, each.outcome)
        for limit in (512, 256, 192, 128):
            outcome = device_memory.address_space(
                dataclasses.replace(job, answers=0), limit * MEBIBYTE
            )
            yield _row(f"TinyBERT, ulimit -v {limit} MiB", backend, outcome)


def power_cuts(python: str, backends: list[str]) -> Iterator[Row]:
    """How many bundles that were cut short are found out, without one that answers all the same."""
    bundle = student()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        yield _checked("cut on paper", device_power_cut.interrupted_copies(bundle, work, 20))
        for mode in ("ordered", "writeback"):
            place = work / mode
            place.mkdir()
            cuts = device_power_cut.cut_disks(bundle, place, mode, 20)
            yield _checked(f"cut on ext4, data={mode}", cuts)


def endurance(python: str, backends: list[str]) -> Iterator[Row]:
    """100,000 answers of the shipped student on each backend: about half an hour each."""
    for backend in backends:
        command = [python, str(HERE / "device_endurance.py"), str(student())]
        command += ["--backend", backend, "--json"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout)
        resident = found["resident_bytes"]
        yield Row(
            f"{found['calls'][-1]:,} answers",
            backend,
            f"{found['slope_bytes_per_call']:.1f} bytes a call over the second half; "
            f"{resident[1] / 1e6:.1f} to {resident[-1] / 1e6:.1f} MB",
            max(resident),
            found["seconds"],
        )


PARTS: dict[str, Callable[[str, list[str]], Iterator[Row]]] = {
    "conditions": conditions,
    "memory": memory,
    "power-cuts": power_cuts,
    "endurance": endurance,
}


def student() -> Path:
    """Bundle of the shipped student."""
    return _converted(HERE.parent / "models" / "film-sentiment", WORK / "film-sentiment")


def tinybert() -> Path:
    """Bundle of TinyBERT's smaller shape, one signature of 128 tokens."""
    checkpoint = WORK / "tinybert-checkpoint"
    if not checkpoint.is_dir():
        _make_tinybert(checkpoint)
    return _converted(checkpoint, WORK / "tinybert", "--lengths", "128")


def _make_tinybert(folder: Path) -> None:
    import torch
    import transformers

    from edgebert.distillation.shapes import SHAPES

    shape = SHAPES["tinybert-4l-312"]
    torch.manual_seed(0)
    config = transformers.BertConfig(
        num_hidden_layers=shape.layers,
        hidden_size=shape.hidden,
        num_attention_heads=shape.heads,
        intermediate_size=shape.feed_forward,
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(resources.minilm())
    tokenizer.save_pretrained(folder)
    transformers.BertForSequenceClassification(config).save_pretrained(folder)


def _converted(checkpoint: Path, bundle: Path, *options: str) -> Path:
    try:
        Bundle(bundle)
    except EdgeBertError:
        WORK.mkdir(parents=True, exist_ok=True)
        convert = ["convert", str(checkpoint), "-o", str(bundle), "--force", *options]
        subprocess.run([sys.executable, "-m", "edgebert", *convert], check=True, stdout=sys.stderr)
    return bundle


def _row(case: str, backend: str, outcome: Outcome, expected: Outcome | None = None) -> Row:
    return Row(case, backend, outcome.result(expected), outcome.peak_bytes, outcome.seconds)


def _checked(case: str, cuts: Iterator[tuple[str, Path]]) -> Row:
    states = found = 0
    for _, place in cuts:
        states += 1
        with contextlib.redirect_stdout(io.StringIO()):
            found += cli.main(["verify", str(place)]) != 0
    return Row(case, "", f"{states} states, {found} found out by verify, {states - found} whole")


def main() -> None:
    """Run what was asked for and print it."""
    parser = argparse.ArgumentParser(description="A bundle on a device that nobody watches.")
    parser.add_argument("parts", nargs="*", help=f"{', '.join(PARTS)}; default: all but endurance")
    parser.add_argument("--backends", default=",".join(BACKENDS))
    parser.add_argument("--python", default=sys.executable, help="of the environment to test")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    names = given.parts or [name for name in PARTS if name != "endurance"]
    rows = []
    for name in names:
        for row in PARTS[name](given.python, given.backends.split(",")):
            print(f"{row.case}, {row.backend}: {row.result}", file=sys.stderr)
            rows.append(row)
    machine, date = _machine(given.python), datetime.date.today().isoformat()
    if given.json:
        found = {"date": date, "facts": machine, "rows": [dataclasses.asdict(row) for row in rows]}
        print(json.dumps(found, indent=2))
        return
    cells = [
        [
            row.case,
            row.backend,
            row.result,
            "" if row.peak_resident_bytes is None else f"{row.peak_resident_bytes / 1e6:.0f}",
            "" if row.seconds is None else f"{row.seconds:.1f}",
        ]
        for row in rows
    ]
    print(table.render(["case", "backend", "result", "peak MB", "s"], cells))
    versions = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
    print(
        f"{machine['cpu']}, {machine['operating_system']}, kernel {machine['kernel']}, Python "
        f"{machine['python']}, {versions}; {date}"
    )


def _machine(python: str) -> dict[str, object]:
    """This machine, and the libraries of the environment that was tested."""
    program = (
        "import importlib.metadata as m, json\n"
        "names = ('edgebert', 'numpy', 'tokenizers', 'ai-edge-litert', 'onnxruntime', 'torch')\n"
        "have = {each.name.lower().replace('_', '-') for each in m.distributions()}\n"
        "print(json.dumps({name: m.version(name) for name in names if name in have}))"
    )
    done = subprocess.run([python, "-c", program], check=True, stdout=subprocess.PIPE, text=True)
    return {**dataclasses.asdict(facts()), "libraries": json.loads(done.stdout)}


if __name__ == "__main__":
    main()
