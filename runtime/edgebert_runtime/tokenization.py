"""Text → token ids, of the length they have: padding is the business of a backend."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import tokenizers

from edgebert_runtime.errors import EdgeBertError, InputError, ManifestError
from edgebert_runtime.special_tokens import Layout

Text = str | tuple[str, str]
"""One text, or a pair of texts."""

MAX_WINDOWS = 64
"""Windows of one text that are read at most; the rest of it is not looked at."""
_OVERLAP = 4
"""A window shares a share of one in so many of its tokens with the next."""
_MASKS = ("[MASK]", "<mask>")

_SURROGATE = re.compile("[\ud800-\udfff]")


Span = tuple[int, int]
"""Characters of a text: from the first to before the second."""


@dataclass(frozen=True)
class Part:
    """Where the tokens of one of the texts stand in an encoding."""

    tokens: range
    """Positions among the encoding's ids."""
    start: int
    """How many tokens of the text come before the first of these."""
    whole: range
    """Of these, those whose words are here in whole; all, where offsets were not asked for."""


@dataclass(frozen=True)
class Encoding:
    """Ids of one text or pair, or of a window of it, special tokens included."""

    ids: list[int]
    token_type_ids: list[int]
    truncated: bool
    """The text goes on beyond what is here, and nothing else reads it."""
    parts: tuple[Part, ...] = field(default=(), compare=False)
    """One for a text, two for a pair."""
    offsets: list[Span] = field(default_factory=list, compare=False)
    """Of each token in its own text, (0, 0) for special tokens; empty unless asked for."""
    words: list[int | None] = field(default_factory=list, compare=False)
    """Of each token the number of its word in its own text, None for special tokens; as offsets."""


@dataclass(frozen=True)
class _Tokens:
    """All tokens of one text, without special ones; the last two are empty unless asked for."""

    ids: list[int]
    offsets: list[Span]
    words: list[int | None]


