"""What a tokenizer makes of texts: how often each id occurs, and what another one changes."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer

from edgebert_runtime.errors import ConversionError
from edgebert_runtime.tokenization import Text, library_errors, well_formed

_BATCH = 1000


@dataclass(frozen=True)
class Comparison:
    """The same texts through a tokenizer and through what is left of it, special tokens aside."""

    texts: int
    """A pair counts as two."""
    pieces_before: int
    pieces_after: int
    pieces_changed: float
    """Share of the pieces before that are not the same piece at the same place after."""
    unknown_before: int
    unknown_after: int


def normalized(content: bytes) -> dict[str, Any]:
    """A tokenizer.json as the library itself would write it.

    Raises:
        ConversionError: if it cannot be read.
    """
    with library_errors(_unusable):
        file: dict[str, Any] = json.loads(Tokenizer.from_buffer(content).to_str())
    return file


def counts(
    content: bytes, texts: Iterable[Text], unknown_path: Callable[[str], Collection[int]]
) -> Counter[int]:
    """How often each id occurs in the texts; those on the way to an unknown word count too."""
    tokenizer = _read(content)
    unknown = _unknown(content)
    result: Counter[int] = Counter()
    for batch in _batches(texts):
        for text, ids in zip(batch, _ids(tokenizer, batch), strict=True):
            result.update(ids)
            if unknown in ids:
                for word in _words(tokenizer, text, unknown):
                    result.update(unknown_path(word))
    return result


def compare(
    content: bytes, pruned: bytes, kept: Sequence[int], texts: Iterable[Text]
) -> Comparison:
    """What pruning changes in texts; `kept` has the old id of every new one."""
    tokenizers = _read(content), _read(pruned)
    unknown = _unknown(content)
    total = before = after = changed = unknown_before = unknown_after = 0
    for batch in _batches(texts):
        both = [_ids(each, batch) for each in tokenizers]
        for text, old, new in zip(batch, *both, strict=True):
            renamed = [kept[each] for each in new]
            total, before, after = total + 1, before + len(old), after + len(new)
            unknown_before += old.count(unknown)
            unknown_after += renamed.count(unknown)
            if old != renamed:
                changed += _changed(tokenizers, text, kept)
    share = changed / before if before else 0.0
    return Comparison(total, before, after, share, unknown_before, unknown_after)


def check_ids(content: bytes, pruned: bytes, new_ids: Mapping[int, int]) -> None:
    """The library numbers added tokens itself: what it reads must be what was written.

    Raises:
        ConversionError: if a kept token has another id than its new one.
    """
    before = _read(content).get_vocab(with_added_tokens=True)
    after = _read(pruned).get_vocab(with_added_tokens=True)
    expected = {name: new_ids[each] for name, each in before.items() if each in new_ids}
    if after != expected or sorted(set(after.values())) != list(range(len(new_ids))):
        raise ConversionError(
            "the tokenizer's ids have gaps or doubles, and it cannot be pruned; save it again "
            "with ids from 0 on, added tokens last"
        )


def _changed(tokenizers: tuple[Tokenizer, Tokenizer], text: str, kept: Sequence[int]) -> int:
    with library_errors(_unusable):
        old, new = (each.encode(text, add_special_tokens=False) for each in tokenizers)
    there = Counter(zip((kept[each] for each in new.ids), new.offsets, strict=True))
    return (Counter(zip(old.ids, old.offsets, strict=True)) - there).total()


def _batches(texts: Iterable[Text]) -> Iterator[list[str]]:
    single = (
        well_formed(part)
        for text in texts
        for part in (text if isinstance(text, tuple) else (text,))
    )
    while batch := list(itertools.islice(single, _BATCH)):
        yield batch


def _ids(tokenizer: Tokenizer, batch: list[str]) -> list[list[int]]:
    with library_errors(_unusable):
        return [each.ids for each in tokenizer.encode_batch_fast(batch, add_special_tokens=False)]


def _words(tokenizer: Tokenizer, text: str, unknown: int | None) -> Iterator[str]:
    """The words that are unknown, as the model sees them."""
    with library_errors(_unusable):
        encoding = tokenizer.encode(text, add_special_tokens=False)
    for each, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
        if each == unknown:
            word = text[start:end]
            yield word if tokenizer.normalizer is None else tokenizer.normalizer.normalize_str(word)


def _unknown(content: bytes) -> int | None:
    """Id of the unknown token, where the model has one."""
    model = normalized(content)["model"]
    if "unk_id" in model:
        unknown: int | None = model["unk_id"]
        return unknown
    found: int | None = model["vocab"].get(model.get("unk_token"))
    return found


def _read(content: bytes) -> Tokenizer:
    with library_errors(_unusable):
        tokenizer = Tokenizer.from_buffer(content)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _unusable(reason: str) -> ConversionError:
    return ConversionError(
        f"the tokenizer cannot be used ({reason}); save it again with its save_pretrained"
    )
