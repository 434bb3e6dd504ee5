"""What may stand where a text has a mask: how a masked language model is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgebert_runtime.softmax import softmax
from edgebert_runtime.tasks.reading import Outputs, Reading, Request, places


@dataclass(frozen=True)
class Mask:
    """One mask of the text, and the likeliest tokens for it."""

    start: int
    """Characters of the text."""
    end: int
    top: tuple[tuple[str, float], ...]
    """The `top_k` likeliest tokens with their probabilities, likeliest first."""


@dataclass(frozen=True)
class FilledMask:
    """The text with the likeliest token in each mask, and what else was likely."""

    text: str
    masks: tuple[Mask, ...]
    truncated: bool
    """A part of the text was not looked at."""
    windows: int
    """How many overlapping parts the text was read in."""


def interpret(reading: Reading, outputs: Sequence[Outputs], request: Request) -> FilledMask:
    """Logits [tokens, vocabulary] of each window → tokens for each mask.

    Windows are asked for one after another, so that they need not be held together.
    """
    text = reading.text
    assert isinstance(text, str)
    mask_token = request.tokenizer.mask
    masks = []
    for place in places(reading):
        if reading.encodings[place.window].ids[place.position] != mask_token:
            continue
        scores = softmax(outputs[place.window][place.position], axis=0)
        order = np.argsort(-scores, kind="stable")[: request.top_k].tolist()
        top = tuple(
            (request.tokenizer.decoded(token).strip(), float(scores[token])) for token in order
        )
        masks.append(Mask(*place.span, top))
    filled, end = "", 0
    for mask in masks:
        filled += text[end : mask.start] + mask.top[0][0]
        end = mask.end
    return FilledMask(filled + text[end:], tuple(masks), reading.truncated, reading.windows)
