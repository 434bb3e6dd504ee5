"""Where a tokenizer puts its special tokens, found out by asking its post-processor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tokenizers
from tokenizers.models import WordLevel

from edgebert_runtime.errors import ManifestError


@dataclass(frozen=True)
class Layout:
    """Special tokens before, between and behind texts, as ids, with the token types of all."""

    ids: list[list[int]]
    """Before the first text and behind each."""
    types: list[list[int]]
    """Of `ids`."""
    text_types: list[int]
    """Of the tokens of each text."""

    @property
    def special(self) -> int:
        """How many special tokens there are."""
        return sum(map(len, self.ids))

    @classmethod
    def of(cls, processor: Any, *, pair: bool) -> Layout:
        """The layout of the post-processor of a tokenizers.Tokenizer, or of None.

        Raises:
            ManifestError: if it puts the texts elsewhere than once each, first before second.
        """
        # A vocabulary of one word gives exactly one token a text; the special ones are the
        # post-processor's own.
        probe = tokenizers.Tokenizer(WordLevel({"word": 0}, unk_token="word"))
        if processor is not None:
            probe.post_processor = processor
        encoding = probe.encode("word", "word" if pair else None)
        count = 2 if pair else 1
        special = encoding.special_tokens_mask
        bounds = [position for position, each in enumerate(special) if not each]
        if [encoding.sequence_ids[bound] for bound in bounds] != list(range(count)):
            raise ManifestError(
                f"the bundle's tokenizer puts {len(bounds)} texts in the place of {count}, or in "
                "another order; expected each once and the first before the second"
            )
        starts, ends = [0, *(bound + 1 for bound in bounds)], [*bounds, len(encoding.ids)]
        cuts = list(zip(starts, ends, strict=True))
        return cls(
            [encoding.ids[start:end] for start, end in cuts],
            [encoding.type_ids[start:end] for start, end in cuts],
            [encoding.type_ids[bound] for bound in bounds],
        )
