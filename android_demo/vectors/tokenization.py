"""What the Python runtime makes of texts, for the Kotlin tokenizer to be held against.

    python android_demo/vectors/tokenization.py FOLDER [--only NAME…]

FOLDER/tokenization/ gets `texts.json` and other lists of texts and pairs, and for each tokenizer a
folder with `tokenizer.json` and what comes out at some limits of tokens, `LIMIT LIST.txt`: a line
for each text, or its SHA-256 where it is long. Spans count UTF-16 units, as Kotlin does. `damaged/`
has files that are no tokenizers, or hardly.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from edgebert_runtime.errors import ManifestError
from edgebert_runtime.tokenization import Encoding, Text, Tokenizer

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import damaged_tokenizers
import resources
import tokenizer_texts
import tokenizers_of_all_kinds

LIMITS = (7, 40)
"""Tokens that fit, special tokens included, for the texts that are cut."""
UNBOUNDED = 1 << 30
_LONGEST = 400
"""Characters of a line that is written as it is."""


def outcome(tokenizer: Tokenizer, text: Text) -> str:
    """All that a tokenizer says of a text, in one line."""
    try:
        return "/".join(_said(tokenizer, text))
    except ManifestError as error:
        return f"error: {error}"


def _said(tokenizer: Tokenizer, text: Text) -> Iterator[str]:
    units = [_utf16(part) for part in ((text,) if isinstance(text, str) else text)]
    yield _written(tokenizer.encode(text, offsets=True), units)
    if tokenizer.max_length == UNBOUNDED:
        return
    yield str(tokenizer.count(text))
    yield _written(tokenizer.encode(text), units)
    for moving in (None, 0) if isinstance(text, str) else (None, 0, 1):
        yield from (_written(each, units) for each in tokenizer.windows(text, moving=moving))
    yield from (_written(each, units) for each in tokenizer.windows(text, offsets=True))


def _written(encoding: Encoding, units: list[list[int]]) -> str:
    places = [units[0]] * len(encoding.offsets)
    if len(encoding.parts) == 2 and places:
        second = encoding.parts[1].tokens
        places[second.start : second.stop] = [units[1]] * len(second)
    parts = (
        (part.tokens.start, part.tokens.stop, part.start, part.whole.start, part.whole.stop)
        for part in encoding.parts
    )
    spans = (
        (place[start], place[end])
        for place, (start, end) in zip(places, encoding.offsets, strict=True)
    )
    return "|".join(
        " ".join(map(str, numbers))
        for numbers in (
            encoding.ids,
            encoding.token_type_ids,
            [int(encoding.truncated)],
            itertools.chain.from_iterable(parts),
            itertools.chain.from_iterable(spans),
            ["-" if word is None else word for word in encoding.words],
        )
    )


def _utf16(text: str) -> list[int]:
    """The UTF-16 unit at which each code point begins, and the end."""
    lengths = (2 if character > "\uffff" else 1 for character in text)
    return list(itertools.accumulate(lengths, initial=0))


def main() -> None:
    """Write the vectors that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these tokenizers alone")
    arguments = parser.parse_args()
    folder = arguments.folder / "tokenization"
    folder.mkdir(parents=True, exist_ok=True)
    lists = {
        "texts": tokenizer_texts.texts(),
        "code points": tokenizer_texts.code_points(),
        "normalization": tokenizer_texts.normalization(),
        "megabytes": tokenizer_texts.megabytes(),
    }
    for name, texts in {**lists, "sentences": resources.sentences(1000)}.items():
        # Lone surrogates are no UTF-8.
        _write(folder / f"{name}.json", json.dumps(texts, ensure_ascii=name == "texts"))
    kinds = tokenizers_of_all_kinds.all_kinds()
    for name in arguments.only or kinds:
        _write_kind(folder / name, kinds[name], lists)
    for name in ("shipped", "roberta"):
        _write_damaged(folder / "damaged" / name, kinds[name], lists["texts"][:1500:50])


def _write_kind(folder: Path, content: bytes, lists: dict[str, list[Text]]) -> None:
    start = time.monotonic()
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer.json").write_bytes(content)
    for limit in LIMITS:
        _write_outcomes(folder, content, limit, {"texts": lists["texts"]})
    thorough = (
        [] if folder.name in tokenizers_of_all_kinds.ALIKE else ["code points", "normalization"]
    )
    long = ["megabytes"] if folder.name in ("shipped", "gpt2") else []
    _write_outcomes(folder, content, UNBOUNDED, {name: lists[name] for name in thorough + long})
    tokenizer = Tokenizer(content, UNBOUNDED)
    known = max(json.loads(content)["model"]["vocab"].values())
    decoded = [tokenizer.decoded(token) for token in range(known + 20)]
    _write(folder / "decoded.json", json.dumps([tokenizer.mask, tokenizer.mask_text, *decoded]))
    print(f"{folder.name}: {time.monotonic() - start:.1f} s", flush=True)


def _write_outcomes(folder: Path, content: bytes, limit: int, lists: dict[str, list[Text]]) -> None:
    tokenizer = Tokenizer(content, limit)
    for name, texts in lists.items():
        lines = map(_shortened, (outcome(tokenizer, text) for text in texts))
        _write(folder / f"{limit} {name}.txt", "".join(f"{line}\n" for line in lines))


def _write_damaged(folder: Path, content: bytes, texts: Iterable[Text]) -> None:
    """Files, each with what comes of `texts`, or nothing if Python refuses it."""
    folder.mkdir(parents=True, exist_ok=True)
    small = damaged_tokenizers.small(content)
    _write(folder / "texts.json", json.dumps(list(texts)))
    lines = []
    for file in itertools.chain(
        damaged_tokenizers.damaged(small), damaged_tokenizers.strange(small)
    ):
        try:
            tokenizer = Tokenizer(file, LIMITS[1])
            said = "\n".join(outcome(tokenizer, text) for text in texts)
        except ManifestError:
            said = ""
        lines.append(
            json.dumps([file.decode("latin-1"), said and hashlib.sha256(said.encode()).hexdigest()])
        )
    _write(folder / "files.json", f"[{','.join(lines)}]")


def _shortened(line: str) -> str:
    return line if len(line) <= _LONGEST else hashlib.sha256(line.encode()).hexdigest()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
