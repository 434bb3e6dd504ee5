"""Unicode as Python's tokenizers library sees it, written down for the Kotlin tokenizer.

    python android_demo/tools/unicode_tables.py            writes the tables
    python android_demo/tools/unicode_tables.py --check    fails if the tables are not the library's

The library's parts come with Unicode data of several versions, and so do versions of Android. The
same ids everywhere need tables of one origin: the library is asked about every code point.
"""

from __future__ import annotations

import argparse
import functools
import textwrap
from collections.abc import Iterator
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Regex, models, normalizers, pre_tokenizers

TABLES = (
    Path(__file__).resolve().parent.parent
    / "edgebert-android/src/main/resources/org/edgebert/tokenization/unicode.txt"
)

_CODE_POINTS = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
_HANGUL_SYLLABLES = range(0xAC00, 0xD7A4)
_LOWEST_CLASS, _HIGHEST_CLASS = "\u0334", "\u0345"
"""Marks of the combining classes 1 and 240."""


def tables() -> str:
    """All: a line `[name]`, then codes or ranges of codes, with `=value+value` where they map."""
    whitespace, punctuation = _separators()
    decomposed = _changed(normalizers.NFD())
    compatibility = _changed(normalizers.NFKD())
    sections = {
        "whitespace": _ranges(whitespace),
        "punctuation": _ranges(punctuation),
        "other": _ranges(_removed(_bert(clean_text=True))),
        "ideograph": _ranges(_spaced(_bert(handle_chinese_chars=True))),
        "nonspacing": _ranges(_removed(_bert(strip_accents=True)) - decomposed.keys()),
        "combining": _ranges(_removed(normalizers.StripAccents())),
        "letter": _ranges(_matches(r"\p{L}")),
        "number": _ranges(_matches(r"\p{N}")),
        "space": _ranges(_matches(r"\s")),
        "word": _ranges(_words()),
        "lowercase": _mappings(_changed(normalizers.Lowercase())),
        "decomposition": _mappings(_without_hangul(decomposed)),
        "compatibility": _mappings(
            {code: text for code, text in compatibility.items() if decomposed.get(code) != text}
        ),
        "class": [
            f"{codes}={order:x}"
            for order, marks in _classes(decomposed).items()
            for codes in _ranges(marks)
        ],
        "composition": [f"{code:x}={pair}" for code, pair in _compositions(decomposed)],
    }
    script = Path(__file__).name
    lines = [f"# Made by android_demo/tools/{script} of tokenizers {tokenizers.__version__}"]
    for name, entries in sections.items():
        lines += [f"[{name}]", *textwrap.wrap(" ".join(entries), 100, break_on_hyphens=False)]
    return "\n".join(lines) + "\n"


def _bert(**options: bool) -> normalizers.BertNormalizer:
    """BertNormalizer with these steps alone."""
    none = dict.fromkeys(
        ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase"), False
    )
    return normalizers.BertNormalizer(**(none | options))


def _changed(normalizer: normalizers.Normalizer) -> dict[int, str]:
    normalized = ((code, normalizer.normalize_str(chr(code))) for code in _CODE_POINTS)
    return {code: text for code, text in normalized if text != chr(code)}


def _removed(normalizer: normalizers.Normalizer) -> set[int]:
    return {code for code, text in _changed(normalizer).items() if not text}


def _spaced(normalizer: normalizers.Normalizer) -> set[int]:
    return {code for code, text in _changed(normalizer).items() if text == f" {chr(code)} "}


def _separators() -> tuple[set[int], set[int]]:
    """What separates words and is dropped, and what is a word by itself."""
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    counts = {code: len(split(f"a{chr(code)}a")) for code in _CODE_POINTS}
    whitespace = {code for code, count in counts.items() if count == 2}
    spaces = {code for code, text in _changed(_bert(clean_text=True)).items() if text == " "}
    if spaces != whitespace - _removed(_bert(clean_text=True)) - {0x20}:
        raise SystemExit("BertNormalizer has another white space than BertPreTokenizer")
    if {code for code in _CODE_POINTS if _stripped(code)} != whitespace:
        raise SystemExit("added tokens have another white space than BertPreTokenizer")
    return whitespace, {code for code, count in counts.items() if count == 3}


