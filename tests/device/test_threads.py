"""Threads that share a model, and a model that is closed while they do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import edgebert
from edgebert_runtime import InputError, Model
from edgebert_runtime.manifest import BACKENDS
from edgebert_runtime.tasks import Result

THREADS = 8
TEXTS = [f"{'The film is bright and warm. ' * (n % 5)}{n}" for n in range(48)]


@pytest.fixture(params=BACKENDS)
def model(request: pytest.FixtureRequest, bundle: Path) -> Iterator[Model]:
    with edgebert.load(bundle, backend=request.param, threads=2) as opened:
        yield opened


def test_answers_of_eight_threads_are_those_of_one(model: Model) -> None:
    expected = [model.predict(text) for text in TEXTS]
    together = threading.Barrier(THREADS)

    def answers(shift: int) -> list[Result]:
        together.wait()
        order = TEXTS[shift:] + TEXTS[:shift]
        found = {text: model.predict(text) for text in order}
        return [found[text] for text in TEXTS]

    with ThreadPoolExecutor(THREADS) as pool:
        for found in pool.map(answers, range(0, 6 * THREADS, 6)):
            assert found == expected


def test_lists_and_single_texts_at_once(model: Model) -> None:
    expected = model.predict(TEXTS)
    with ThreadPoolExecutor(THREADS) as pool:
        lists = [pool.submit(model.predict, TEXTS) for _ in range(THREADS)]
        assert all(each.result() == expected for each in lists)


def test_closed_while_others_predict(model: Model) -> None:
    expected = {text: model.predict(text) for text in TEXTS}
    begun = threading.Semaphore(0)
    refused = []

    def ask() -> None:
        try:
            while True:
                for text in TEXTS:
                    assert model.predict(text) == expected[text]
                    begun.release()
        except InputError as error:
            refused.append(str(error))

    with ThreadPoolExecutor(THREADS) as pool:
        asked = [pool.submit(ask) for _ in range(THREADS)]
        for _ in range(3 * THREADS):
            begun.acquire()
        model.close()
        for each in asked:
            each.result()
    assert refused == ["the model is closed; load it again"] * THREADS
