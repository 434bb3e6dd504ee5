"""Runs in the emulated machine: one inference at each length, between two marks.

    guest.py FILE LENGTH[,LENGTH…] [PROFILE | --maps]

FILE is a bundle's artifact beside its manifest, run as the runtime runs it, or any .onnx file that
takes ids. A mark is os.getppid(), which nothing else calls; the plugin writes it down. With
PROFILE, the beginning of a file's name, ONNX Runtime writes its own profile there, too; with --maps
it is printed where the libraries lie.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

WARM_UPS = 2
"""Before the marks: libraries pack weights and lay out memory when they first run."""


def main(path: Path, lengths: list[int], option: str | None) -> None:
    """Mark one run at each length."""
    profile = None if option == "--maps" else option
    bundled = (path.parent / "manifest.json").exists() and profile is None
    names, run, close = of_bundle(path) if bundled else of_file(path, profile)
    # Collecting garbage would be counted where it happens to fall.
    gc.disable()
    for length in lengths:
        given = inputs(names, length)
        for _ in range(WARM_UPS):
            run(given)
        os.getppid()
        run(given)
        os.getppid()
    close()
    if option == "--maps":
        print(Path("/proc/self/maps").read_text())


def inputs(names: Iterable[str], tokens: int) -> dict[str, Any]:
    """Ids [1, tokens] int64 of one text, without padding."""
    row = np.arange(5, 5 + tokens, dtype=np.int64)[None]
    zeros = np.zeros_like(row)
    given = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": zeros}
    return {name: given[name] for name in names}


Opened = tuple[list[str], Callable[[dict[str, Any]], Any], Callable[[], Any]]
"""Names of inputs; what runs them; what ends a profile."""


def of_bundle(path: Path) -> Opened:
    """By the runtime's own backend."""
    from edgebert_runtime import Bundle
    from edgebert_runtime.backends import open_backend

    artifacts = Bundle(path.parent).manifest.artifacts
    artifact = next(each for each in artifacts if each.file == path.name)
    return list(artifact.inputs), open_backend(artifact, path, 1).run, lambda: None


def of_file(path: Path, profile: str | None) -> Opened:
    """By a session of one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    if profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = profile
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    end = session.end_profiling if profile is not None else lambda: None
    return names, lambda given: session.run(None, given), end


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(each) for each in sys.argv[2].split(",")], *sys.argv[3:] or [None])