class Tokenizer:
    """The bundle's tokenizer.json, cut at the model's limit and nowhere else."""

    def __init__(self, content: bytes, max_length: int) -> None:
        """Read a tokenizer.json.

        Truncation and padding that the file itself asks for are switched off: the limit is
        `max_length`, counted with special tokens; of a pair the longer text is cut first. Texts are
        cut at their end, or at their beginning where the file says so.

        Raises:
            ManifestError: if the content is not a tokenizer, or needs more special tokens than fit.
        """
        with library_errors(partial(_cannot_be, "read")):
            self._tokenizer = tokenizers.Tokenizer.from_buffer(content)
            truncation = self._tokenizer.truncation or {}
            self._cuts_beginning = truncation.get("direction") == "left"
            self._tokenizer.no_padding()
            self._tokenizer.no_truncation()
        with library_errors(partial(_cannot_be, "used")):
            self._layouts = (
                Layout.of(self._tokenizer.post_processor, pair=False),
                Layout.of(self._tokenizer.post_processor, pair=True),
            )
        self.max_length = max_length
        if self._layouts[1].special >= max_length:
            raise ManifestError(
                f"max_length: got {max_length}, expected more than the {self._layouts[1].special} "
                "special tokens of a pair; convert again with a longer length"
            )

    def encode(self, text: Text, *, offsets: bool = False) -> Encoding:
        """Ids of one text or pair. A lone surrogate counts as U+FFFD, as in any decoder.

        Raises:
            ManifestError: if the tokenizer has no token for it, not even an unknown one.
        """
        tokens = self._tokens(text, offsets)
        room = self._room(tokens)
        counts = [len(each.ids) for each in tokens]
        kept = counts if sum(counts) <= room else _longest_first(counts, room)
        return self._assembled(tokens, [(0, count) for count in kept], kept != counts)

    def windows(
        self, text: Text, *, moving: int | None = None, offsets: bool = False
    ) -> list[Encoding]:
        """One encoding where the text fits, else several that overlap by a quarter of their room.

        The first is what `encode` keeps of a single text. Of a pair one text moves through the
        windows, the longer one or the one numbered `moving`; the other stands in each of them, cut
        to half of the room if need be. Of more than MAX_WINDOWS the last that is given is
        `truncated`; where the standing text was cut, all are.

        Raises:
            ManifestError: as `encode`.
        """
        tokens = self._tokens(text, offsets)
        room = self._room(tokens)
        counts = [len(each.ids) for each in tokens]
        if moving is None or len(counts) == 1:
            moving = counts.index(max(counts))
        standing = sum(counts) - counts[moving]
        shown = min(standing, max(room // 2, room - counts[moving]))
        width = room - shown
        step = max(1, width - width // _OVERLAP)
        starts = range(0, max(1, counts[moving] - width + step), step)
        encodings = []
        for start in starts[:MAX_WINDOWS]:
            spans = [(0, shown)] * len(counts)
            spans[moving] = (start, min(start + width, counts[moving]))
            last = len(starts) > MAX_WINDOWS and start == starts[MAX_WINDOWS - 1]
            encodings.append(self._assembled(tokens, spans, last or shown < standing))
        return encodings

    def count(self, text: Text) -> int:
        """Tokens of the whole text or pair, special tokens included.

        Raises:
            ManifestError: as `encode`.
        """
        tokens = self._tokens(text, offsets=False)
        return sum(len(each.ids) for each in tokens) + self._layouts[len(tokens) - 1].special

    def decoded(self, token: int) -> str:
        """The text of one token.

        Raises:
            ManifestError: if the tokenizer cannot say it.
        """
        with library_errors(partial(_cannot_be, "used")):
            return str(self._tokenizer.decode([token], skip_special_tokens=False))

    @property
    def mask(self) -> int | None:
        """The id of the token that stands for a word left out, if there is one."""
        name = self.mask_text
        return None if name is None else self._tokenizer.token_to_id(name)

    @property
    def mask_text(self) -> str | None:
        """How that token is written in a text."""
        known = (name for name in _MASKS if self._tokenizer.token_to_id(name) is not None)
        return next(known, None)

    def _tokens(self, text: Text, offsets: bool) -> list[_Tokens]:
        with library_errors(partial(_cannot_be, "used")):
            found = [
                self._tokenizer.encode(well_formed(part), add_special_tokens=False)
                for part in (text if isinstance(text, tuple) else (text,))
            ]
        # Each of the library's lists is made anew whenever it is asked for.
        return [
            _Tokens(each.ids, each.offsets, each.word_ids) if offsets else _Tokens(each.ids, [], [])
            for each in found
        ]

    def _room(self, tokens: list[_Tokens]) -> int:
        return self.max_length - self._layouts[len(tokens) - 1].special

    def _assembled(self, tokens: list[_Tokens], spans: list[Span], truncated: bool) -> Encoding:
        layout = self._layouts[len(tokens) - 1]
        ids, types = list(layout.ids[0]), list(layout.types[0])
        offsets: list[Span] = [(0, 0)] * len(ids)
        words: list[int | None] = [None] * len(ids)
        parts = []
        for index, (each, (start, end)) in enumerate(zip(tokens, spans, strict=True)):
            if self._cuts_beginning:
                start, end = len(each.ids) - end, len(each.ids) - start
            first, last = _whole_words(each.words, start, end)
            place = len(ids) - start
            parts.append(
                Part(range(len(ids), place + end), start, range(place + first, place + last))
            )
            behind = layout.ids[index + 1]
            ids += [*each.ids[start:end], *behind]
            types += [layout.text_types[index]] * (end - start) + layout.types[index + 1]
            offsets += [*each.offsets[start:end], *[(0, 0)] * len(behind)]
            words += [*each.words[start:end], *[None] * len(behind)]
        if len(offsets) < len(ids):
            return Encoding(ids, types, truncated, tuple(parts))
        return Encoding(ids, types, truncated, tuple(parts), offsets, words)


def _whole_words(words: list[int | None], start: int, end: int) -> Span:
    """The tokens from `start` to before `end` without those of words that go on outside.

    A window inside one long word keeps all of its tokens.
    """
    if not words:
        return start, end
    first, last = start, end
    while 0 < first < last and words[first - 1] == words[first]:
        first += 1
    while first < last < len(words) and words[last - 1] == words[last]:
        last -= 1
    return (first, last) if first < last else (start, end)


def _longest_first(counts: list[int], room: int) -> list[int]:
    """How many tokens of each text stay; of a pair the longer is cut first, as the library cuts."""
    if len(counts) == 1:
        return [room]
    shorter, longer = sorted(counts)
    longer = max(shorter, room - shorter)
    if shorter + longer > room:
        shorter, longer = room // 2, room - room // 2
    return [shorter, longer] if counts[0] <= counts[1] else [longer, shorter]


def well_formed(text: str) -> str:
    """The text as the library takes it: U+FFFD in place of each lone surrogate."""
    return _SURROGATE.sub("\ufffd", text)


@contextlib.contextmanager
def library_errors(explain: Callable[[str], EdgeBertError]) -> Iterator[None]:
    """The library's exceptions as one line of ours; a panic in its Rust part is no Exception.

    `explain` makes the error of the library's reason.
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:
        raise explain(" ".join(str(error).split())[:300]) from None


def _cannot_be(verb: str, reason: str) -> ManifestError:
    return ManifestError(
        f"the bundle's tokenizer cannot be {verb} ({reason}); copy the bundle anew or convert again"
    )


def as_text(text: object, place: str) -> Text:
    """Check what a caller gave as a text or pair; `place` is its name in messages.

    Raises:
        InputError: with the place and the type of what is neither.
    """
    if isinstance(text, str):
        return text
    if isinstance(text, tuple) and [isinstance(part, str) for part in text] == [True, True]:
        return text[0], text[1]
    raise InputError(
        f"{place}: got {_kind(text)}, expected a str, a (str, str) pair, or a list of these"
    )


def numbered() -> Iterator[str]:
    """Names of the texts of a list, for messages."""
    return (f"texts[{index}]" for index in itertools.count())


def _kind(value: object) -> str:
    """The type of what is not a text; of a short tuple the types in it too."""
    if isinstance(value, tuple) and len(value) <= 4:
        return f"({', '.join(type(part).__name__ for part in value)})"
    return type(value).__name__
