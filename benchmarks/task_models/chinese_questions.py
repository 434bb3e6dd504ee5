"""Questions about Chinese sentences: when, where, who, how many; from the words' own tags."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from task_models.chinese import LONGEST, Line
from task_models.questions import Question
from task_models.spans import joined

ASKED = {"t": "什么时间？", "ns": "什么地方？", "nr": "什么人？", "m": "多少？"}
"""A tag of the newspaper's, and what is asked for the words that have it."""
_LONGEST = LONGEST - 1 - max(map(len, ASKED.values()))
"""Characters of a sentence: there is one [SEP] more."""
_UNANSWERABLE = 0.25
"""Share of questions about sentences that have no such word."""


def questions(lines: Sequence[Line]) -> list[Question]:
    """A question for each sentence that has an only answer to one, and some that have none.

    Sentences that would not fit in the model beside their question are left out.
    """
    draw = random.Random(0)
    short = [line for line in lines if len(line[0]) <= _LONGEST]
    return [question for line in short for question in _of(line, draw)]


def _of(line: Line, draw: random.Random) -> Iterator[Question]:
    text, spans = line
    runs = joined(spans, text)
    kinds = list(ASKED)
    draw.shuffle(kinds)
    without = draw.random() < _UNANSWERABLE
    for kind in kinds:
        answers = [run for run in runs if run.label == kind]
        if without and not answers:
            yield Question(ASKED[kind], text, None)
            return
        if not without and len(answers) == 1:
            yield Question(ASKED[kind], text, (answers[0].start, answers[0].end))
            return
