"""Tokenizers in Python and in Rust that disagree on accents, case and emoji (transformers 14844).

The reference is the tokenizer in plain Python that transformers keeps. Where the two disagree, ours
is the one in Rust, as that of every model that transformers trains.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import students
import transformers
from field_checkpoints import change_json, write_vocabulary
from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

from edgebert_converters.checkpoint import load_checkpoint
from edgebert_runtime.tokenization import Tokenizer

WORDS = ("Good", "good", "É", "é", "émile", "emile", "Émile", "漢", "漢字", "🍕", "##🍕", "ß")
TEXTS = (
    "Good Émile, good Émile! é",
    "漢字 and 漢x字",
    "🍕🍕 a🍕 👩‍👩‍👧 \ufe0f",
    "Straße STRASSE İ ŒUVRE ﬁ",
    "don't re-enter the U.S.A.",
    "  \t a\u00a0b\u200bc\x00d ",
)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"do_lower_case": True},
        {"do_lower_case": False},
        {"do_lower_case": True, "strip_accents": False},
        {"do_lower_case": False, "strip_accents": True},
        {"do_lower_case": True, "tokenize_chinese_chars": False},
    ],
    ids=str,
)
def test_vocab_txt_alone(settings: dict[str, Any], tmp_path: Path) -> None:
    folder = write_vocabulary(students.checkpoint(tmp_path / "student"), WORDS, **settings)
    plain: Any = BertTokenizerLegacy(str(folder / "vocab.txt"), **settings)
    ours = Tokenizer(load_checkpoint(folder).tokenizer, 64)
    for text in TEXTS:
        assert ours.encode(text).ids == plain(text)["input_ids"], text


@pytest.mark.parametrize("lower", [True, False])
def test_a_letter_and_its_accent_apart(lower: bool, tmp_path: Path) -> None:
    """Plain Python puts them together where it keeps accents; the model never saw that."""
    settings = {"do_lower_case": lower, "strip_accents": False}
    folder = write_vocabulary(students.checkpoint(tmp_path / "student"), WORDS, **settings)
    plain: Any = BertTokenizerLegacy(str(folder / "vocab.txt"), **settings)
    fast = transformers.AutoTokenizer.from_pretrained(folder)
    ours = Tokenizer(load_checkpoint(folder).tokenizer, 64)
    text = "E\u0301mile"
    assert ours.encode(text).ids == fast(text)["input_ids"] != plain(text)["input_ids"]


def test_added_tokens_stay_whole(tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "student", vocab_size=402)
    fast = students.tokenizer("bert")
    fast.add_tokens(["NaCl", "[drug name]"])
    fast.save_pretrained(folder)
    change_json(folder / "tokenizer_config.json", model_max_length=64)
    ours = Tokenizer(load_checkpoint(folder).tokenizer, 64)
    text = "a NaCl b [drug name]c"
    ids = ours.encode(text).ids
    assert ids == fast(text)["input_ids"]
    assert {fast.convert_tokens_to_ids(each) for each in ("NaCl", "[drug name]")} <= set(ids)
