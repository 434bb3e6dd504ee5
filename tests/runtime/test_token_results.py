"""Token tasks, from logits to entities, answers and words, against examples worked by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import students

from edgebert_runtime import Answer, FilledMask, InputError, TokenClassification
from edgebert_runtime.tasks import TOKEN_INTERPRETERS
from edgebert_runtime.tasks.reading import Outputs, Reader, Request
from edgebert_runtime.tokenization import Text, Tokenizer

SURE = 20.0
"""A logit beside zeros whose probability is 1 to eight digits."""


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """WordPiece over single characters and our sentences' words."""
    return Tokenizer(students.tokenizer("bert")._tokenizer.to_str().encode(), 64)


def labelled(
    tokenizer: Tokenizer, text: str, labels: tuple[str, ...], logits: list[list[float]], how: str
) -> TokenClassification:
    """The result for logits of the text's tokens; special tokens get the last label."""
    reading = Reader(tokenizer, "token-classification", None).read(text, "text")
    special = [0.0] * (len(labels) - 1) + [SURE]
    rows = np.array([special, *logits, special], dtype=np.float32)
    assert len(rows) == len(reading.encodings[0].ids)
    request = Request(labels, tokenizer, aggregation=how)
    result = TOKEN_INTERPRETERS["token-classification"](reading, [rows], request)
    assert isinstance(result, TokenClassification)
    return result


def entities(
    tokenizer: Tokenizer, text: str, labels: tuple[str, ...], given: list[str], how: str = "simple"
) -> list[tuple[str, str]]:
    """Labels and texts of what is found where the tokens surely have the labels given."""
    logits = [[SURE * (label == each) for label in labels] for each in given]
    result = labelled(tokenizer, text, labels, logits, how)
    assert all(text[each.start : each.end] == each.text for each in result.entities)
    assert all(each.score == pytest.approx(1.0, abs=1e-6) for each in result.entities)
    return [(each.label, each.text) for each in result.entities]


BIO = ("O", "B-X", "I-X", "B-Y", "I-Y")
BIOES = ("O", "B-X", "I-X", "E-X", "S-X", "S-Y")


@pytest.mark.parametrize(
    ("labels", "given", "expected"),
    [
        (BIO, ["B-X", "I-X", "O", "B-Y"], [("X", "a b"), ("Y", "d")]),
        # B begins anew beside its like; I of another kind does too; I may begin.
        (BIO, ["B-X", "B-X", "I-X", "I-Y"], [("X", "a"), ("X", "b c"), ("Y", "d")]),
        (BIO, ["I-X", "O", "I-X", "I-X"], [("X", "a"), ("X", "c d")]),
        (BIO, ["O", "O", "O", "O"], []),
        # E ends and S stands alone, whatever follows.
        (BIOES, ["B-X", "I-X", "E-X", "I-X"], [("X", "a b c"), ("X", "d")]),
        (BIOES, ["S-X", "S-X", "B-X", "E-X"], [("X", "a"), ("X", "b"), ("X", "c d")]),
        (BIOES, ["S-X", "I-X", "S-Y", "O"], [("X", "a"), ("X", "b"), ("Y", "c")]),
        # What only looks like a prefix is none; of one prefix, I- is.
        (("O", "E-mail", "S-Bahn", "I-95"), ["E-mail", "E-mail", "S-Bahn", "I-95"], "plain"),
        (("O", "I-X", "I-Y"), ["I-X", "I-X", "O", "I-Y"], [("X", "a b"), ("Y", "d")]),
        # Plain labels join with their like.
        (("noun", "verb", "B"), ["noun", "noun", "verb", "B"], None),
    ],
)
def test_schemes(
    tokenizer: Tokenizer,
    labels: tuple[str, ...],
    given: list[str],
    expected: list[tuple[str, str]] | str | None,
) -> None:
    kinds = ("noun", "verb", "B") if expected is None else ("E-mail", "S-Bahn", "I-95")
    plain = list(zip(kinds, ("a b", "c", "d"), strict=True))
    wanted = expected if isinstance(expected, list) else plain
    assert entities(tokenizer, "a b c d", labels, given) == wanted


def test_no_aggregation_gives_every_token_its_whole_label(tokenizer: Tokenizer) -> None:
    given = ["B-X", "I-X", "O", "B-Y"]
    assert entities(tokenizer, "a b c d", BIO, given, "none") == [
        ("B-X", "a"),
        ("I-X", "b"),
        ("B-Y", "d"),
    ]


