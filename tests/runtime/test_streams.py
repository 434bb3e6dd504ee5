"""Iterators in, iterators out: lazily, in order, and in memory that does not grow."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import students
from numpy.typing import NDArray

from edgebert_runtime import InputError, Model


def test_an_iterator_gives_what_a_list_gives(model: Model) -> None:
    texts = [*students.SENTENCES[:20], "", "word " * 90]
    streamed = model.predict(iter(texts), top_k=2)
    assert isinstance(streamed, Iterator)
    listed = model.predict(texts, top_k=2)
    for ours, theirs in zip(streamed, listed, strict=True):
        assert ours.scores == pytest.approx(theirs.scores, rel=0, abs=1e-5)
        assert (ours.label, ours.truncated) == (theirs.label, theirs.truncated)


def test_pairs_and_generators_too(model: Model) -> None:
    pairs = [(first, "a fine day") for first in students.SENTENCES[:5]]
    streamed = [each.label for each in model.predict(pair for pair in pairs)]
    assert streamed == [each.label for each in model.predict(pairs)]


def test_no_texts_no_answers(model: Model) -> None:
    assert list(model.predict(iter([]))) == []


def test_only_what_is_asked_for_is_read(model: Model) -> None:
    """An endless iterator: no more than a chunk is taken ahead of the answers."""
    read = itertools.count()

    def endless() -> Iterator[str]:
        while True:
            yield students.SENTENCES[next(read) % 50]

    answers = model.predict(endless())
    assert next(read) == 0
    for _ in range(3):
        next(answers)
    assert next(read) <= 258


def test_rows_that_run_one_by_one(model: Model) -> None:
    """A list by length, so that libraries seldom change from one to the next; a stream as given."""
    tokens: list[int] = []

    class OneByOne:
        max_rows = 1

        def run(self, inputs: Any) -> NDArray[np.float32]:
            tokens.append(inputs["input_ids"].shape[1])
            return np.array([[tokens[-1], 0.0]], dtype=np.float32)

    texts = students.SENTENCES[:300]
    counts = [model.tokenizer.count(text) for text in texts]
    ours = Model(model.manifest, model.artifact, model.tokenizer)
    with ours.attached(OneByOne()):
        listed = ours.predict(texts)
        assert tokens == sorted(counts)
        tokens.clear()
        assert list(ours.predict(iter(texts))) == listed
        assert tokens == counts


def test_options_are_checked_before_anything_is_read(model: Model) -> None:
    for options in ({"top_k": 0}, {"long_text": "cut"}, {"aggregation": "last"}):
        with pytest.raises(InputError, match=f"^{next(iter(options))}: got "):
            model.predict(iter(["a"]), **options)
    with pytest.raises(InputError, match=r"^no_answer: got 1, expected True or False"):
        model.predict("a", no_answer=1)  # type: ignore[call-overload]


@pytest.mark.parametrize("options", [{"aggregation": "max"}, {"no_answer": True}])
def test_options_of_another_task(model: Model, options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(InputError, match=f"^{name} is of .*, and this bundle's task is classif"):
        model.predict("a", **options)


def test_raw_outputs_of_what_is_no_encoding(model: Model) -> None:
    with pytest.raises(InputError, match=r"run\(\) takes a list of the tokenizer's encodings"):
        model.run("abc")  # type: ignore[arg-type]


def test_a_wrong_text_is_named_by_its_number(model: Model) -> None:
    answers = model.predict(iter(["a"] * 300 + [3]))  # type: ignore[call-overload]
    with pytest.raises(InputError, match=r"^texts\[300\]: got int, expected a str"):
        list(answers)


def test_a_text_that_is_too_long_is_named_by_its_number(model: Model) -> None:
    answers = model.predict(iter(["a"] * 300 + ["word " * 90]), long_text="error")
    with pytest.raises(InputError, match=r"^texts\[300\]: got \d+ tokens, expected at most 64; "):
        list(answers)
    with pytest.raises(InputError, match=r"^text: got \d+ tokens"):
        model.predict("word " * 90, long_text="error")


def test_windows_change_the_answer_to_a_long_text(model: Model) -> None:
    """The end of a text counts, and the result says how it was read."""
    text = " ".join(students.SENTENCES[:8])
    whole = model.predict(text, long_text="windows")
    assert whole.windows > 1  # type: ignore[union-attr]
    assert not whole.truncated
    windows = [model.run([each])[0].astype(np.float64) for each in model.tokenizer.windows(text)]
    weights = [len(each.ids) for each in model.tokenizer.windows(text)]
    logits = np.average(windows, axis=0, weights=weights)
    expected = np.exp(logits) / np.exp(logits).sum()
    scores = list(whole.scores.values())  # type: ignore[union-attr]
    assert scores == pytest.approx(expected.tolist(), abs=1e-5)
    # Equal for one that fits.
    short = students.SENTENCES[0]
    assert model.predict(short, long_text="windows") == model.predict(short)


def test_a_closed_model_refuses_before_it_reads(bundle: Path) -> None:
    import edgebert

    model = edgebert.load(bundle, backend="onnx")
    answers = model.predict(iter(["a", "b"]))
    model.close()
    with pytest.raises(InputError, match="the model is closed"):
        list(answers)
    with pytest.raises(InputError, match="the model is closed"):
        model.predict(iter(["a"]))


LINES = 20_000
_CHILD = """
import itertools, resource, sys
import edgebert
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with edgebert.load(sys.argv[1], backend="onnx", threads=1) as model:
    answers = model.predict(f"line {index % 997} is bright" for index in range(int(sys.argv[2])))
    for _ in itertools.islice(answers, 2_000): pass
    early = peak()
    count = 2_000 + sum(1 for _ in answers)
