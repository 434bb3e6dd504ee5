"""Keep the libraries' chatter off the terminal; it is shown only when something goes wrong."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send what this process writes to stdout and stderr, C++ included, to nowhere.

    Exporters print hundreds of lines that no logging setting reaches. Should the process die
    inside, the last lines would matter, so on an exception they go to stderr if
    EDGEBERT_DEBUG is set.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield
        except Exception:
            if os.environ.get("EDGEBERT_DEBUG"):
                sys.stderr.flush()
                log.seek(0)
                os.write(saved[1], log.read())
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for target, copy in zip((1, 2), saved, strict=True):
                os.dup2(copy, target)
                os.close(copy)
