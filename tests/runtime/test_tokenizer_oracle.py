"""Ids, token types and offsets are those of transformers' AutoTokenizer of the checkpoint.

Oracle: the fast tokenizer that transformers makes of the same checkpoint, with its own
post-processing and truncation; ours puts special tokens in and cuts by itself. A second oracle for
WordPiece is the tokenizer that transformers has in plain Python. Texts: the Big List of Naughty
Strings, every source string of Unicode's NormalizationTest.txt, 10,000 real texts of film reviews,
glosses and e-mails, 4,000 Chinese reviews. A lone surrogate is U+FFFD with us; transformers
refuses it.
"""

from __future__ import annotations

import functools
import json
import random
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import environments
import pytest
import students
import transformers
from tokenizers import models
from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

from edgebert_converters.fast_tokenizer import read_tokenizer
from edgebert_runtime.tokenization import Text, Tokenizer

sys.path.insert(0, str(environments.ROOT / "benchmarks"))
import resources

pytestmark = pytest.mark.slow

KINDS = ("minilm", "shipped", "chinese", "bert", "roberta", "xlm-roberta", "albert")
LIMIT = 64
CHUNK = 500
LIMITS = (5, 6, 7, 8, 9, 16, 33, 128, 512)


@functools.cache
def naughty() -> list[str]:
    return list(json.loads(resources.naughty_strings().read_text(encoding="utf-8")))


@functools.cache
def sources() -> list[str]:
    """The first column of NormalizationTest.txt: code points in hexadecimal (UAX 15)."""
    rows = (
        line.partition(";")[0]
        for line in resources.normalization().read_text(encoding="utf-8").splitlines()
        if line[:1] not in ("#", "@", "")
    )
    return ["".join(chr(int(point, 16)) for point in row.split()) for row in rows]


@functools.cache
def real() -> list[str]:
    """4,000 film reviews, 4,000 glosses, 2,000 lines of e-mails (200 of them whole mails)."""
    glosses = resources.glosses().read_text(encoding="utf-8").splitlines()
    mails = [json.loads(line) for line in resources.emails().read_text("utf-8").splitlines()]
    lines = [line for mail in mails for line in mail.split("\n") if line.strip()]
    draw = random.Random(0)
    whole = [mail[:5_000] for mail in draw.sample(mails, 200)]
    return [
        *resources.sentences(4000),
        *draw.sample(glosses, 4000),
        *draw.sample(lines, 1800),
        *whole,
    ]


@functools.cache
def chinese() -> list[str]:
    lines = resources.chinese_reviews().read_text(encoding="utf-8").splitlines()[1:]
    return [line.partition("\t")[2] for line in random.Random(0).sample(lines, 4000)]


SETS = {"naughty": naughty, "sources": sources, "real": real, "chinese": chinese}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Where each kind's tokenizer is read from."""
    made = {"minilm": resources.minilm(), "shipped": environments.ROOT / "models/film-sentiment"}
    for kind in ("bert", "roberta", "xlm-roberta", "albert"):
        made[kind] = tmp_path_factory.mktemp(kind)
        students.tokenizer(kind).save_pretrained(made[kind])
    made["chinese"] = tmp_path_factory.mktemp("chinese")
    characters = Counter("".join(chinese())).most_common(2500)
    chinese_wordpiece([each for each, _ in characters]).save_pretrained(made["chinese"])
    return made