print(count, early, peak())
"""


def test_memory_does_not_grow_with_the_number_of_texts(bundle: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(bundle), str(LINES)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    count, early, late = map(int, done.stdout.split())
    assert count == LINES
    # Kept results alone would take more than 20 MB; kibibytes on Linux.
    assert late - early < 8 * 1024


def test_the_command_streams_a_file(bundle: Path, tmp_path: Path) -> None:
    """JSON and the table, with more lines than are held at a time, in a bounded address space."""
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"line {index} is bright\n" for index in range(700)), "utf-8")
    command = [sys.executable, "-m", "edgebert", "predict", str(bundle), "--backend", "onnx"]
    done = subprocess.run(
        [*command, "--input", str(path), "--json"], check=True, capture_output=True, text=True
    )
    results = json.loads(done.stdout)
    assert len(results) == 700
    assert done.stdout.endswith("\n]\n")
    table = subprocess.run(
        [*command, "--input", str(path)], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert len(table) == 702
    assert table[0].split() == ["text", "answer"]
    assert [line.split()[1] for line in table[2:]] == [str(index) for index in range(700)]
    for line, result in zip(table[2:], results, strict=True):
        assert f"{result['label']} {result['score']:.3f}" in line


@pytest.mark.parametrize(
    "given", ["<(cat lines.txt)", "/dev/stdin < <(cat lines.txt)", "- < lines.txt"]
)
def test_input_that_can_be_read_but_once(bundle: Path, tmp_path: Path, given: str) -> None:
    (tmp_path / "lines.txt").write_text("fine\nbad\n", "utf-8")
    command = f"'{sys.executable}' -m edgebert predict '{bundle}' --backend onnx --input {given}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == ["fine", "bad"]


def test_a_bad_row_is_found_before_any_answer(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.tsv"
    path.write_text("text\tlabel\n" + "fine\tx\n" * 600 + "broken\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "edgebert", "predict", str(bundle), "--input", str(path)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "line 602: got 1 columns, expected 2" in done.stderr
