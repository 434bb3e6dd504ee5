"""What is seen of clocks, heat and neighbours: on this machine, and in trees written by hand."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgebert_runtime.conditions import Watch, marks
from edgebert_runtime.measurement import Moment

_SPIN = "import time\nend = time.time() + 1.5\nwhile time.time() < end: pass"


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="reads /proc")
def test_busy_neighbours_are_seen() -> None:
    """As many as there are processors, so that this process has to wait for one."""
    count = len(os.sched_getaffinity(0))
    neighbours = [subprocess.Popen([sys.executable, "-c", _SPIN]) for _ in range(count)]
    try:
        watch = Watch()
        end = time.perf_counter() + 1.2
        while time.perf_counter() < end:
            pass
        conditions = watch.conditions()
    finally:
        for neighbour in neighbours:
            neighbour.wait()
    assert conditions.foreign_share is not None
    assert conditions.foreign_share > 0.3
    assert conditions.waiting_share is not None
    assert conditions.waiting_share > 0.1
    assert any(mark.startswith("other processes used") for mark in conditions.marks)
    assert any(mark.startswith("threads waited for a processor") for mark in conditions.marks)


def test_own_work_is_not_foreign(tmp_path: Path) -> None:
    """All processors were busy for 100 ticks, a quarter of that stolen, and nothing was ours."""
    _stat(tmp_path, busy=1000, idle=1000, steal=1000)
    watch = Watch(tmp_path)
    _stat(tmp_path, busy=1050, idle=1025, steal=1025)
    conditions = watch.conditions()
    assert conditions.stolen_share == pytest.approx(0.25)
    assert conditions.foreign_share == pytest.approx(0.5, abs=0.1)
    assert "a hypervisor took 25% of the processors' time" in conditions.marks


def _stat(root: Path, busy: int, idle: int, steal: int) -> None:
    folder = root / "proc"
    folder.mkdir(exist_ok=True)
    fields = f"{busy} 0 0 {idle} 0 0 0 {steal} 0 0"
    lines = [f"cpu{number} {fields}" for number in range(1024)]
    (folder / "stat").write_text("\n".join([f"cpu  {fields}", *lines, "intr 1"]))


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    conditions = Watch(tmp_path).conditions()
    assert len(conditions.moments) == 2
    assert conditions.moments[0].frequency_mhz is None
    assert (conditions.stolen_share, conditions.foreign_share) == (None, None)
    assert conditions.marks == ()


def moment(mhz: float | None, *throttling: str) -> Moment:
    return Moment(0.0, mhz, 60.0, throttling)


def test_a_clock_that_falls_is_marked() -> None:
    """Before the first run and after the last one an idle processor may be slow."""
    steady = [moment(600), moment(2400), moment(2350), moment(600)]
    assert marks(steady, 0.0, 0.0, 0.0) == ()
    falling = [moment(600), moment(2400), moment(1500), moment(600)]
    (mark,) = marks(falling, 0.0, 0.0, 0.0)
    assert mark == "the clock went from 2400 to 1500 MHz between runs"


def test_throttling_counts_where_it_is_new() -> None:
    before = moment(None, "under-voltage since boot")
    now = moment(None, "throttled", "throttled since boot", "under-voltage since boot")
    past = moment(None, "under-voltage since boot", "frequency capped since boot")
    assert marks([before, before, before], None, None, None) == ()
    assert marks([before, now, now], None, None, None) == ("throttled",)
    assert marks([before, past], None, None, None) == ("frequency capped meanwhile",)
