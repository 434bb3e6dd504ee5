"""Bundles that many tests share, each converted once in a session."""

from __future__ import annotations

import signal
import sys
import warnings
from pathlib import Path

import pytest

# A shell starts what it puts in the background with SIGINT ignored, and our children inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)

sys.path.insert(0, str(Path(__file__).parent))

with warnings.catch_warnings():
    # Imported before warnings become errors: torchao registers enums in a deprecated way.
    warnings.simplefilter("ignore")
    import students

    import edgebert


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small BERT classifier with two labels, as save_pretrained writes it."""
    return students.checkpoint(tmp_path_factory.mktemp("checkpoint") / "student")


@pytest.fixture(scope="session")
def bundle(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder bundle of that classifier: int8_dynamic on all three backends, 64 tokens."""
    output = tmp_path_factory.mktemp("bundles") / "classifier"
    edgebert.convert(checkpoint, output)
    return output


@pytest.fixture(scope="session")
def zipped(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same bundle as one file."""
    from edgebert_converters.publish import publish

    output = tmp_path_factory.mktemp("bundles") / "classifier.edgebert"
    publish(bundle, output)
    return output
