"""The checkpoints by name: how each is taught, and the held-out rows that it is tried on."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import resources
import transformers

from task_models import chinese, chinese_questions, english, learning, questions
from task_models.rows import Questions, Texts, Tokens
from task_models.spans import Span
from task_models.training import Schedule

Rows = Tokens | Texts | Questions


@dataclass(frozen=True)
class Checkpoint:
    """One kind of task with its data."""

    title: str
    make: Callable[[Path], dict[str, float]]
    """Teaches it and fills a folder; returns what the training took."""
    held_out: Callable[[], Rows]
    after: str | None = None
    """The checkpoint that it starts from, which is in the folder beside."""


@dataclass(frozen=True)
class Shape:
    """Of a BERT with random weights, and how long it learns from how many sentences."""

    layers: int
    hidden: int
    sentences: int
    schedule: Schedule


SMALL = Shape(2, 64, 12_000, Schedule(steps=400, batch_size=32, learning_rate=5e-3))
"""A quarter of a minute, for tests."""
FULL = Shape(2, 128, 45_000, Schedule(steps=4000, batch_size=32, learning_rate=3e-3))


def chinese_words(folder: Path, shape: Shape = FULL) -> dict[str, float]:
    """A tagger of Chinese words in BIOES, from random weights."""
    tokenizer = chinese.tokenizer()
    start = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.hidden // 32,
        intermediate_size=4 * shape.hidden,
        max_position_embeddings=learning.LONGEST,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.05,
    )
    rows = _drawn(chinese.train_lines(), shape.sentences)
    model, examples = learning.tokens(start, tokenizer, rows, scheme="bioes")
    learning.place_waves(model, start.initializer_range)
    return learning.teach(model, examples, shape.schedule, folder, tokenizer)


def chinese_reviews(folder: Path) -> dict[str, float]:
    """A classifier of reviews that starts from the tagger's encoder."""
    start, tokenizer = folder.parent / "chinese-words", chinese.tokenizer()
    model, examples = learning.texts(start, tokenizer, chinese.train_reviews())
    return learning.teach(model, examples, Schedule(1000, 32, 1e-3), folder, tokenizer)


def english_kinds(folder: Path) -> dict[str, float]:
    """A tagger of parts of speech with plain labels, from a pretrained encoder."""
    rows = [(text, words) for text, words, _ in _drawn(english.train_sentences(), 10_000)]
    return _english(rows, "plain", folder, steps=150)


def english_names(folder: Path) -> dict[str, float]:
    """A finder of names and numbers in BIO, from a pretrained encoder."""
    rows = [(text, entities) for text, _, entities in _drawn(english.train_sentences(), 10_000)]
    return _english(rows, "bio", folder, steps=500)


def chinese_answers(
    folder: Path, *, steps: int = 600, learning_rate: float = 1e-3
) -> dict[str, float]:
    """A reader of sentences that starts from the tagger's encoder."""
    start, tokenizer = folder.parent / "chinese-words", chinese.tokenizer()
    rows = chinese_questions.questions(chinese.train_lines())
    model, examples = learning.questions(start, tokenizer, rows)
    return learning.teach(model, examples, Schedule(steps, 32, learning_rate), folder, tokenizer)


def answers(folder: Path) -> dict[str, float]:
    """A reader of dictionary pages, from a pretrained encoder."""
    tokenizer = learning.tokenizer_of(resources.minilm())
    rows = questions.train_questions(8000)
    model, examples = learning.questions(resources.minilm(), tokenizer, rows)
    model.base_model.embeddings.word_embeddings.requires_grad_(False)
    return learning.teach(model, examples, Schedule(400, 16, 2e-4), folder, tokenizer)


CHECKPOINTS = {
    "chinese-words": Checkpoint(
        "Chinese words and their 44 parts of speech, BIOES",
        chinese_words,
        lambda: _tokens(chinese.held_out_lines()[:1000], "bioes", "simple"),
    ),
    "chinese-reviews": Checkpoint(
        "Chinese reviews, two labels",
        chinese_reviews,
        lambda: Texts(*zip(*chinese.held_out_reviews(), strict=True)),
        after="chinese-words",
    ),
    "chinese-answers": Checkpoint(
        "Chinese questions (who, when, where, how many), some without answer",
        chinese_answers,
        lambda: Questions(chinese_questions.questions(chinese.held_out_lines())[:1000]),
        after="chinese-words",
    ),
    "english-kinds": Checkpoint(
        "English parts of speech, 12 plain labels",
        english_kinds,
        lambda: _tokens(
            [(text, words) for text, words, _ in english.held_out_sentences()], "plain", "first"
        ),
    ),
    "english-names": Checkpoint(
        "English names and numbers, BIO",
        english_names,
        lambda: _tokens(
            [(text, entities) for text, _, entities in english.held_out_sentences()],
            "bio",
            "average",
        ),
    ),
    "answers": Checkpoint(
        "Questions about a page of a dictionary, a quarter without answer",
        answers,
        lambda: Questions(questions.held_out_questions(1000)),
    ),
}


def _english(
    rows: Sequence[tuple[str, list[Span]]], scheme: str, folder: Path, *, steps: int
) -> dict[str, float]:
    tokenizer = learning.tokenizer_of(resources.minilm())
    model, examples = learning.tokens(resources.minilm_3l(), tokenizer, rows, scheme=scheme)
    model.base_model.embeddings.word_embeddings.requires_grad_(False)
    return learning.teach(model, examples, Schedule(steps, 32, 5e-4), folder, tokenizer)


def _tokens(rows: Sequence[tuple[str, Sequence[Span]]], scheme: str, aggregation: str) -> Tokens:
    return Tokens([text for text, _ in rows], [spans for _, spans in rows], scheme, aggregation)


def _drawn(rows: Sequence[Any], count: int) -> list[Any]:
    return random.Random(0).sample(list(rows), min(count, len(rows)))
