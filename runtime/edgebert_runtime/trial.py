"""Whether a library survives this processor, tried in a process of its own.

A library that was built for newer instructions ends its process at the first of them (SIGILL), and
nothing in that process can say so.
"""

from __future__ import annotations

import contextlib
import functools
import os
import resource
import signal
import subprocess
import sys

from edgebert_runtime import user_cache

_SECONDS = 120
_FAULTS = (signal.SIGILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGABRT)
"""What a program does to itself; SIGKILL and SIGTERM are what others do to it."""
_PROGRAM = """import sys
sys.path[:] = sys.argv[4:]
from edgebert_runtime import trial
trial.answer_once(*sys.argv[1:4])"""


@functools.cache
def death(path: str, backend: str, recipe: str, sha256: str) -> str | None:
    """The signal that ends a process which answers once with an artifact; None if it lives.

    That one lives is remembered in the user's cache folder, where there is one, until the library
    changes. What takes longer than two minutes, or cannot be tried, counts as living: the caller
    will see for itself.

    Args:
        path: of the bundle.
        backend: of an artifact of it.
        recipe: of that artifact.
        sha256: of that artifact's file.
    """
    if not sys.executable:
        return None
    survived = user_cache.entry("survived", backend, [sha256])
    if survived is not None and os.path.exists(survived):  # noqa: PTH110 (no error where it may not look)
        return None
    # Modules come from where they came from here, whatever the working directory holds.
    command = [sys.executable, "-c", _PROGRAM, path, backend, recipe, *sys.path]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode == 0 and survived is not None:
        with contextlib.suppress(OSError):
            survived.parent.mkdir(parents=True, exist_ok=True)
            survived.touch()
    number = -done.returncode
    return signal.Signals(number).name if number in _FAULTS else None


def answer_once(path: str, backend: str, recipe: str) -> None:
    """Load an artifact and run the shortest text; an error is for whoever loads it in earnest."""
    from edgebert_runtime.errors import EdgeBertError
    from edgebert_runtime.loading import load

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with load(path, backend=backend, recipe=recipe, threads=1) as model:
            model.run([model.tokenizer.encode("")])
    except EdgeBertError:
        os._exit(1)
    # Only what happened so far counts, not how a library takes its leave.
    os._exit(0)
