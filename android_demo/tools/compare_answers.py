"""Holds the answers of an APK's dex against those of Python, on the bundle read back out of it.

python3 compare_answers.py APK TEXT…

Needs the edgebert package. The dex runs on this machine's JVM: `build.sh answers`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import edgebert

# Python's ONNX Runtime may be of another version than the app's: int8 kernels round apart.
_MOST_DIFFERENCE = 0.02
_BUILD = Path(__file__).parent.parent / "build.sh"


def main() -> None:
    """Print the answers; end with an error at the first that differs."""
    apk, *texts = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(apk) as archive:
        bundle = archive.extract("assets/model.edgebert", folder)
        expected = edgebert.load(bundle, backend="onnx", threads=1).predict(texts)
    command = [str(_BUILD), "answers", apk, *texts]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    answers = [line.split("\t") for line in printed.splitlines()]
    for text, python, (label, score) in zip(texts, expected, answers, strict=True):
        assert isinstance(python, edgebert.Classification)
        print(f"{label:10} {float(score):.6f}  Python {python.score:.6f}  {text}")
        if label != python.label or abs(float(score) - python.score) > _MOST_DIFFERENCE:
            sys.exit(f"Python answers {python.label} {python.score}")


if __name__ == "__main__":
    main()
