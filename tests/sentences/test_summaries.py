"""Summaries by the public encoder, of texts of which it is plain what they should hold."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import articles
import numpy as np
import pytest

import edgebert
from edgebert_runtime.sentences import split_sentences
from edgebert_runtime.similarity import search, similarity
from edgebert_runtime.summary import DUPLICATE, MOST_SENTENCES, Summary, centrality, summarize


def topics(summary: Summary, among: tuple[tuple[str, ...], ...] = articles.TOPICS) -> list[int]:
    """Which topic each chosen sentence is of."""
    return [
        next(number for number, topic in enumerate(among) if sentence.text in topic)
        for sentence in summary.sentences
    ]


def test_a_sentence_of_each_topic(encoder: edgebert.Model) -> None:
    summary = summarize(encoder, articles.ENGLISH)
    assert topics(summary) == [0, 1, 2]
    assert summary.text == " ".join(each.text for each in summary.sentences)
    assert not summary.truncated
    assert summary.not_compared == 0


def test_topics_in_any_order(encoder: edgebert.Model) -> None:
    shuffled = [topic[place] for place in range(4) for topic in reversed(articles.TOPICS)]
    summary = summarize(encoder, " ".join(shuffled))
    assert sorted(topics(summary)) == [0, 1, 2]
    starts = [each.start for each in summary.sentences]
    assert starts == sorted(starts)


def test_chinese_too(encoder: edgebert.Model) -> None:
    summary = summarize(encoder, articles.CHINESE, language="zh")
    assert topics(summary, articles.CHINESE_TOPICS) == [0, 1, 2]
    # Without spaces, as the text has none.
    assert summary.text == "".join(each.text for each in summary.sentences)


def test_nothing_is_lost(encoder: edgebert.Model) -> None:
    summary = summarize(encoder, articles.ENGLISH, sentences=5)
    assert len(summary.sentences) == 5
    assert len(summary.left_out) == 7
    together = sorted([*summary.sentences, *summary.left_out], key=lambda each: each.start)
    assert [(each.text, each.start, each.end) for each in together] == [
        (each.text, each.start, each.end) for each in split_sentences(articles.ENGLISH)
    ]
    assert max(each.score for each in together) == 1
    assert min(each.score for each in together) > 0


@pytest.mark.parametrize(
    "again",
    [
        "The museum opens at nine in the morning.",
        "The museum opens at nine in the morning!",
        "The museum opens at nine in the mornings.",
        "The museum opens its doors at 9 a.m. each day.",
    ],
)
def test_near_duplicates_are_not_both_chosen(encoder: edgebert.Model, again: str) -> None:
    text = f"The museum opens at nine in the morning. {again} Tickets cost ten euros. Dogs wait."
    summary = summarize(encoder, text)
    assert [each.text.split()[0] for each in summary.sentences] == ["The", "Tickets", "Dogs"]


def test_what_says_the_same_is_never_added(encoder: edgebert.Model) -> None:
    text = "It opens at nine. Dogs wait outside. " * 5
    summary = summarize(encoder, text, sentences=10)
    assert summary.text == "It opens at nine. Dogs wait outside."
    vectors = encoder.embed([each.text for each in summary.sentences])
    assert similarity(vectors, vectors)[0, 1] < DUPLICATE


def test_of_equal_sentences_the_first(encoder: edgebert.Model) -> None:
    text = "Rain is expected. " * 40
    summary = summarize(encoder, text)
    assert [(each.start, each.end) for each in summary.sentences] == [(0, 17)]
    assert len(summary.left_out) == 39


def test_a_limit_of_characters(encoder: edgebert.Model) -> None:
    whole = summarize(encoder, articles.ENGLISH, characters=10_000)
    assert len(whole.sentences) == 12
    assert whole.text == " ".join(articles.ENGLISH.split())
    assert summarize(encoder, articles.ENGLISH, characters=len(whole.text)) == whole
    for limit in (len(whole.text) - 1, 300, 150, 60, 45):
        summary = summarize(encoder, articles.ENGLISH, characters=limit)
        assert 0 < len(summary.text) <= limit
        # Nothing that is left out would have fitted.
        shortest = min(len(each.text) for each in summary.left_out)
        assert len(summary.text) + 1 + shortest > limit
    assert summarize(encoder, articles.ENGLISH, characters=40).sentences == ()


def test_both_limits(encoder: edgebert.Model) -> None:
    summary = summarize(encoder, articles.ENGLISH, sentences=2, characters=10_000)
    assert len(summary.sentences) == 2
    assert (
        summarize(encoder, articles.ENGLISH, sentences=2, characters=41).text == articles.BREAD[3]
    )


@pytest.mark.parametrize("text", ["", " \n\n ", "\u3000"])
def test_an_empty_text(encoder: edgebert.Model, text: str) -> None:
    assert summarize(encoder, text) == Summary("", (), (), 0, False)


@pytest.mark.parametrize("text", ["a", "\0", "😀", "\ud800", "...", "\u200b"])
def test_one_sentence(encoder: edgebert.Model, text: str) -> None:
    summary = summarize(encoder, text)
    assert summary.text == text
    assert summary.sentences[0].score == 1


def test_a_sentence_longer_than_the_model_is_told(encoder: edgebert.Model) -> None:
    assert summarize(encoder, "字" * 1900).truncated


def test_a_long_text_is_compared_in_part(encoder: edgebert.Model) -> None:
    text = " ".join(f"Number {number} is here." for number in range(2 * MOST_SENTENCES + 500))
    summary = summarize(encoder, text, sentences=1)
    compared = sorted([*summary.sentences, *summary.left_out], key=lambda each: each.start)
    assert len(compared) == MOST_SENTENCES
    assert summary.not_compared == MOST_SENTENCES + 500
    numbers = [int(each.text.split()[1]) for each in compared]
    assert numbers[:5] == [0, 2, 5, 7, 10]
    assert numbers[-1] == 2497


def test_twice_the_same(encoder: edgebert.Model) -> None:
    assert summarize(encoder, articles.ENGLISH) == summarize(encoder, articles.ENGLISH)


def test_a_summary_is_frozen(encoder: edgebert.Model) -> None:
    summary = summarize(encoder, "One.")
    with pytest.raises(dataclasses.FrozenInstanceError):
        summary.text = ""  # type: ignore[misc]


@pytest.mark.parametrize("name", ["sentences", "characters"])
@pytest.mark.parametrize("limit", [0, -1, True, 2.0, "3"])
def test_limits_are_whole_numbers(encoder: edgebert.Model, name: str, limit: Any) -> None:
    with pytest.raises(edgebert.InputError, match=f"{name}: got .*, expected a whole number"):
        summarize(encoder, "One.", **{name: limit})


def test_a_classifier_is_refused(classifier_bundle: Path) -> None:
    with (
        edgebert.load(classifier_bundle, backend="onnx", threads=1) as classifier,
        pytest.raises(edgebert.InputError, match="need a bundle of embeddings"),
    ):
        summarize(classifier, "")


def test_centrality_is_where_the_walk_ends_up() -> None:
    """The paper's equation solved, in place of its iteration."""
    vectors = np.random.default_rng(0).standard_normal((30, 4), dtype=np.float32)
    cosines = similarity(vectors, vectors)
    weights = np.maximum(cosines.astype(np.float64), 0)
    steps = weights / weights.sum(axis=1, keepdims=True)
    solved = np.linalg.solve(np.eye(30) - 0.85 * steps.T, np.full(30, 0.15 / 30))
    assert solved.sum() == pytest.approx(1)
    assert centrality(cosines) == pytest.approx(solved / solved.max(), abs=2e-6)


def test_centrality_of_what_is_like_nothing() -> None:
    assert centrality(np.zeros((4, 4), dtype=np.float32)).tolist() == [1, 1, 1, 1]
    assert centrality(np.zeros((0, 0), dtype=np.float32)).tolist() == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("How many people will ride the trams?", articles.TRAM[2]),
        ("What is the price of a loaf?", articles.BREAD[3]),
        ("They discovered a world orbiting a dim crimson sun.", articles.PLANET[0]),
        ("Retailers are worried about the construction work.", articles.TRAM[3]),
    ],
)
def test_a_paraphrase_is_found(encoder: edgebert.Model, query: str, expected: str) -> None:
    texts = [sentence for topic in articles.TOPICS for sentence in topic]
    indices, scores = search(encoder.embed(query), encoder.embed(texts), top_k=3)
    assert texts[indices[0, 0]] == expected
    assert scores[0, 0] > scores[0, 2] + 0.05
