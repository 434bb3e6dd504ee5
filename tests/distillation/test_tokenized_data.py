"""Rows of every kind of file as ids on disk, and as padded tensors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import students
import torch

from edgebert.distillation.data import Encoder, TokenizedFile, collate, tokenized
from edgebert.labels import LabelSpace
from edgebert_runtime import InputError
from edgebert_runtime.examples import Columns
from edgebert_runtime.tokenization import Text, Tokenizer

LABELS = LabelSpace("classification", ("neg", "pos"))
LENGTH = 32


def content(family: str = "bert") -> bytes:
    return students.tokenizer(family).backend_tokenizer.to_str().encode()


ENCODER = Encoder(content(), LENGTH, LABELS)
TEXTS = Encoder(content(), LENGTH, None)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def ids(text: Text, encoder: Encoder = ENCODER) -> list[int]:
    return Tokenizer(encoder.tokenizer, encoder.max_length).encode(text).ids


def all_ids(dataset: TokenizedFile) -> list[list[int]]:
    return [dataset[index]["input_ids"].tolist() for index in range(len(dataset))]


def all_labels(dataset: TokenizedFile) -> list[list[float]]:
    return [dataset[index]["labels"].tolist() for index in range(len(dataset))]


def left_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir()) if folder.exists() else []


FILES = {
    "tsv": ("x.tsv", 'text\tlabel\nThe screen is "bright".\tpos\nIt broke.\t0\n'),
    "csv": ("x.csv", 'label,text\npos,"The screen is ""bright""."\n0,It broke.\n'),
    "jsonl": (
        "x.jsonl",
        '{"text": "The screen is \\"bright\\".", "label": "pos"}\n\n'
        '{"text": "It broke.", "label": 0}\n',
    ),
    "upper case": ("x.TSV", 'text\tlabel\nThe screen is "bright".\tpos\nIt broke.\t0\n'),
}
SAID = ['The screen is "bright".', "It broke."]


@pytest.mark.parametrize(("name", "text"), FILES.values(), ids=FILES.keys())
def test_rows_of_a_table(tmp_path: Path, name: str, text: str) -> None:
    dataset = tokenized(written(tmp_path / name, text), tmp_path / "data", ENCODER)
    assert all_ids(dataset) == [ids(each) for each in SAID]
    assert all_labels(dataset) == [[1.0], [0.0]]
    assert dataset.lengths.tolist() == [len(ids(each)) for each in SAID]
    assert dataset.unlabelled() == 0


@pytest.mark.parametrize("name", ["x.txt", "x", "x.text"])
def test_lines_of_a_text_file(tmp_path: Path, name: str) -> None:
    source = written(tmp_path / name, "\n".join(students.SENTENCES))
    dataset = tokenized(source, tmp_path / "data", TEXTS)
    assert all_ids(dataset) == [ids(each) for each in students.SENTENCES]
    assert all_labels(dataset) == [[]] * len(students.SENTENCES)
    assert dataset.unlabelled() == 0


def test_a_text_file_for_a_model_with_labels_has_none(tmp_path: Path) -> None:
    dataset = tokenized(written(tmp_path / "x.txt", "a\nb\n"), tmp_path / "data", ENCODER)
    assert np.isnan(all_labels(dataset)).all()
    assert dataset.unlabelled() == 2


def test_rows_without_a_label_are_counted(tmp_path: Path) -> None:
    space = LabelSpace("multi-label-classification", ("a", "b", "c"))
    rows = [{"text": "x", "labels": ["c", "a"]}, {"text": "y"}, {"text": "z", "label": None}]
    source = written(tmp_path / "x.jsonl", "\n".join(map(json.dumps, rows)))
    dataset = tokenized(source, tmp_path / "data", Encoder(content(), LENGTH, space))
    labels = all_labels(dataset)
    assert labels[0] == [1.0, 0.0, 1.0]
    assert np.isnan(labels[1:]).all()
    assert dataset.unlabelled() == 2


def test_labels_of_a_table_are_left_out_where_none_are_wanted(tmp_path: Path) -> None:
    source = written(tmp_path / "x.tsv", "text\tlabel\na\tof another task\n")
    assert all_labels(tokenized(source, tmp_path / "data", TEXTS)) == [[]]


def test_pairs_and_their_token_types(tmp_path: Path) -> None:
    source = written(
        tmp_path / "x.tsv", "sentence1\tsentence2\tlabel\nIt broke.\tThe screen\tpos\n"
    )
    row = tokenized(source, tmp_path / "data", ENCODER)[0]
    encoding = Tokenizer(ENCODER.tokenizer, LENGTH).encode(("It broke.", "The screen"))
    assert row["input_ids"].tolist() == encoding.ids
    assert row["token_type_ids"].tolist() == encoding.token_type_ids
    assert set(encoding.token_type_ids) == {0, 1}


def test_columns_that_the_caller_names(tmp_path: Path) -> None:
    source = written(tmp_path / "x.tsv", "text\tRemark\tlabel\tStars\nno\tIt broke.\tneg\t1\n")
    columns = Columns(text="Remark", label="Stars")
    dataset = tokenized(source, tmp_path / "data", ENCODER, columns)
    assert all_ids(dataset) == [ids("It broke.")]
    assert all_labels(dataset) == [[1.0]]
    plain = tokenized(source, tmp_path / "data", ENCODER)
    assert all_ids(plain) == [ids("no")]
    assert all_labels(plain) == [[0.0]]


@pytest.mark.parametrize("family", ["bert", "roberta", "albert"])
def test_tokenizers_of_every_kind(tmp_path: Path, family: str) -> None:
    source = written(tmp_path / "x.txt", "\n".join(students.SENTENCES))
    encoder = Encoder(content(family), 16, None)
    dataset = tokenized(source, tmp_path / "data", encoder)
    assert all_ids(dataset) == [ids(each, encoder) for each in students.SENTENCES]
    assert dataset.lengths.max() == 16


@pytest.mark.parametrize("rows", [999, 1000, 1001, 2500])
def test_more_rows_than_a_record_batch(tmp_path: Path, rows: int) -> None:
    words = ["screen", "bright", "broke", "it", "the"]
    texts = [" ".join(words[: row % 5 + 1]) for row in range(rows)]
    lines = [f"{text}\t{row % 2}" for row, text in enumerate(texts)]
    source = written(tmp_path / "x.tsv", "\n".join(["text\tlabel", *lines]))
    dataset = tokenized(source, tmp_path / "data", ENCODER)
    assert len(dataset) == rows
    expected = {text: ids(text) for text in set(texts)}
    for row in {0, 1, 997, 998, 999, 1000, 1001, 1999, 2000, rows - 1} & set(range(rows)):
        assert dataset[row]["input_ids"].tolist() == expected[texts[row]]
        assert dataset[row]["labels"].tolist() == [row % 2]
    assert dataset.lengths.tolist() == [len(expected[text]) for text in texts]
    with pytest.raises(IndexError):
        dataset[rows + 1000]


BAD: dict[str, tuple[str, bytes, str]] = {
    "no columns": ("x.tsv", b"text\tlabel\na\tpos\nb\n", "line 3: got 1 columns"),
    "a wrong label": ("x.tsv", b"text\tlabel\na\tpos\nb\tgood\n", "line 3: got the label 'good'"),
    "broken JSON": ("x.jsonl", b'{"text": "a", "label": 1}\n{', "line 2: not valid JSON"),
    "no UTF-8": ("x.txt", b"a\nb\n\xff\n", "line 3: got invalid start byte"),
    "a late wrong label": (
        "x.tsv",
        b"text\tlabel\n" + b"a\tpos\n" * 1500 + b"b\tgood\n",
        "line 1502: got the label 'good'",
    ),
    "an open quotation": ("x.csv", b'text,label\n"a,pos\n', "line 2: not a valid table"),
}


@pytest.mark.parametrize(("name", "text", "match"), BAD.values(), ids=BAD.keys())
def test_a_bad_row_leaves_nothing_behind(
    tmp_path: Path, name: str, text: bytes, match: str
) -> None:
    (tmp_path / name).write_bytes(text)
    with pytest.raises(InputError, match=match) as caught:
        tokenized(tmp_path / name, tmp_path / "data", ENCODER)
    assert "\n" not in str(caught.value)
    assert left_in(tmp_path / "data") == []


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("x.txt", "", "has no rows to train on"),
        ("x.jsonl", "\n\n", "has no rows to train on"),
        ("x.tsv", "text\tlabel\n", "has no rows to train on"),
        ("x.csv", "", "line 1: got the columns ''"),
    ],
)
def test_an_empty_file_is_refused_each_time(
    tmp_path: Path, name: str, text: str, match: str
) -> None:
    source = written(tmp_path / name, text)
    for _ in range(2):
        with pytest.raises(InputError, match=match) as caught:
            tokenized(source, tmp_path / "data", ENCODER)
        assert "\n" not in str(caught.value)
    assert not [each for each in left_in(tmp_path / "data") if not each.endswith(".arrow")]


@pytest.mark.parametrize("name", ["nowhere.tsv", ".", "x\ud800"])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"cannot be read .*; expected a file of UTF-8 text"):
        tokenized(tmp_path / name, tmp_path / "data", ENCODER)
    assert left_in(tmp_path / "data") == []


def test_a_name_that_is_no_unicode(tmp_path: Path) -> None:
    source = written(tmp_path / "x.\udcff", "It broke.\n")
    assert all_ids(tokenized(source, tmp_path / "data", TEXTS)) == [ids("It broke.")]


HOSTILE = {
    "empty": "",
    "spaces": "   \t ",
    "NUL": "a\0b",
    "a lone surrogate": "a \ud800 b",
    "emoji": "🙂👩‍👩‍👧‍👦 ok",
    "Chinese": "屏幕很亮。",
    "right to left": "\u202eשלום",
    "special tokens": "[SEP] [CLS] [PAD] [MASK]",
    "line breaks": "a\r\nb\u2028c",
}


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_hostile_texts(tmp_path: Path, family: str) -> None:
    rows = [json.dumps({"text": text, "label": "pos"}) for text in HOSTILE.values()]
    source = written(tmp_path / "x.jsonl", "\n".join(rows))
    encoder = Encoder(content(family), LENGTH, LABELS)
    dataset = tokenized(source, tmp_path / "data", encoder)
    expected = {name: ids(text, encoder) for name, text in HOSTILE.items()}
    assert dict(zip(HOSTILE, all_ids(dataset), strict=True)) == expected


@pytest.mark.parametrize("text", ["bright screen " * 75_000, "a" * 1024 * 1024])
def test_a_text_of_a_megabyte(tmp_path: Path, text: str) -> None:
    dataset = tokenized(written(tmp_path / "x.txt", text), tmp_path / "data", TEXTS)
    assert all_ids(dataset) == [ids(text[:5000])]


def test_hostile_labels(tmp_path: Path) -> None:
    names = ("a, b", 'a "b"', "🙂", "好", "a\nb", "\ud800")
    rows = [json.dumps({"text": "a", "label": name}) for name in names]
    source = written(tmp_path / "x.jsonl", "\n".join(rows))
    space = LabelSpace("classification", names)
    dataset = tokenized(source, tmp_path / "data", Encoder(content(), LENGTH, space))
    assert all_labels(dataset) == [[float(index)] for index in range(len(names))]


# Once for a file


def test_what_is_tokenized_is_not_tokenized_again(tmp_path: Path) -> None:
    source = written(tmp_path / "x.tsv", "text\tlabel\na\tpos\n")
    first = tokenized(source, tmp_path / "data", ENCODER)
    (path,) = (tmp_path / "data").iterdir()
    before = path.stat()
    # The content counts, not the place or time of the file.
    (tmp_path / "elsewhere").mkdir()
    again = tokenized(source.rename(tmp_path / "elsewhere" / "y.tsv"), tmp_path / "data", ENCODER)
    assert all_ids(again) == all_ids(first)
    assert [path] == list((tmp_path / "data").iterdir())
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


CHANGES = {
    "the kind of file": ("x.txt", ENCODER, None),
    "the length": ("x.tsv", Encoder(content(), 16, LABELS), None),
    "the tokenizer": ("x.tsv", Encoder(content("roberta"), LENGTH, LABELS), None),
    "the order of labels": (
        "x.tsv",
        Encoder(content(), LENGTH, LabelSpace("classification", ("pos", "neg"))),
        None,
    ),
    "no labels": ("x.tsv", TEXTS, None),
    "the columns": ("x.tsv", ENCODER, Columns(label="other")),
}


@pytest.mark.parametrize(("name", "encoder", "columns"), CHANGES.values(), ids=CHANGES.keys())
def test_what_rows_depend_on_makes_another_file(
    tmp_path: Path, name: str, encoder: Encoder, columns: Columns | None
) -> None:
    table = "text\tlabel\tother\na\tpos\tneg\n"
    tokenized(written(tmp_path / "x.tsv", table), tmp_path / "data", ENCODER)
    tokenized(written(tmp_path / name, table), tmp_path / "data", encoder, columns)
    assert len(left_in(tmp_path / "data")) == 2


def test_a_source_that_changes_is_read_again(tmp_path: Path) -> None:
    source = written(tmp_path / "x.txt", "bright\n")
    assert all_ids(tokenized(source, tmp_path / "data", TEXTS)) == [ids("bright")]
    written(source, "broken\n")
    assert all_ids(tokenized(source, tmp_path / "data", TEXTS)) == [ids("broken")]


# Rows → tensors


def rows_of(tmp_path: Path, *texts: str) -> list[dict[str, np.ndarray[tuple[int, ...], np.dtype]]]:
    source = written(tmp_path / "x.tsv", "\n".join(["text\tlabel", *(f"{t}\tpos" for t in texts)]))
    dataset = tokenized(source, tmp_path / "data", ENCODER)
    return [dataset[index] for index in range(len(dataset))]


def test_a_batch_is_padded_to_its_longest_row(tmp_path: Path) -> None:
    short, long = ids("bright"), ids("The screen is bright.")
    batch = collate(9, True)(rows_of(tmp_path, "bright", "The screen is bright."))
    padding = len(long) - len(short)
    assert padding > 0
    assert batch["input_ids"].tolist() == [[*short, *[9] * padding], long]
    assert batch["attention_mask"].tolist() == [
        [*[1] * len(short), *[0] * padding],
        [1] * len(long),
    ]
    assert batch["token_type_ids"].tolist() == [[0] * len(long)] * 2
    assert batch["labels"].tolist() == [[1.0], [1.0]]
    types = {name: tensor.dtype for name, tensor in batch.items()}
    assert types.pop("labels") == torch.float32
    assert set(types.values()) == {torch.int64}


def test_token_types_are_left_out_where_the_model_takes_none(tmp_path: Path) -> None:
    batch = collate(0, False)(rows_of(tmp_path, "bright"))
    assert set(batch) == {"input_ids", "attention_mask", "labels"}


def test_token_types_of_pairs_are_padded_with_zeros(tmp_path: Path) -> None:
    source = written(tmp_path / "x.tsv", "text\ttext_pair\nbright\tscreen\na\tb c d e\n")
    dataset = tokenized(source, tmp_path / "data", TEXTS)
    batch = collate(0, True)([dataset[0], dataset[1]])
    width = int(dataset.lengths.max())
    assert batch["labels"].shape == (2, 0)
    for index in range(2):
        types = dataset[index]["token_type_ids"].tolist()
        assert batch["token_type_ids"][index].tolist() == [*types, *[0] * (width - len(types))]
        assert 1 in types


def test_tensors_of_a_batch_may_be_changed(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "bright")
    before = rows[0]["input_ids"].tolist()
    collate(0, True)(rows)["input_ids"].zero_()
    assert rows[0]["input_ids"].tolist() == before
