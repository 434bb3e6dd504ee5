"""TinyBERT's data augmentation: copies of each text with some of its words replaced.

Algorithm 1 of arXiv 1909.10351, written row by row to a file that an interrupted run continues.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from edgebert.distillation.candidates import Candidates
from edgebert.distillation.partial_file import PartialFile
from edgebert.distillation.words import Words, find_words
from edgebert_runtime.errors import InputError, shortened
from edgebert_runtime.examples import Columns, Example, stream_rows
from edgebert_runtime.tokenization import Text

_TRIES = 5
_VERSION = 1
"""Of what is drawn for a row; another one would not continue a file as it was begun."""


@dataclass(frozen=True)
class AugmentOptions:
    """Parameters of Algorithm 1; the defaults are the paper's, for every task of GLUE.

    The paper's published code takes other numbers of copies: 30 for CoLA, MRPC, RTE and STS-B, 20
    for SST-2 and QNLI, 10 for MNLI and QQP.
    """

    copies: int = 20
    """N_a: augmented copies of each row."""
    probability: float = 0.4
    """p_t: how probable it is that a word with candidates is replaced."""
    candidates: int = 15
    """K: the most likely words, of which one is drawn evenly."""
    seed: int = 0
    columns: Columns = Columns()

    def __post_init__(self) -> None:
        """Refuse what is out of range.

        Raises:
            InputError: naming the value.
        """
        for name in ("copies", "candidates"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: got {getattr(self, name)}, expected at least 1")
        if not 0 <= self.probability <= 1:
            raise InputError(f"probability: got {self.probability}, expected 0 to 1")


@dataclass(frozen=True)
class Summary:
    """What an augmented file holds, from its first row on, whichever run wrote it."""

    rows: int
    """Rows read."""
    written: int
    """Rows written: each row read, and its copies."""
    replaced: float
    """Share of the copies' words that differ from the original's."""
    continued_after: int
    """Rows read that an interrupted run had done."""


def augment(
    source: Path,
    output: Path,
    candidates: Candidates,
    options: AugmentOptions,
    *,
    force: bool = False,
) -> Summary:
    """Write each row of a text, TSV, CSV or JSONL file, and copies of it with other words.

    The output is JSON Lines: `text`, `text_pair` for a pair, `label` (a list of several; left out
    where there is none) and `augmented`, a row first and its copies behind it. What is written
    for row i depends on the row, the candidates, the options and i alone. It is written to
    `.NAME.partial` beside the output; interrupted at any moment, the same call continues it.

    Raises:
        InputError: if a row cannot be read (before anything is written), if there is an output
            already (unless `force`), or if the disk is full: what is whole stays then.
    """
    check_output(source, output, force=force)
    rows, digest = _survey(source, options.columns)
    made_of = {
        "version": _VERSION,
        "source": digest,
        "candidates": candidates.identity,
        "options": dataclasses.asdict(options),
    }
    tally = _Tally(options.columns)
    with PartialFile(output, made_of) as file:
        done = file.resume(options.copies + 1, tally.add)
        waiting = itertools.islice(_examples(source, options.columns), done, None)
        with tqdm(
            waiting, "augmenting", rows, initial=done, unit=" rows", disable=None, leave=False
        ) as progress:
            for index, example in enumerate(progress, start=done):
                copies = copies_of(example.text, candidates, options, index)
                for number, text in enumerate(itertools.chain([example.text], copies)):
                    row = _row(text, example.labels, options.columns, augmented=number > 0)
                    file.write(row)
                    tally.add(row)
        file.finish()
    return Summary(rows, rows * (options.copies + 1), tally.share(), done)


def check_output(source: Path, output: Path, *, force: bool) -> None:
    """Refuse an output that cannot be written, before any work is done.

    Raises:
        InputError: if there is something already (unless `force`, and it is another file), or if
            its folder does not exist; if it is not named .jsonl, by which it is read.
    """
    if output.suffix.lower() != ".jsonl":
        raise InputError(f"output {str(output)!r}: got {output.suffix!r}, expected .jsonl")
    try:
        if not output.parent.is_dir():
            raise InputError(f"output {str(output)!r}: its folder does not exist; create it first")
        output.lstat()
        if output.is_dir() or (source.exists() and output.samefile(source)):
            raise InputError(
                f"output {str(output)!r} is a folder, or the data itself; choose another name"
            )
    except InputError:
        raise
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise InputError(
            f"output {shortened(str(output))} cannot be written ({error}); choose another name"
        ) from None
    if not force:
        raise InputError(f"output {str(output)!r} exists; choose another name, or add --force")


def copies_of(
    text: Text, candidates: Candidates, options: AugmentOptions, row: int
) -> Iterator[Text]:
    """Algorithm 1: `options.copies` copies of a text or pair, of a pair both texts anew.

    Each word takes one of its candidates, drawn evenly, with the probability of the options; a
    word without candidates stays, and so does all between words. A copy that equals the text or
    an earlier copy is drawn again, up to four times; then it is given as it is, as for a text
    without candidates, of which every copy is the text.
    """
    # A text as seed does not depend on the process, as its hash would.
    generator = random.Random(f"{options.seed} {row}")
    found = [find_words(part) for part in _parts(text)]
    choices = [candidates.at(words, range(len(words.spans)), options.candidates) for words in found]
    can_differ = options.probability > 0 and any(map(any, choices))
    seen = {_digest(text)}
    for _ in range(options.copies):
        for _ in range(_TRIES if can_differ else 1):
            drawn = [
                _drawn(words, offered, options.probability, generator)
                for words, offered in zip(found, choices, strict=True)
            ]
            copy = (drawn[0], drawn[1]) if isinstance(text, tuple) else drawn[0]
            if _digest(copy) not in seen:
                break
        seen.add(_digest(copy))
        yield copy


def _drawn(
    words: Words,
    choices: Sequence[Sequence[str]],
    probability: float,
    generator: random.Random,
) -> str:
    parts, kept = [], 0
    for position, ((start, end), offered) in enumerate(zip(words.spans, choices, strict=True)):
        # In (0, 1]: a probability of 0 replaces no word, 1 every one.
        if 1.0 - generator.random() <= probability and offered:
            chosen = offered[int(generator.random() * len(offered))]
            parts += [words.text[kept:start], _like(words[position], chosen)]
            kept = end
    return "".join([*parts, words.text[kept:]])


def _like(word: str, other: str) -> str:
    """`other` with capitals where `word` has them: models and vectors often know none."""
    if len(word) > 1 and word.isupper():
        return other.upper()
    return other[:1].upper() + other[1:] if word[:1].isupper() else other


class _Tally:
    """Counts words of copies, and those that are replaced, from the rows as they are written."""

    def __init__(self, columns: Columns) -> None:
        self._names = (columns.text or "text", columns.pair or "text_pair")
        self.words = self.replaced = 0
        self._original: list[str] = []
        self._count = 0

    def add(self, line: bytes) -> None:
        row = json.loads(line)
        parts = [row.get(name, "") for name in self._names]
        # A candidate has no spaces, so what stands between spaces keeps its number.
        tokens = [token for part in parts for token in part.split()]
        if not row["augmented"]:
            self._original = tokens
            self._count = sum(len(find_words(part).spans) for part in parts)
            return
        self.words += self._count
        self.replaced += sum(old != new for old, new in zip(self._original, tokens, strict=True))

    def share(self) -> float:
        return self.replaced / self.words if self.words else 0.0


def _survey(source: Path, columns: Columns) -> tuple[int, str]:
    """Number of rows and a digest of them; whatever cannot be read shows before hours of work."""
    digest, rows = hashlib.sha256(), 0
    with tqdm(
        _examples(source, columns), "reading", unit=" rows", disable=None, leave=False
    ) as progress:
        for example in progress:
            digest.update(_row(example.text, example.labels, columns, augmented=False))
            rows += 1
    if not rows:
        raise InputError(f"{str(source)!r} has no rows")
    return rows, digest.hexdigest()


def _examples(source: Path, columns: Columns) -> Iterator[Example]:
    if not source.is_file():
        # A pipe could be read once only.
        raise InputError(f"{str(source)!r} cannot be read; expected a file of UTF-8 text")
    return stream_rows(source, columns)


def _row(text: Text, labels: tuple[str, ...], columns: Columns, *, augmented: bool) -> bytes:
    """Names that the caller gave stay, so that they find the columns here too."""
    names = (columns.text or "text", columns.pair or "text_pair")
    row: dict[str, Any] = dict(zip(names, _parts(text), strict=False))
    if labels:
        row[columns.label or "label"] = labels[0] if len(labels) == 1 else labels
    row["augmented"] = augmented
    try:
        return json.dumps(row, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        # A lone surrogate can only be written as an escape.
        return json.dumps(row).encode() + b"\n"


def _parts(text: Text) -> tuple[str, ...]:
    return text if isinstance(text, tuple) else (text,)


def _digest(text: Text) -> bytes:
    """Stands for a copy: many copies of a long text would fill the memory."""
    return hashlib.sha256(repr(text).encode("utf-8", "surrogatepass")).digest()
