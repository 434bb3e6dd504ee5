"""A short run of the coverage-guided fuzzer; longer ones are started by hand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import environments
import hand_made
import pytest

SECONDS = 7
_APART = ["sh", "-c", '"$@"; exit $?', "sh"]
"""A child of a shell: to libFuzzer, our own memory would count as a peak of its process."""
REQUIREMENTS = ["atheris>=3.0", "numpy>=1.26", "tokenizers>=0.20", "tqdm>=4.60"]


@pytest.mark.skipif(sys.platform != "linux", reason="atheris has wheels for Linux")
@pytest.mark.parametrize("target", ["manifest", "zip", "tokenizer"])
def test_a_short_run(tmp_path: Path, target: str) -> None:
    interpreter = environments.environment("fuzzing", REQUIREMENTS)
    corpus = tmp_path / "corpus"
    hand_made.write_seeds(corpus, target)
    seeds = len(list(corpus.iterdir()))
    script = Path(__file__).parent / "fuzz_reading.py"
    options = [f"-max_total_time={SECONDS}", f"-artifact_prefix={tmp_path}/", "-max_len=12000"]
    done = subprocess.run(
        [*_APART, str(interpreter), str(script), target, str(corpus), *options],
        env={**os.environ, "PYTHONPATH": str(environments.ROOT / "runtime")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    runs = re.search(r"Done (\d+) runs", done.stderr)
    assert runs is not None
    assert int(runs[1]) > 100
    # It found ways through the code that the seeds do not take.
    assert len(list(corpus.iterdir())) > seeds
