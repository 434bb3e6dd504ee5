"""Files in the user's cache folder, known by what they are about and by the library at the time."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from edgebert_runtime.backends import LIBRARIES


def entry(kind: str, backend: str, about: Sequence[str]) -> Path | None:
    """A file's place, another one once the backend's library changes; None without a home."""
    root = folder()
    if root is None:
        return None
    known = [*about, sys.version]
    for name in LIBRARIES[backend]:
        with contextlib.suppress(ImportError, ValueError, AttributeError, OSError):
            origin = str(importlib.util.find_spec(name).origin)  # type: ignore[union-attr]
            known += [origin, str(Path(origin).stat().st_mtime_ns)]
    return root / kind / hashlib.sha256("\n".join(known).encode()).hexdigest()


def folder() -> Path | None:
    """EdgeBERT's part of $XDG_CACHE_HOME, or of ~/.cache; None where there is no home."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        cache = Path(given) if given.startswith("/") else Path.home() / ".cache"
    except RuntimeError:
        return None
    return cache / "edgebert"
