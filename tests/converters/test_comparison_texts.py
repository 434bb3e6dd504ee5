"""The texts that artifacts are compared on, as each task's model sees them."""

from __future__ import annotations

from pathlib import Path

import pytest
import students

from edgebert_converters import comparison_texts
from edgebert_converters.checkpoint import load_checkpoint
from edgebert_runtime.tokenization import Text, Tokenizer


def test_sentences_become_questions_about_the_next_three() -> None:
    texts: list[Text] = ["One.", "Two!", ("Who?", "Me."), "Three", "Four?"]
    assert comparison_texts.questions(texts) == [
        ("One?", "Two! Three Four?"),
        ("Two?", "Three Four? One."),
        ("Who?", "Me."),
        ("Three?", "Four? One. Two!"),
        ("Four?", "One. Two! Three"),
    ]
    assert comparison_texts.questions(["One."]) == [("One?", "One. One. One.")]


def test_every_seventh_token_is_masked(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(students.checkpoint(tmp_path / "student", task="masked-lm"))
    tokenizer = Tokenizer(checkpoint.tokenizer, 64)
    mask = tokenizer.mask
    assert mask is not None
    texts = [*students.SENTENCES, "", f"The [MASK] was {'very ' * 20}cold."]
    plain = [tokenizer.encode(text) for text in texts]
    masked = comparison_texts.encoded(texts, checkpoint, tokenizer)
    for index, (before, after) in enumerate(zip(plain[:-2], masked, strict=False)):
        changed = [
            place
            for place, (one, other) in enumerate(zip(before.ids, after.ids, strict=True))
            if one != other
        ]
        count = len(before.ids) - 2
        assert changed == list(range(1 + index % min(7, count), count + 1, 7))
        assert all(after.ids[place] == mask for place in changed)
        assert after.token_type_ids == before.token_type_ids
    assert masked[-2:] == plain[-2:]


def test_outputs_as_wide_as_a_vocabulary_are_few(tmp_path: Path) -> None:
    wide = students.checkpoint(tmp_path / "wide", task="masked-lm", vocab_size=30_522)
    narrow = students.checkpoint(tmp_path / "narrow", task="token-classification")
    texts: list[Text] = list(students.SENTENCES) * 15
    counts = {}
    for folder in (wide, narrow):
        checkpoint = load_checkpoint(folder)
        encodings = comparison_texts.encoded(texts, checkpoint, Tokenizer(checkpoint.tokenizer, 64))
        counts[folder.name] = len(encodings), sum(len(each.ids) for each in encodings)
    assert counts["narrow"][0] == len(texts)
    assert counts["wide"][0] >= 10
    assert counts["wide"][1] * 30_522 <= 2**24 < (counts["wide"][1] + 64) * 30_522


def test_one_text_is_always_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison_texts, "_MOST_VALUES", 10)
    checkpoint = load_checkpoint(students.checkpoint(tmp_path / "student", task="masked-lm"))
    encodings = comparison_texts.encoded(
        students.SENTENCES, checkpoint, Tokenizer(checkpoint.tokenizer, 64)
    )
    assert len(encodings) == 1
