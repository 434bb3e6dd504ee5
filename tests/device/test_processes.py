"""Processes that are made while a model is loaded: each loads its own, or is told to."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import edgebert
from edgebert_runtime import InputError
from edgebert_runtime.manifest import BACKENDS

PROGRAM = Path(__file__).with_name("forking_program.py")
SECONDS = 300
"""Far beyond what the slowest machine takes to import torch three times; a hang lasts for ever."""

USED = """
import os, sys
import edgebert_runtime
model = edgebert_runtime.load(sys.argv[1], backend=sys.argv[2], threads=2)
model.predict("Never again.")
if (child := os.fork()) == 0:
    try:
        model.predict("Never again.")
    except edgebert_runtime.InputError as error:
        print(error, flush=True)
        os._exit(3)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
"""

TORCH_THREADS = """
import os, sys
import edgebert_runtime
model = edgebert_runtime.load(sys.argv[1], backend="torchscript", threads=2)
model.predict("Never again.")
if (child := os.fork()) == 0:
    try:
        edgebert_runtime.load(sys.argv[1], backend="torchscript", threads=2)
    except edgebert_runtime.InputError as error:
        print(error, flush=True)
        os._exit(3)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
"""


def ended(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run in a group of its own, all of which is gone in the end, whatever hangs."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, errors = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            pytest.fail("a child hangs")
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


@pytest.mark.parametrize("method", ["os.fork", "fork", "spawn", "forkserver"])
@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_children_load_their_own(backend: str, threads: str, method: str, bundle: Path) -> None:
    if (backend, threads) == ("torchscript", "2") and method in ("os.fork", "fork"):
        pytest.skip("refused, as another test shows")
    done = ended(str(PROGRAM), str(bundle), backend, threads, method)
    assert done.returncode == 0, done.stderr


def test_threads_of_torch_after_a_fork_are_refused(bundle: Path) -> None:
    done = ended("-c", TORCH_THREADS, str(bundle))
    assert done.returncode == 0, done.stderr
    assert "use threads=1, or start processes by spawn" in done.stdout


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_model_of_the_parent_is_refused(backend: str, bundle: Path) -> None:
    done = ended("-c", USED, str(bundle), backend)
    assert done.returncode == 0, done.stderr
    assert "load it in each process that uses it" in done.stdout


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_model_cannot_be_pickled_or_copied(duplicate: object, bundle: Path) -> None:
    assert callable(duplicate)
    with (
        edgebert.load(bundle, backend="onnx", threads=1) as model,
        pytest.raises(InputError, match="cannot be pickled or copied; load it in each process"),
    ):
        duplicate(model)