def test_words_of_several_tokens(tokenizer: Tokenizer) -> None:
    """One word of three tokens, one of one; the tokens disagree about the first."""
    text = "zqx a"
    labels = ("P", "Q", "O")
    logits = [[math.log(6), math.log(3), 0.0], [0.0, math.log(8), 0.0], [0.0, math.log(2), 0.0]]
    rows = [*logits, [0.0, 0.0, SURE]]
    # Probabilities of P: .6, .1, .25; of Q: .3, .8, .5.
    found = {
        how: [
            (each.label, each.text, round(each.score, 6))
            for each in labelled(tokenizer, text, labels, rows, how).entities
        ]
        for how in ("simple", "first", "average", "max")
    }
    assert found == {
        "simple": [("P", "z", 0.6), ("Q", "qx", 0.65)],
        "first": [("P", "zqx", 0.6)],
        "average": [("Q", "zqx", round(1.6 / 3, 6))],
        "max": [("Q", "zqx", 0.8)],
    }


def test_offsets_are_of_the_text_as_given(tokenizer: Tokenizer) -> None:
    text = " 今天\tÉ  😀"
    given = ["B-X", "I-X", "B-Y", "B-Y"]
    assert entities(tokenizer, text, BIO, given) == [("X", "今天"), ("Y", "É"), ("Y", "😀")]


def test_a_text_without_tokens_has_no_entities(tokenizer: Tokenizer) -> None:
    assert labelled(tokenizer, " ", BIO, [], "average").entities == ()


def answered(
    tokenizer: Tokenizer,
    text: Text,
    starts: list[float],
    ends: list[float],
    **wanted: object,
) -> Answer:
    """The result for logits of the first token and the context's; all others are likelier."""
    reading = Reader(tokenizer, "question-answering", None).read(text, "text")
    (encoding,) = reading.encodings
    rows = np.full((len(encoding.ids), 2), 1000.0, dtype=np.float32)
    rows[[0, *encoding.parts[1].tokens]] = np.stack([starts, ends], axis=1)
    request = Request((), tokenizer, **wanted)  # type: ignore[arg-type]
    result = TOKEN_INTERPRETERS["question-answering"](reading, [rows], request)
    assert isinstance(result, Answer)
    return result


def test_the_best_span_is_of_the_context_alone(tokenizer: Tokenizer) -> None:
    # Probabilities of the start: none 1/8, a 1/8, b 4/8, c 2/8; of the end: 1/8, 1/8, 2/8, 4/8.
    log2, log4 = math.log(2), math.log(4)
    answer = answered(tokenizer, ("d e", "a b c"), [0, 0, log4, log2], [0, 0, log2, log4])
    assert (answer.text, answer.start, answer.end) == ("b c", 2, 5)
    assert answer.score == pytest.approx(1 / 4)
    assert answer.no_answer_score == pytest.approx(1 / 64)
    assert (answer.truncated, answer.windows) == (False, 1)
    best = answered(tokenizer, ("d e", "a b c"), [0, 0, log4, log2], [0, 0, log2, log4], top_k=3)
    assert [each.text for each in best.top] == ["b c", "b", "c"]
    assert [each.score for each in best.top] == pytest.approx([1 / 4, 1 / 8, 1 / 8])


def test_an_end_before_the_start_is_no_answer(tokenizer: Tokenizer) -> None:
    answer = answered(tokenizer, ("d", "a b c"), [0, 0, 0, 5], [0, 5, 0, 0])
    assert answer.text in ("c", "a")
    assert answer.start < answer.end


@pytest.mark.parametrize(("asked", "text"), [(False, "b"), (True, "")])
def test_no_answer_where_that_is_likelier(tokenizer: Tokenizer, asked: bool, text: str) -> None:
    answer = answered(tokenizer, ("d", "a b c"), [3, 0, 1, 0], [3, 0, 1, 0], no_answer=asked)
    assert answer.text == text
    assert answer.no_answer_score > answer.top[0].score
    if asked:
        assert (answer.start, answer.end, answer.score) == (0, 0, answer.no_answer_score)


def test_answers_are_of_whole_words(tokenizer: Tokenizer) -> None:
    # "zqx" has three tokens; the model points at the middle one.
    answer = answered(tokenizer, ("d", "a zqx c"), [0, 0, 0, 9, 0, 0], [0, 0, 0, 9, 0, 0], top_k=5)
    assert answer.text == "zqx"
    assert len({(each.start, each.end) for each in answer.top}) == len(answer.top)


def test_chinese_answers_are_cut_between_characters(tokenizer: Tokenizer) -> None:
    answer = answered(
        tokenizer, ("谁", "今天天气很好"), [0, 0, 0, 9, 0, 0, 0], [0, 0, 0, 0, 9, 0, 0]
    )
    assert (answer.text, answer.start, answer.end) == ("天气", 2, 4)


def test_full_width_numbers_are_whole_words(tokenizer: Tokenizer) -> None:
    content = json.loads(students.tokenizer("bert")._tokenizer.to_str())
    content["model"]["vocab"] |= {"３": 400, "##９": 401}
    wider = Tokenizer(json.dumps(content).encode(), 64)
    answer = answered(wider, ("几", "有３９个"), [0, 0, 9, 0, 0], [0, 0, 9, 0, 0])
    assert (answer.text, answer.start, answer.end) == ("３９", 1, 3)


