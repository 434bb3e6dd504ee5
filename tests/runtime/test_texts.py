"""Every text gets an answer, everything else one line of InputError, on every backend."""

from __future__ import annotations

import random

import numpy as np
import pytest
import students

import edgebert
from edgebert_runtime import Classification, InputError, Model
from edgebert_runtime.tokenization import Text

TOLERANCE = {"tflite": 0.0, "torchscript": 0.0, "onnx": 1e-5}
"""Of probabilities, a list against one by one; ONNX Runtime sums a batch in another order."""

TEXTS: dict[str, Text] = {
    "empty": "",
    "space": "   \t\n",
    "one character": "a",
    "emoji": "😀👩‍👩‍👧🏳️‍🌈",
    "lone surrogate": "a\ud800b",
    "surrogates the wrong way round": "\udc00\ud800",
    "NUL": "a\0b",
    "megabyte without spaces": "a" * 1_000_000,
    "megabyte with spaces": "ab " * 333_333,
    "numpy string": np.str_("fine weather"),
    "pair": ("a parcel", "arrived late"),
    "pair of empty texts": ("", ""),
    "pair with a surrogate": ("\udfff", "x"),
}


def score(model: Model, text: Text) -> float:
    result = model.predict(text)
    assert isinstance(result, Classification)
    return result.scores["positive"]


def scores(model: Model, texts: list[Text]) -> list[float]:
    results = model.predict(texts)
    assert isinstance(results, list)
    return [result.scores["positive"] for result in results if isinstance(result, Classification)]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_every_text_gets_an_answer(model: Model, text: Text) -> None:
    result = model.predict(text)
    assert isinstance(result, Classification)
    assert sum(result.scores.values()) == pytest.approx(1.0)
    assert 0.0 < result.score <= 1.0


NO_TEXTS = {
    "None": (None, "text: got NoneType"),
    "bytes": (b"a", "text: got bytes"),
    "number": (5, "text: got int"),
    "triple": (("a", "b", "c"), r"text: got \(str, str, str\)"),
    "single": (("a",), r"text: got \(str\)"),
    "no text in a tuple": ((), r"text: got \(\)"),
    "pair with None": (("a", None), r"text: got \(str, NoneType\)"),
    "set": ({"a"}, "text: got set"),
    "array": (np.array(["a", "b"]), "text: got ndarray"),
    "list of lists": (["a", ["b"]], r"texts\[1\]: got list"),
    "list with None": (["a", "b", None], r"texts\[2\]: got NoneType"),
    "list with a triple": ([("a", "b", "c")], r"texts\[0\]: got \(str, str, str\)"),
}


@pytest.mark.parametrize(("given", "message"), NO_TEXTS.values(), ids=NO_TEXTS.keys())
def test_what_is_no_text_is_named(tflite_model: Model, given: object, message: str) -> None:
    with pytest.raises(InputError, match=rf"^{message}, expected a str, a \(str, str\) pair, or a"):
        tflite_model.predict(given)  # type: ignore[arg-type]


def test_an_empty_list_gives_an_empty_list(model: Model) -> None:
    assert model.predict([]) == []


def test_a_list_of_one_gives_a_list(model: Model) -> None:
    assert model.predict(["a"]) == [model.predict("a")]


def test_answers_are_in_the_order_of_the_texts_and_nobody_elses(model: Model) -> None:
    texts: list[Text] = [*students.SENTENCES[:40], ("a parcel", "late"), "", "x", "x " * 500]
    random.Random(0).shuffle(texts)
    alone = [score(model, text) for text in texts]
    assert len(set(alone)) == len(texts)
    together = scores(model, texts)
    assert together == pytest.approx(alone, rel=0, abs=TOLERANCE[model.artifact.backend])
    assert scores(model, texts[::-1]) == pytest.approx(
        alone[::-1], rel=0, abs=TOLERANCE[model.artifact.backend]
    )


def test_more_texts_of_one_length_than_share_a_call(model: Model) -> None:
    texts: list[Text] = ["fine day", "x y z"] * 50
    pair = scores(model, texts[:2])
    assert scores(model, texts) == pytest.approx(
        pair * 50, rel=0, abs=TOLERANCE[model.artifact.backend]
    )


def test_the_second_text_of_a_pair_counts(model: Model) -> None:
    assert score(model, ("good", "bad")) != score(model, ("good", "fine"))
    assert score(model, ("good", "bad")) != score(model, "good bad")


def test_a_lone_surrogate_counts_as_the_replacement_character(tflite_model: Model) -> None:
    assert score(tflite_model, "a \udcff b") == score(tflite_model, "a \ufffd b")


@pytest.mark.parametrize(
    "top_k",
    [0, -1, True, 1.5, "2", None, np.float32(1), pytest.param(-(10**5000), id="of 5,000 digits")],
)
def test_a_wrong_top_k(tflite_model: Model, top_k: object) -> None:
    with pytest.raises(InputError, match=r"^top_k: got .*, expected a whole number of at least 1"):
        tflite_model.predict("a", top_k=top_k)  # type: ignore[arg-type]


def test_top_k_beyond_the_labels_gives_all(tflite_model: Model) -> None:
    result = tflite_model.predict("a", top_k=10**30)
    assert isinstance(result, Classification)
    assert len(result.top) == 2
    assert result.top[0] == (result.label, result.score)


def test_embed_of_a_classifier_points_to_predict(tflite_model: Model) -> None:
    with pytest.raises(edgebert.InputError, match=r"task is classification: use predict\(\)"):
        tflite_model.embed("a")
