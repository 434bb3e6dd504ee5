"""One token too many, and 100,000 of them (transformers.js 355); cut where (transformers 4476)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import students
import transformers
from field_checkpoints import FLOAT_ONNX, change_json

import edgebert
from edgebert.distillation import DataOptions, DistillOptions, Schedule
from edgebert_converters.checkpoint import load_checkpoint
from edgebert_runtime.manifest import BACKENDS
from edgebert_runtime.tokenization import MAX_WINDOWS, Tokenizer

SPECIAL = 2
LIMIT = 64


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("tokens", [LIMIT, LIMIT + 1, 100_000])
def test_cut_read_in_windows_or_refused(backend: str, tokens: int, bundle: Path) -> None:
    text = "a " * (tokens - SPECIAL)
    fits = tokens == LIMIT
    with edgebert.load(bundle, backend=backend, threads=1) as model:
        cut = model.predict(text)
        parts = model.predict(text, long_text="windows")
        if fits:
            assert model.predict(text, long_text="error") == cut
        else:
            with pytest.raises(edgebert.InputError, match=f"got {tokens} tokens, expected at most"):
                model.predict(text, long_text="error")
        whole = model.predict("a " * (LIMIT - SPECIAL))
    for each in (cut, parts, whole):
        assert isinstance(each, edgebert.Classification)
    assert (cut.truncated, cut.windows) == (not fits, 1)
    assert cut.scores == whole.scores
    assert parts.windows == (1 if fits else 2 if tokens == LIMIT + 1 else MAX_WINDOWS)
    # What lies behind the last window is not looked at, and the answer says so.
    assert parts.truncated == (tokens == 100_000)


BEGINNING = {
    "tokenizer_config.json": {"truncation_side": "left"},
    "tokenizer.json": {
        "truncation": {
            "direction": "Left",
            "max_length": LIMIT,
            "strategy": "LongestFirst",
            "stride": 0,
        }
    },
}
LETTERS = " ".join("abcdefghij"[index % 10] for index in range(LIMIT + 20))


def cutting_the_beginning(folder: Path, file: str, **settings: Any) -> Path:
    students.checkpoint(folder, **settings)
    change_json(folder / file, **BEGINNING[file])
    return folder


@pytest.mark.parametrize("file", BEGINNING)
def test_a_tokenizer_that_cuts_the_beginning(file: str, tmp_path: Path) -> None:
    folder = cutting_the_beginning(tmp_path / "student", file)
    edgebert.convert(folder, tmp_path / "bundle", FLOAT_ONNX)
    reference = transformers.AutoTokenizer.from_pretrained(folder)
    classify = transformers.pipeline("text-classification", model=str(folder), top_k=None)
    with edgebert.load(tmp_path / "bundle") as model:
        for text in (LETTERS, (LETTERS, "x y"), ("x y", LETTERS), (LETTERS, LETTERS), "a b"):
            given = (text,) if isinstance(text, str) else text
            expected = reference(*given, truncation=True, max_length=LIMIT)["input_ids"]
            assert model.tokenizer.encode(text).ids == expected
        cut, parts = model.predict(LETTERS), model.predict(LETTERS, long_text="windows")
        assert model.tokenizer.windows(LETTERS)[0].ids == model.tokenizer.encode(LETTERS).ids
    assert isinstance(cut, edgebert.Classification)
    assert isinstance(parts, edgebert.Classification)
    (scores,) = classify([LETTERS], truncation=True, max_length=LIMIT)
    assert cut.scores == pytest.approx({each["label"]: each["score"] for each in scores}, abs=1e-4)
    assert (cut.truncated, parts.truncated, parts.windows) == (True, False, 2)


def test_what_is_found_at_the_end_of_a_text_that_lost_its_beginning(tmp_path: Path) -> None:
    folder = cutting_the_beginning(
        tmp_path / "student",
        "tokenizer_config.json",
        task="token-classification",
        labels=("X", "Y"),
    )
    edgebert.convert(folder, tmp_path / "bundle", FLOAT_ONNX)
    text = "zqbxj " * 20
    with edgebert.load(tmp_path / "bundle") as model:
        cut = model.predict(text, aggregation="first")
        parts = model.predict(text, aggregation="first", long_text="windows")
    for result in (cut, parts):
        assert isinstance(result, edgebert.TokenClassification)
        assert all(set(each.text.split()) == {"zqbxj"} for each in result.entities)
        assert result.entities[-1].end == len(text) - 1
    # Room for 62 tokens: twelve words of five, and two tokens of one that is left out.
    assert cut.entities[0].start == 8 * len("zqbxj ")
    assert parts.entities[0].start == 0


def test_a_distilled_student_cuts_where_its_teacher_did(tmp_path: Path) -> None:
    teacher = cutting_the_beginning(tmp_path / "teacher", "tokenizer_config.json")
    rows = tmp_path / "rows.tsv"
    rows.write_text("text\tlabel\n" + f"{LETTERS}\tnegative\n" * 2, encoding="utf-8")
    options = DistillOptions(
        data=DataOptions(train=rows),
        stages=("prediction",),
        schedules={"prediction": Schedule(epochs=1)},
    )
    edgebert.distill(teacher, "1x32x4x64", tmp_path / "student", options)
    ids = [
        Tokenizer(load_checkpoint(folder).tokenizer, LIMIT).encode(LETTERS).ids
        for folder in (teacher, tmp_path / "student")
    ]
    plain = Tokenizer(load_checkpoint(students.checkpoint(tmp_path / "plain")).tokenizer, LIMIT)
    assert ids[0] == ids[1] != plain.encode(LETTERS).ids