def test_a_word_that_the_edge_of_a_window_cuts_is_no_answer(tokenizer: Tokenizer) -> None:
    """Words of five tokens each; whatever the logits, spans begin and end with words."""
    context = " ".join(f"zq{letter}xj" for letter in "bcdfghklmnprstvw" * 2)
    reading = Reader(tokenizer, "question-answering", None).read(("why", context), "text")
    assert reading.windows > 2
    generator = np.random.default_rng(0)
    for _ in range(20):
        outputs: list[Outputs] = [
            generator.normal(size=(len(each.ids), 2)).astype(np.float32)
            for each in reading.encodings
        ]
        request = Request((), tokenizer, top_k=5)
        result = TOKEN_INTERPRETERS["question-answering"](reading, outputs, request)
        assert isinstance(result, Answer)
        assert len(result.top) == 5
        assert all(set(each.text.split()) <= set(context.split()) for each in result.top)


def test_nothing_is_said_of_a_word_that_is_cut(tokenizer: Tokenizer) -> None:
    text = "zqbxj " * 20
    reading = Reader(tokenizer, "token-classification", None).read(text, "text")
    assert reading.truncated
    rows = np.zeros((64, 2), dtype=np.float32)
    rows[:, 0] = SURE
    request = Request(("X", "O"), tokenizer, aggregation="first")
    result = TOKEN_INTERPRETERS["token-classification"](reading, [rows], request)
    assert isinstance(result, TokenClassification)
    # Room for 62 tokens: twelve words of five.
    assert [each.text for each in result.entities] == [" ".join(["zqbxj"] * 12)]


@pytest.mark.parametrize("question", ["a " * 30, "a " * 61, "a " * 500])
def test_a_long_question_and_no_context(tokenizer: Tokenizer, question: str) -> None:
    reading = Reader(tokenizer, "question-answering", None).read((question, " "), "text")
    assert reading.windows == 1
    assert reading.truncated == (len(question) > 122)


def test_an_empty_context_has_no_answer(tokenizer: Tokenizer) -> None:
    answer = answered(tokenizer, ("d", ""), [0], [0])
    assert (answer.text, answer.top, answer.no_answer_score) == ("", (), 1.0)


def test_the_best_of_all_windows(tokenizer: Tokenizer) -> None:
    context = " ".join("abcdefghij"[index % 10] for index in range(100))
    reading = Reader(tokenizer, "question-answering", None).read(("why", context), "text")
    assert reading.windows > 1
    outputs: list[Outputs] = []
    for window, encoding in enumerate(reading.encodings):
        rows = np.zeros((len(encoding.ids), 2), dtype=np.float32)
        # The surer answer is the last token of the text, in the last window.
        rows[encoding.parts[1].tokens[-1]] = 9.0 if window == reading.windows - 1 else 8.0
        outputs.append(rows)
    result = TOKEN_INTERPRETERS["question-answering"](reading, outputs, Request((), tokenizer))
    assert isinstance(result, Answer)
    assert (result.text, result.start, result.end) == ("j", len(context) - 1, len(context))
    assert result.windows == reading.windows


def filled(tokenizer: Tokenizer, text: str, ids: dict[int, list[float]]) -> FilledMask:
    """The result where the mask's logits are those of the ids at each rank."""
    reading = Reader(tokenizer, "masked-lm", None).read(text, "text")
    rows = np.zeros((len(reading.encodings[0].ids), 400), dtype=np.float32)
    masks = [
        position
        for position, token in enumerate(reading.encodings[0].ids)
        if token == tokenizer.mask
    ]
    for token, logits in ids.items():
        for position, logit in zip(masks, logits, strict=True):
            rows[position, token] = logit
    result = TOKEN_INTERPRETERS["masked-lm"](reading, [rows], Request((), tokenizer, top_k=2))
    assert isinstance(result, FilledMask)
    return result


def test_each_mask_gets_its_likeliest_tokens(tokenizer: Tokenizer) -> None:
    the, is_ = (tokenizer._tokenizer.token_to_id(word) for word in ("the", "is"))
    result = filled(
        tokenizer, "The [MASK]  [MASK] bright.", {the: [SURE, 0.0], is_: [SURE - 1, SURE]}
    )
    assert result.text == "The the  is bright."
    assert [(mask.start, mask.end) for mask in result.masks] == [(4, 10), (12, 18)]
    # e : 1
    assert [token for token, _ in result.masks[0].top] == ["the", "is"]
    assert result.masks[0].top[0][1] == pytest.approx(math.e / (math.e + 1), abs=1e-6)
    assert result.masks[1].top[0] == ("is", pytest.approx(1.0, abs=1e-5))


def test_a_text_without_a_mask(tokenizer: Tokenizer) -> None:
    reader = Reader(tokenizer, "masked-lm", None)
    message = r"^texts\[2\]: got 'The screen', expected one with '\[MASK\]'"
    with pytest.raises(InputError, match=message):
        reader.read("The screen", "texts[2]")
