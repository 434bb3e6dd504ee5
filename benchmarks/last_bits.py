"""How far scores move when nothing but the last bits of floats change: what a tolerance must allow.

    .venv/bin/python benchmarks/last_bits.py    a minute

Every float weight that is a vector (biases, normalization, scales of rows) of the shipped student's
ONNX files becomes the float above or below, at random. Processors differ as little, in the order
in which they add.
"""

from __future__ import annotations

import datetime
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import same_answers
from exact_products import FILM, run, session
from numpy.typing import NDArray

from edgebert_runtime import Bundle
from edgebert_runtime.hardware import facts
from edgebert_runtime.softmax import softmax
from edgebert_runtime.tokenization import Encoding, Tokenizer

SEEDS = 8


def main() -> None:
    """Print a table, and where it was measured."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "bundle"
        recipes = ["--recipe", ",".join(same_answers.TOLERANCE)]
        convert = ["-m", "edgebert", "convert", str(FILM), "-o", str(folder), "--formats", "onnx"]
        command = [sys.executable, *convert, *recipes]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        bundle = Bundle(folder)
        tokenizer = Tokenizer(bundle.read(bundle.manifest.tokenizer), 128)
        encodings = [tokenizer.encode(text) for text in same_answers.sentences()]
        print("| recipe | seed | equal labels | largest difference | median | stepped |")
        print("|---|---|---|---|---|---|")
        for artifact in bundle.manifest.artifacts:
            path = folder / artifact.file
            expected = answers(path, encodings)
            for seed in range(SEEDS):
                moved = folder / "moved.onnx"
                onnx.save(other_last_bits(onnx.load(path), seed), moved)
                found = same_answers.compared(expected, answers(moved, encodings))
                differences = (
                    f"{found['largest_difference']:.2g} | {found['median_difference']:.1g}"
                )
                cells = f"{found['equal_labels']} | {differences} | {found['stepped']}"
                print(f"| {artifact.recipe} | {seed} | {cells} |", flush=True)
    machine = facts()
    print(f"{machine.cpu}, {dict(machine.libraries)}; {datetime.date.today().isoformat()}")


def answers(path: Path, encodings: list[Encoding]) -> list[dict[str, Any]]:
    """Best label and its score of each text, by exact kernels."""
    opened = session(path, "1")
    scores = [softmax(run(opened, encoding), axis=-1) for encoding in encodings]
    return [{"label": int(each.argmax()), "score": float(each.max())} for each in scores]


def other_last_bits(model: onnx.ModelProto, seed: int) -> onnx.ModelProto:
    """Each element of float vectors one float up or down."""
    random = np.random.default_rng(seed)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) == 1:
            values: NDArray[np.float32] = onnx.numpy_helper.to_array(tensor)
            ends = np.where(random.random(values.shape) < 0.5, np.inf, -np.inf)
            moved = np.nextafter(values, ends.astype(np.float32))
            tensor.CopyFrom(onnx.numpy_helper.from_array(moved, tensor.name))
    return model


if __name__ == "__main__":
    main()