def _matches(pattern: str) -> set[int]:
    everything = "".join(map(chr, _CODE_POINTS))
    removal = pre_tokenizers.Split(Regex(pattern), "removed")
    kept = "".join(piece for piece, _ in removal.pre_tokenize_str(everything))
    return set(_CODE_POINTS) - set(map(ord, kept))


def _added(token: AddedToken) -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(models.WordLevel({"unknown": 0}, "unknown"))
    tokenizer.add_tokens([token])
    return tokenizer


_STRIPPING = _added(AddedToken("<>", lstrip=True, normalized=False))
_SINGLE_WORD = _added(AddedToken("<>", single_word=True, normalized=False))


def _stripped(code: int) -> bool:
    return len(_STRIPPING.encode(f"{chr(code)}<>").ids) == 1


def _words() -> set[int]:
    return {code for code in _CODE_POINTS if _SINGLE_WORD.encode(f"{chr(code)}<>").ids == [0]}


def _without_hangul(decomposed: dict[int, str]) -> dict[int, str]:
    """The decompositions that do not follow from the arithmetic of section 3.12 of the standard."""
    for index, code in enumerate(_HANGUL_SYLLABLES):
        jamo = [0x1100 + index // 588, 0x1161 + index % 588 // 28, 0x11A7 + index % 28]
        if decomposed[code] != "".join(map(chr, jamo[: 3 if index % 28 else 2])):
            raise SystemExit(f"{code:x} does not decompose as Hangul syllables do")
    return {code: text for code, text in decomposed.items() if code not in _HANGUL_SYLLABLES}


def _classes(decomposed: dict[int, str]) -> dict[int, set[int]]:
    """The marks of each canonical combining class; a class is its place among all, from 1."""
    sort = normalizers.NFD().normalize_str

    def before(first: str, second: str) -> bool:
        return sort(second + first) == first + second

    marks = [
        chr(code)
        for code in _CODE_POINTS
        if code not in decomposed
        and (before(_LOWEST_CLASS, chr(code)) or before(chr(code), _HIGHEST_CLASS))
    ]

    def compared(first: str, second: str) -> int:
        return before(second, first) - before(first, second)

    marks.sort(key=functools.cmp_to_key(compared))
    classes: dict[int, set[int]] = {}
    for previous, mark in zip(["", *marks], marks, strict=False):
        order = len(classes) + before(previous, mark)
        classes.setdefault(order, set()).add(ord(mark))
    return classes


def _compositions(decomposed: dict[int, str]) -> Iterator[tuple[int, str]]:
    """Each composed character with the two that it is composed of."""
    compose = normalizers.NFC().normalize_str
    for code, text in _without_hangul(decomposed).items():
        if compose(text) == chr(code):
            first, second = compose(text[:-1]), text[-1]
            if len(first) != 1 or compose(first + second) != chr(code):
                raise SystemExit(f"{code:x} is not composed of two characters")
            yield code, _joined(first + second)


def _ranges(codes: set[int]) -> list[str]:
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return [f"{low:x}" if low == high else f"{low:x}-{high:x}" for low, high in ranges]


def _mappings(texts: dict[int, str]) -> list[str]:
    return [f"{code:x}={_joined(text)}" for code, text in texts.items()]


def _joined(text: str) -> str:
    return "+".join(f"{ord(character):x}" for character in text)


def main() -> None:
    """Write or check, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    made = tables()
    if not parser.parse_args().check:
        TABLES.parent.mkdir(parents=True, exist_ok=True)
        TABLES.write_text(made, encoding="ascii")
    elif TABLES.read_text(encoding="ascii").split("\n")[1:] != made.split("\n")[1:]:
        raise SystemExit(f"{TABLES}: not of tokenizers {tokenizers.__version__}; make it anew")


if __name__ == "__main__":
    main()