def chinese_wordpiece(characters: list[str]) -> Any:
    """As bert-base-chinese has it: a piece for each character, and for each inside a word."""
    fast = students.tokenizer("bert").backend_tokenizer
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    shown = [each for each in characters if not each.isspace()]
    pieces = [*special, *shown, *(f"##{each}" for each in shown)]
    fast.model = models.WordPiece(
        {piece: index for index, piece in enumerate(pieces)}, unk_token="[UNK]"
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=fast,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


@functools.cache
def reference(folder: Path) -> Any:
    return transformers.AutoTokenizer.from_pretrained(folder)


@functools.cache
def ours(folder: Path, limit: int) -> Tokenizer:
    return Tokenizer(read_tokenizer(folder, 10**6).content, limit)


def compare(folder: Path, texts: list[Text], limit: int) -> None:
    """Hold ours against the oracle on every text or pair, a few hundred at a time."""
    tokenizer = ours(folder, limit)
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        columns = zip(*((each,) if isinstance(each, str) else each for each in chunk), strict=True)
        expected = reference(folder)(
            *(list(column) for column in columns),
            truncation="longest_first",
            max_length=limit,
            return_token_type_ids=True,
            return_offsets_mapping=True,
        )
        for index, text in enumerate(chunk):
            encoding = tokenizer.encode(text, offsets=True)
            found = (encoding.ids, encoding.token_type_ids, encoding.offsets)
            names = ("input_ids", "token_type_ids", "offset_mapping")
            assert found == tuple(expected[name][index] for name in names), repr(text)[:200]
            assert encoding.truncated == bool(expected.encodings[index].overflowing)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("kind", KINDS)
def test_texts(kind: str, name: str, folders: dict[str, Path]) -> None:
    compare(folders[kind], list(SETS[name]()), LIMIT)


@pytest.mark.parametrize("kind", KINDS)
def test_pairs(kind: str, folders: dict[str, Path]) -> None:
    # The oracle keeps each combination of what it cuts off both texts of a pair.
    firsts = [*naughty(), *(text[:800] for text in real()[::10]), *chinese()[::10]]
    firsts += sources()[::20]
    seconds = random.Random(1).sample(firsts, len(firsts))
    compare(folders[kind], list(zip(firsts, seconds, strict=True)), LIMIT)
    compare(folders[kind], [(text, "") for text in naughty()], LIMIT)
    compare(folders[kind], [("", text) for text in naughty()], LIMIT)


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("kind", KINDS)
def test_limits(kind: str, limit: int, folders: dict[str, Path]) -> None:
    firsts = [*naughty()[::5], *real()[::200], *real()[-20:], *chinese()[::200]]
    firsts = [text[: 6 * limit] for text in firsts]
    seconds = random.Random(2).sample(firsts, len(firsts))
    compare(folders[kind], list(firsts), limit)
    compare(folders[kind], list(zip(firsts, seconds, strict=True)), limit)


def test_plain_python_wordpiece(folders: dict[str, Path]) -> None:
    """Google's BasicTokenizer and WordPiece, as transformers keeps them, give the same ids.

    They differ on characters alone that one library's Unicode tables have and the other's have
    not: marks that are stripped or kept, code points that are dropped as unassigned or kept.
    """
    plain: Any = BertTokenizerLegacy(str(folders["minilm"] / "vocab.txt"), do_lower_case=True)
    fast = ours(folders["minilm"], 512)

    def differs(text: str) -> bool:
        found = plain(text, truncation=True, max_length=512)["input_ids"]
        return bool(found != fast.encode(text).ids)

    texts = [*naughty(), *sources(), *real()[::5], *chinese()[::8]]
    different = [text for text in texts if differs(text)]
    newer = {each for each in set("".join(different)) if differs(f"a{each}b")}
    assert all(newer.intersection(text) for text in different)
    assert {unicodedata.category(each) for each in newer} <= {"Mn", "Mc", "Me", "Cn"}
    assert len(different) < 1000
    assert set(different) <= set(sources())


@pytest.mark.parametrize("kind", KINDS)
def test_lone_surrogates(kind: str, folders: dict[str, Path]) -> None:
    """U+FFFD stands for each, and offsets still count the characters that were given."""
    tokenizer = ours(folders[kind], LIMIT)
    for text in ("\ud800", "a\udfffb", "good \udc00\ud800 day", "\ud83d film \ude00"):
        given = tokenizer.encode(text, offsets=True)
        replaced = "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in text)
        expected = reference(folders[kind])(replaced, return_offsets_mapping=True)
        assert given.ids == expected["input_ids"]
        assert given.offsets == expected["offset_mapping"]
