import gc
import random
import time

import pytest

from edgebert_runtime.timing import (
    interval_of_median,
    is_stable,
    statistics,
    time_repeatedly,
    timed_ms,
)


def test_statistics_of_a_list_worked_by_hand() -> None:
    """Of 1…5, rank 0.9 * 4 = 3.6 lies between 4 and 5; the sample variance is 10 / 4."""
    timing = statistics(8, 3, [5.0, 1.0, 4.0, 2.0, 3.0])
    assert (timing.tokens, timing.warm_up_runs, timing.runs) == (8, 3, 5)
    assert timing.p50_ms == 3
    assert timing.p90_ms == pytest.approx(4.6)
    assert timing.p99_ms == pytest.approx(4.96)
    assert timing.mean_ms == 3
    assert timing.standard_deviation_ms == pytest.approx(2.5**0.5)
    assert timing.sentences_per_second == pytest.approx(1000 / 3)
    assert timing.interval_ms is None
    assert len(timing.quantiles_ms) == 21
    assert timing.quantiles_ms[::5] == pytest.approx((1, 2, 3, 4, 5))


def test_four_texts_a_run_are_four_times_the_sentences() -> None:
    timing = statistics(8, 3, [5.0, 5.0], batch=4)
    assert (timing.batch, timing.sentences_per_second) == (4, 800)


def test_ranks_of_the_interval() -> None:
    """Of the binomial distribution: 6 and 15 of 20, 40 and 61 of 100, 1 and 6 of 6."""
    assert interval_of_median([float(each) for each in range(20, 0, -1)]) == (6, 15)
    assert interval_of_median([float(each) for each in range(100, 0, -1)]) == (40, 61)
    assert interval_of_median([6.0, 1.0, 5.0, 2.0, 4.0, 3.0]) == (1, 6)
    assert interval_of_median([1.0] * 5) is None


@pytest.mark.parametrize("count", [6, 15, 100])
def test_the_interval_holds_the_median_19_times_in_20(count: int) -> None:
    """Of a skewed distribution whose median is known; by chance it holds it a little more often."""
    numbers = random.Random(0)
    held = 0
    for _ in range(2000):
        low, high = interval_of_median([numbers.expovariate(1.0) for _ in range(count)]) or (0, 0)
        held += low <= 0.6931 <= high
    assert 0.945 < held / 2000 < 0.99


@pytest.mark.parametrize(
    ("times", "stable"),
    [
        ([1.0] * 5, False),
        ([1.0] * 6, True),
        ([100.0, 9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], True),
        ([1.0, 1.0, 1.0, 1.04, 1.04, 1.04], True),
        ([1.0, 1.0, 1.0, 1.06, 1.06, 1.06], False),
        ([2.0, 2.0, 2.0, 1.0, 1.0, 1.0], False),
    ],
)
def test_stable_once_the_median_stands_still(times: list[float], stable: bool) -> None:
    assert is_stable(times) is stable


def test_a_few_runs_are_made_however_short_the_time() -> None:
    calls = []
    timing = time_repeatedly(16, lambda: calls.append(gc.isenabled()), 1e-9)
    assert (timing.warm_up_runs, timing.runs) == (3, 5)
    assert calls == [False] * 8
    assert gc.isenabled()


def test_garbage_is_collected_again_after_an_error() -> None:
    def fail() -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        time_repeatedly(16, fail, 1)
    assert gc.isenabled()


def test_runs_are_bounded_however_long_the_time() -> None:
    assert time_repeatedly(16, int, 3600).runs == 10_000


def test_runs_end_once_the_median_is_known() -> None:
    """What hardly varies needs the least number of runs, and the least time."""
    start = time.perf_counter()
    timing = time_repeatedly(16, lambda: time.sleep(0.001), 60, precision=0.5)
    assert 100 <= timing.runs < 1000
    assert 0.3 < time.perf_counter() - start < 10
    assert timing.precision is not None
    assert timing.precision <= 0.5


def test_the_farther_end_of_the_interval_counts() -> None:
    """Two states of a clock: the median is the lower one, and may be 3.9 % higher."""
    timing = statistics(8, 3, [1.0] * 55 + [1.039] * 45)
    assert timing.interval_ms == (1.0, 1.039)
    assert timing.precision == pytest.approx(0.039)


def test_it_looks_between_runs() -> None:
    looks: list[None] = []
    # No interval is as narrow as that: the time is spent to its end.
    time_repeatedly(
        16, lambda: time.sleep(0.01), 2.2, precision=0.0, look=lambda: looks.append(None)
    )
    assert 2 <= len(looks) <= 8


def test_a_timed_call_returns_its_value() -> None:
    elapsed_ms, value = timed_ms(lambda: "answer")
    assert value == "answer"
    assert elapsed_ms > 0
