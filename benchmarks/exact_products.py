"""What saturating int8 kernels do to answers here, and what ONNX Runtime's exact ones cost.

    .venv/bin/python benchmarks/exact_products.py              converts first: some minutes
    .venv/bin/python benchmarks/exact_products.py MINILM FILM  bundles with ONNX files of RECIPES

Both kinds of kernels run in one process, in turn, one thread; times are of the processor, so that
others on the machine count less. On a processor with VNNI, and on ARM, the first kind is exact too.
"""

from __future__ import annotations

import datetime
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import resources
from numpy.typing import NDArray

from edgebert_runtime import Bundle
from edgebert_runtime.hardware import facts
from edgebert_runtime.tokenization import Encoding, Tokenizer

RECIPES = ("float32", "int8_dynamic", "int8_static")
KERNELS = {"fast": "0", "exact": "1"}
"""Values of the session option `session.x64quantprecision`."""
LENGTHS = (16, 32, 64, 128)
ROUNDS = 40
FILM = Path(__file__).resolve().parent.parent / "models" / "film-sentiment"


class Opened:
    """The ONNX files of a bundle, each with both kinds of kernels."""

    def __init__(self, folder: Path) -> None:
        bundle = Bundle(folder)
        self.tokenizer = Tokenizer(bundle.read(bundle.manifest.tokenizer), 128)
        self.labels = bundle.manifest.labels
        self.sessions = {
            (artifact.recipe, kind): session(folder / artifact.file, value)
            for artifact in bundle.manifest.artifacts
            if artifact.backend == "onnx" and artifact.recipe in RECIPES
            for kind, value in KERNELS.items()
        }


def session(path: Path, value: str) -> onnxruntime.InferenceSession:
    """One thread, and the kernels that the option's value asks for."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.x64quantprecision", value)
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run(opened: onnxruntime.InferenceSession, encoding: Encoding) -> NDArray[np.float32]:
    """Raw outputs [width] of one text."""
    ids = np.array([encoding.ids], dtype=np.int64)
    given = {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "token_type_ids": np.zeros_like(ids),
    }
    names = [each.name for each in opened.get_inputs()]
    outputs: NDArray[np.float32] = opened.run(None, {name: given[name] for name in names})[0][0]
    return outputs


def outputs(opened: Opened, texts: list[str]) -> dict[tuple[str, str], NDArray[np.float32]]:
    """[texts, width] of each recipe and kind of kernels."""
    encodings = [opened.tokenizer.encode(text) for text in texts]
    return {
        key: np.stack([run(each, encoding) for encoding in encodings])
        for key, each in opened.sessions.items()
    }


def cosine(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Mean over rows."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return float(((first * second).sum(axis=1) / lengths).mean())


def latencies(opened: Opened) -> dict[tuple[str, str], list[float]]:
    """Median milliseconds of the processor at each of `LENGTHS`, rounds over all in turn."""
    words = " ".join(resources.sentences(40))
    found: dict[tuple[str, str], list[float]] = {key: [] for key in opened.sessions}
    for length in LENGTHS:
        whole = opened.tokenizer.encode(words)
        encoding = Encoding(whole.ids[:length], whole.token_type_ids[:length], truncated=True)
        times: dict[tuple[str, str], list[float]] = {key: [] for key in opened.sessions}
        for _ in range(ROUNDS):
            for key, each in opened.sessions.items():
                start = time.thread_time_ns()
                run(each, encoding)
                times[key].append((time.thread_time_ns() - start) / 1e6)
        for key, each in times.items():
            found[key].append(float(np.median(each)))
    return found


def report(minilm: Path, film: Path) -> None:
    """Print a table, and where it was measured."""
    rows = resources.film_dev().read_text(encoding="utf-8").splitlines()[1:]
    labels, texts = zip(*(row.split("\t", 1) for row in rows), strict=True)
    for name, folder, sentences in (
        ("all-MiniLM-L6-v2", minilm, resources.sentences(1000)),
        ("film-sentiment", film, list(texts)),
    ):
        opened = Opened(folder)
        answers = outputs(opened, sentences)
        times = latencies(opened)
        head = "accuracy" if opened.labels else "cosine"
        print(f"| {name} | {head} | {' | '.join(f'{length}, ms' for length in LENGTHS)} |")
        print("|---|---|" + "---|" * len(LENGTHS))
        for key, given in answers.items():
            if opened.labels:
                answered = [opened.labels[row] for row in given.argmax(axis=1)]
                right = np.mean([a == b for a, b in zip(answered, labels, strict=True)])
                figure = f"{100 * right:.1f} %"
            else:
                figure = f"{cosine(answers['float32', 'exact'], given):.4f}"
            cells = " | ".join(f"{each:.2f}" for each in times[key])
            print(f"| {' '.join(key)} | {figure} | {cells} |")
    machine = facts()
    print(f"{machine.cpu}, {dict(machine.libraries)}; {datetime.date.today().isoformat()}")


def converted(checkpoint: Path, folder: Path) -> Path:
    """A bundle of `RECIPES` on ONNX."""
    recipes = [each for recipe in RECIPES for each in ("--recipe", recipe)]
    command = [sys.executable, "-m", "edgebert", "convert", str(checkpoint), "-o", str(folder)]
    subprocess.run([*command, "--formats", "onnx", *recipes], check=True, stdout=subprocess.DEVNULL)
    return folder


if __name__ == "__main__":
    if len(sys.argv) == 3:
        report(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            report(
                converted(resources.minilm(), Path(temporary) / "minilm"),
                converted(FILM, Path(temporary) / "film"),
            )
