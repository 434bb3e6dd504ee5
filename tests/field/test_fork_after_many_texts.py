"""A fork after a tokenizer has used its threads: warnings, a child that hangs (tokenizers 187)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os, sys
import edgebert
texts = ["a fine day"] * 300
first = edgebert.load(sys.argv[1], backend="onnx", threads=1).predict(texts)
child = os.fork()
if child == 0:
    second = edgebert.load(sys.argv[1], backend="onnx", threads=1).predict(texts)
    os._exit(0 if second == first else 1)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status))
"""


def test_the_child_answers_and_nobody_complains(bundle: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name[:5] != "TOKEN"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(bundle)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
