"""Figures that were made up so that each cell of a table can be told by hand."""

from __future__ import annotations

import sys
from typing import Any

import environments
import pytest

sys.path.insert(0, str(environments.ROOT / "benchmarks"))

from peers.catalogue import BASELINE


def _peer(ids_ms: list[float], seconds: list[float], start: list[float]) -> dict[str, Any]:
    return {
        "bytes": 14_500_000,
        "agreement": {"centred_cosine": 0.98765, "equal_labels": 0.973},
        "threads": {"1": {"ids_ms": {"16": ids_ms}, "texts": {"batch": 1, "seconds": seconds}}},
        "start": {"ms": start, "first_answer_bytes": 7e7, "all_lengths_bytes": 8e7},
    }


@pytest.fixture
def figures() -> dict[str, Any]:
    peers = {
        "edgebert-tflite": _peer([1.0, 2.0, 1.1], [4.0, 4.0], [100.0, 120.0]),
        # As slow a second round: the ratio is 0.5 all the same.
        BASELINE: _peer([2.0, 4.0, 2.2], [8.0, 16.0], [300.0, 300.0]),
        f"{BASELINE}-pipeline": _peer([2.0, 4.0, 2.2], [16.0, 16.0], [1000.0, 1200.0]),
        "executorch-int8": {"error": "status 1: no such operator"},
    }
    model = {"task": "text-classification", "note": "A model.", "peers": peers}
    return {
        "date": "2026-11-26",
        "minutes": 3.0,
        "load_average": 0.04,
        "machine": {
            "cpu": "A processor", "architecture": "x86_64", "dot_product": True,
            "available_processors": 2, "operating_system": "Debian", "python": "3.11.7",
        },
        "versions": {"onnxruntime": "1.32.0"},
        "options": {"lengths": [16], "rounds": 3, "sentences": 1000, "threads": [1]},
        "models": {"tiny": model},
    }  # fmt: skip
