"""The same tokens as the checkpoint's own tokenizer, cut at the limit and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import students
import transformers

from edgebert_runtime import ManifestError, Model
from edgebert_runtime.tokenization import Encoding, Text, Tokenizer

HARD = (
    "",
    " ",
    "e\u0301 \u00e9 a\u030a\u0323 \u1e9b\u0323",
    "שלום עולם، مرحبا بالعالم",
    "漢字かな交じり文 한국어 ภาษาไทย",
    "zero\u200bwidth\u200dand\ufeffmarks\u2060",
    "soft\u00adhyphen \u202eoverride\u202c",
    "con\x00trol\x07\x1b[31m\x7f\x85",
    "line\nbreak\r\nand\ttab\u2028and\u2029more",
    "😀👩‍👩‍👧🏳️‍🌈\U0010ffff",
    "ﬁ ﬃ ½ ① Ⅷ ｆｕｌｌ",
    "İstanbul Straße ΣΊΣΥΦΟΣ",
    "[CLS] [SEP] [MASK] [PAD] [UNK]",
    "a" * 500,
    "don't re-enter the U.S.A. @ 3:45pm, #1!!! http://x.y/z?q=1&r=2",
    "".join(chr(0x300 + mark) for mark in range(112)),
)


@pytest.fixture(scope="module")
def reference(checkpoint: Path) -> Any:
    return transformers.AutoTokenizer.from_pretrained(checkpoint)


@pytest.fixture(scope="module")
def content(bundle: Path) -> bytes:
    return (bundle / "tokenizer.json").read_bytes()


def expected(reference: Any, text: Text, limit: int) -> tuple[list[int], list[int]]:
    # As batches of one: outside a batch, transformers drops a second text that is empty.
    texts = [[part] for part in (text if isinstance(text, tuple) else (text,))]
    encoded = reference(*texts, truncation="longest_first", max_length=limit)
    return encoded["input_ids"][0], encoded["token_type_ids"][0]


@pytest.mark.parametrize("text", [*HARD, *students.SENTENCES[:100]])
def test_tokens_are_the_checkpoints(reference: Any, tflite_model: Model, text: str) -> None:
    pairs = [(text, "a fine day"), ("a fine day", text), (text, text)]
    for each in [text, *pairs]:
        encoding = tflite_model.tokenizer.encode(each)
        assert (encoding.ids, encoding.token_type_ids) == expected(reference, each, 64)


@pytest.mark.parametrize("limit", [4, 5, 8, 63])
def test_tokens_are_the_checkpoints_at_other_limits(
    reference: Any, content: bytes, limit: int
) -> None:
    tokenizer = Tokenizer(content, limit)
    for text in (*HARD, *students.SENTENCES[:20], ("one two three " * 20, "x"), ("x", "y " * 90)):
        encoding = tokenizer.encode(text)
        assert (encoding.ids, encoding.token_type_ids) == expected(reference, text, limit)


def test_exactly_the_limit_is_not_truncated(content: bytes) -> None:
    tokenizer = Tokenizer(content, 8)
    exact = tokenizer.encode("a b c d e f")
    beyond = tokenizer.encode("a b c d e f g")
    assert (len(exact.ids), exact.truncated) == (8, False)
    assert beyond == Encoding(exact.ids, exact.token_type_ids, truncated=True)


def test_exactly_the_limit_of_a_pair_is_not_truncated(content: bytes) -> None:
    tokenizer = Tokenizer(content, 8)
    exact = tokenizer.encode(("a b c", "d e"))
    beyond = tokenizer.encode(("a b c x", "d e"))
    assert (len(exact.ids), exact.truncated) == (8, False)
    assert beyond == Encoding(exact.ids, exact.token_type_ids, truncated=True)


def test_a_text_over_the_limit_is_answered_as_if_cut_by_hand(model: Model) -> None:
    cut, whole = "a b " * 31, "a b " * 31 + "c and much more"
    by_hand, answered = model.predict([cut, whole])  # type: ignore[misc]
    assert (by_hand.truncated, answered.truncated) == (False, True)
    assert answered.scores == pytest.approx(by_hand.scores, rel=0, abs=1e-5)


def test_truncation_and_padding_of_the_file_change_nothing(content: bytes) -> None:
    data = json.loads(content)
    data["truncation"] = {
        "direction": "Right",
        "max_length": 8,
        "strategy": "OnlyFirst",
        "stride": 2,
    }
    data["padding"] = {
        "strategy": {"Fixed": 128},
        "direction": "Left",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    configured = Tokenizer(json.dumps(data).encode(), 64)
    plain = Tokenizer(content, 64)
    for text in (*HARD, *students.SENTENCES[:20], ("a b c " * 5, "d e f " * 50)):
        assert configured.encode(text) == plain.encode(text)


def _broken(content: bytes, part: str, **changes: object) -> bytes:
    data = json.loads(content)
    data[part].update(changes)
    return json.dumps(data).encode()


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_limit_without_room_for_text(content: bytes, limit: int) -> None:
    with pytest.raises(ManifestError, match=rf"^max_length: got {limit}, expected more than the 3"):
        Tokenizer(content, limit)


@pytest.mark.parametrize("altered", [b"", b"{}", b"null", b"\xff", b"[" * 100_000])
def test_no_tokenizer(altered: bytes) -> None:
    with pytest.raises(ManifestError, match=r"^the bundle's tokenizer cannot be read \(.*copy"):
        Tokenizer(altered, 64)


def test_half_a_tokenizer(content: bytes) -> None:
    with pytest.raises(ManifestError, match=r"^the bundle's tokenizer cannot be read \(.*copy"):
        Tokenizer(content[: len(content) // 2], 64)


def test_a_tokenizer_without_a_token_for_the_unknown(content: bytes) -> None:
    tokenizer = Tokenizer(_broken(content, "model", vocab={}), 64)
    with pytest.raises(ManifestError, match=r"^the bundle's tokenizer cannot be used \(WordPiece"):
        tokenizer.encode("a")


def test_a_tokenizer_that_panics(content: bytes) -> None:
    with pytest.raises(ManifestError, match=r"^the bundle's tokenizer cannot be used"):
        Tokenizer(_broken(content, "post_processor", special_tokens={}), 64)


@pytest.mark.parametrize(
    "single",
    [
        [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}],
    ],
    ids=["twice", "never"],
)
def test_a_template_that_repeats_or_drops_the_text(content: bytes, single: list[Any]) -> None:
    altered = _broken(content, "post_processor", single=single)
    with pytest.raises(ManifestError, match="expected each once and the first before the second"):
        Tokenizer(altered, 64)


def test_a_decoder_that_panics(content: bytes) -> None:
    data = json.loads(content)
    data["decoder"] = {"type": "Strip", "content": "d", "start": 1_000_000, "stop": 1_000_000}
    tokenizer = Tokenizer(json.dumps(data).encode(), 64)
    with pytest.raises(ManifestError, match="the bundle's tokenizer cannot be used"):
        list(map(tokenizer.decoded, range(400)))
