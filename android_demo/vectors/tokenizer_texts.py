"""Texts that tokenizers disagree about, and real ones."""

from __future__ import annotations

import json
import random

import resources

from edgebert_runtime.tokenization import Text

SPECIAL = ["[CLS]", "[SEP]", "[MASK]", "[UNK]", "<s>", "</s>", "<mask>", "<pad>", "[mask]"]
"""Tokens that tokenizers have added."""
MADE = ["lend", "LOVE", "ﬁlm", "a b", "  ", "é", "É!", "ing", "ingot", "in", "電影"]
"""Tokens that the made tokenizers add, of every kind."""
_MARKS = ["\u0300", "\u0301", "\u0308", "\u0323", "\u0327", "\u0334", "\u0345", "\u05b4", "\u0591"]
_MARKS += ["\u094d", "\u0e38", "\u3099", "\u0f72", "\u0f74", "\u0f71", "\u302a", "\U0001d165"]
_BASES = [
    "a",
    "E",
    "ö",
    "ự",
    "Å",
    "が",
    "ㅎ",
    "ᄒ",
    "ᅡ",
    "ᆫ",
    "한",
    "하",
    "ά",
    "ǖ",
    "ﬁ",
    "\u0f73",
    "ك",
]
_SPACES = [
    " ",
    "  ",
    "\t",
    "\n",
    "\r\n",
    "\u00a0",
    "\u3000",
    "\u2028",
    "\u200b",
    "\u0085",
    "\u180e",
]
_WORDS = [
    "film",
    "don't",
    "we'll",
    "they've",
    "I'm",
    "'s",
    "''",
    "'S",
    "1999",
    "٣٤",
    "½",
    "Ⅷ",
    "...",
    "—",
]
_WORDS += [
    "naïve",
    "STRASSE",
    "straße",
    "ΣΊΣΥΦΟΣ",
    "İstanbul",
    "ǅ",
    "🙂",
    "👩‍👩‍👧‍👦",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "❤️",
    "電影",
    "very",
]
_EDGES = [
    "",
    " ",
    "a",
    "\0",
    "a\0b",
    "\ufffd",
    "\ufeff",
    "\ud800",
    "a\udfffb",
    "\udc00 x \ud83d",
    "\U0010ffff",
]
_EDGES += ["𠀀𪛟𫝀𫠝𬺡丽", "㐀䶿豈﫿", "각힣가각", "ￂￇﾡ", "ก็็็็็็", "Z̷̡̛͔̰͍͇̙͕̽͗̀̏̄͝a̶͇̒l̵̛̮̑g̸̣̈́o̷̞̿", "ﷺ", "¨x", "´'´", "a'b's'"]
_LONG = [
    "a" * 100,
    "a" * 101,
    "á" * 100,
    "ab" * 300,
    "電" * 150,
    "!" * 250,
    "film" * 26,
    "\u0301" * 300,
    "ﷺ" * 40,
]
_LONG += [
    "\u0300\u0323\u0334" * 200,
    "👩‍👩‍👧‍👦" * 30,
    " " * 300,
    "x" * 99 + "\u0301" * 9,
    "[MASK]" * 40,
    "'ll" * 90,
]


def texts() -> list[Text]:
    """Some 3,700 texts and pairs."""
    chance = random.Random(8)
    reviews = resources.sentences(900)
    singles = reviews[:800] + _chinese(400) + _naughty() + _normalization()
    singles += [*_EDGES, *_LONG, *SPECIAL, *MADE, *(word * 2 for word in _WORDS)]
    singles += [_mixed(chance, [*_BASES, *_MARKS, *_MARKS], "") for _ in range(300)]
    singles += [_mixed(chance, [*_WORDS, *_SPACES], "") for _ in range(200)]
    singles += [_mixed(chance, [*_WORDS, *SPECIAL, *MADE, *_SPACES], "") for _ in range(400)]
    singles += [_mixed(chance, [*_WORDS, *SPECIAL, *MADE], " ") for _ in range(100)]
    singles += [" ".join(chance.sample(reviews, 12)) for _ in range(20)]
    pairs = [
        (chance.choice(singles), chance.choice(reviews) * chance.choice((0, 1, 1, 9)))
        for _ in range(150)
    ]
    return [*singles, *pairs, *((second, first) for first, second in pairs[:100])]


def code_points() -> list[Text]:
    """Every code point but surrogates, in small contexts, in texts of 128 of them."""
    codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    return [
        "".join(f"{chr(code)}a {chr(code)}{chr(code)}É" for code in codes[at : at + 128])
        for at in range(0, len(codes), 128)
    ]


def normalization() -> list[Text]:
    """All that NormalizationTest.txt has, ten lines a text."""
    lines = _normalization_lines()
    return [" ".join(lines[at : at + 10]) for at in range(0, len(lines), 10)]


def megabytes() -> list[Text]:
    """A million characters of several kinds, each of which something might take long for."""
    reviews = "\n".join(resources.sentences(9000))[:1_000_000]
    marks = random.Random(1).choices(_MARKS, k=1_000_000)
    repeated = [
        "a",
        "á ",
        "電影",
        " ",
        "\n",
        "!",
        "👩‍👩‍👧‍👦",
        "'s",
        "[MASK]",
        "\u0301",
        "1",
        "[",
        "<mask> ",
    ]
    return [reviews, "".join(marks), *(each * (1_000_000 // len(each)) for each in repeated)]


def _mixed(chance: random.Random, pieces: list[str], between: str) -> str:
    return between.join(chance.choices(pieces, k=chance.randint(1, 12)))


def _chinese(count: int) -> list[str]:
    lines = resources.chinese_reviews().read_text(encoding="utf-8").split("\n")[1:-1]
    return [line.partition("\t")[2] for line in random.Random(2).sample(lines, count)]


def _naughty() -> list[str]:
    return list(json.loads(resources.naughty_strings().read_text(encoding="utf-8")))


def _normalization() -> list[str]:
    return random.Random(3).sample(_normalization_lines(), 600)


def _normalization_lines() -> list[str]:
    """The five columns of each line: a text and its normalization forms."""
    lines = resources.normalization().read_text(encoding="utf-8").split("\n")
    columns = [line.split(";")[:5] for line in lines if line[:1].isalnum()]
    return [
        " ".join("".join(chr(int(code, 16)) for code in column.split()) for column in row)
        for row in columns
    ]
