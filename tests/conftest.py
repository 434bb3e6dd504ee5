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
    import torch
    import transformers

    import edgebert


_LONGEST = ("test_android_build.py", "test_readme.py", "test_interpreters.py", "test_demo.py")
"""Modules of minutes each, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first: at the end, one process would be left with them."""
    places = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


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


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TSV of our own sentences, the label said by their length: something that can be learnt."""
    path = tmp_path_factory.mktemp("reviews") / "reviews.tsv"
    rows = [f"{line}\t{'long' if len(line) > 60 else 'short'}" for line in students.SENTENCES]
    path.write_text("\n".join(["text\tlabel", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small BERT classifier of four layers with the labels of `reviews`, to be trained."""
    folder = tmp_path_factory.mktemp("teacher") / "teacher"
    students.checkpoint(folder, num_hidden_layers=4, labels=("long", "short"))
    # Its weights are spread for other tests; what learns starts from small ones.
    torch.manual_seed(0)
    config = transformers.AutoConfig.from_pretrained(folder)
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    return folder
