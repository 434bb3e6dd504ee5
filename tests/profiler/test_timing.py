import gc

import pytest

from edgebert_runtime.timing import is_stable, statistics, time_repeatedly, timed_ms


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


def test_a_timed_call_returns_its_value() -> None:
    elapsed_ms, value = timed_ms(lambda: "answer")
    assert value == "answer"
    assert elapsed_ms > 0
