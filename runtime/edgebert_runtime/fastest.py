"""Which artifacts "auto" tries first: the fastest by what was measured, and why.

What `edgebert profile --remember` measured on this machine comes first. Of the rest, those of the
library that was faster on this kind of processor, with the figures in benchmarks/, come before the
others, and of one library the smallest file.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgebert_runtime import user_cache
from edgebert_runtime.manifest import Artifact
from edgebert_runtime.processors import DOT_PRODUCTS, available_processors, cpu_flags, is_arm

TYPICAL_TOKENS = 32
"""Times at this length decide, or at the nearest that was measured."""
_MEASURED = "measured"


@dataclass(frozen=True)
class Kind:
    """Processors that one library is fastest on."""

    name: str
    backends: tuple[str, ...]
    """The fastest first."""
    figure: str
    """What was measured, and where it is written."""


_LITERT_FIRST = ("tflite", "onnx", "torchscript")
_OTHER = Kind("another processor", _LITERT_FIRST, "the order of most, and not measured on it")
KINDS = (
    Kind(
        "ARM without dot products",
        ("onnx", "tflite", "torchscript"),
        "ONNX Runtime takes 0.98 of LiteRT's instructions on a Cortex-A72 (benchmarks/arm)",
    ),
    Kind(
        "ARM with dot products",
        _LITERT_FIRST,
        "LiteRT takes 0.82 of ONNX Runtime's instructions on a Cortex-A76 (benchmarks/arm)",
    ),
    Kind(
        "x86-64 with VNNI",
        _LITERT_FIRST,
        "LiteRT takes 0.60 of ONNX Runtime's time on an AMD EPYC (benchmarks/peers)",
    ),
)


def kind_of(flags: frozenset[str], *, arm: bool) -> Kind:
    """The kind of a processor with these flags, as `cpu_flags` gives them."""
    without, with_dot, vnni = KINDS
    dot_products = not flags.isdisjoint(DOT_PRODUCTS)
    if arm and flags:
        return with_dot if dot_products else without
    return vnni if dot_products else _OTHER


@dataclass(frozen=True)
class Ranked:
    """An artifact, and why it has its place among others."""

    artifact: Artifact
    why: str


def ranked(artifacts: Sequence[Artifact], threads: int | None) -> list[Ranked]:
    """Artifacts, those that "auto" tries first at the beginning.

    Args:
        artifacts: of one bundle.
        threads: to compute with; None for all that may be used.
    """
    kind = kind_of(cpu_flags(), arm=is_arm())
    tokens, measured = _measured(artifacts, threads or available_processors())

    def place(artifact: Artifact) -> tuple[float, int, int]:
        milliseconds = measured.get(artifact.file, math.inf)
        return milliseconds, kind.backends.index(artifact.backend), artifact.bytes

    def why(artifact: Artifact) -> str:
        if artifact.file in measured:
            return f"measured here: {measured[artifact.file]:.3g} ms at {tokens} tokens"
        return f"not measured here; {kind.name}: {kind.figure}"

    return [Ranked(each, why(each)) for each in sorted(artifacts, key=place)]


def _measured(artifacts: Sequence[Artifact], threads: int) -> tuple[int, dict[str, float]]:
    """A length in tokens at which all were measured that were, and file → milliseconds there."""
    root = user_cache.folder()
    if root is None or not os.access(root / _MEASURED, os.R_OK | os.X_OK):
        return 0, {}
    found = {each.file: times for each in artifacts if (times := _recall(each, threads))}
    lengths = set[int]().union(*found.values()).intersection(*found.values())
    if not lengths:
        return 0, {}
    tokens = min(lengths, key=lambda each: (abs(each - TYPICAL_TOKENS), each))
    return tokens, {file: times[tokens] for file, times in found.items()}


def remember(artifact: Artifact, threads: int, times: Mapping[int, float]) -> None:
    """Keep what was measured here for `ranked`, until the library changes.

    Args:
        artifact: what was measured.
        threads: it computed with.
        times: tokens → median milliseconds of one text.

    Raises:
        OSError: if the user's cache folder cannot be written.
    """
    path = _path(artifact, threads)
    if path is None:
        raise OSError("there is no home folder to remember it in; set XDG_CACHE_HOME")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    try:
        part.write_text(json.dumps({str(key): value for key, value in times.items()}))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _recall(artifact: Artifact, threads: int) -> dict[int, float]:
    """What `remember` kept; nothing where that is not to be understood."""
    path = _path(artifact, threads)
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
        times = json.loads(path.read_text(encoding="utf-8"))  # type: ignore[union-attr]
        known = {int(tokens): float(milliseconds) for tokens, milliseconds in times.items()}
        if all(0 < each < math.inf for each in known.values()):
            return known
    return {}


def _path(artifact: Artifact, threads: int) -> Path | None:
    # Homes may be shared by machines.
    about = [artifact.sha256, str(threads), *sorted(cpu_flags())]
    return user_cache.entry(_MEASURED, artifact.backend, about)
