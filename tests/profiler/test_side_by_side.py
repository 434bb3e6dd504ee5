"""Several devices at once: real processes on this machine, and devices that fail as told."""

import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgebert.profiler import Progress, State, silent
from edgebert.profiler.local import Local
from edgebert.profiler.side_by_side import Job, measure
from edgebert_runtime import DeviceError, ManifestError
from edgebert_runtime.measurement import Measurement, Settings

QUICK = Settings("onnx", "int8_dynamic", 1, (8,), 0.1)


@dataclass
class Failing:
    """A stand-in for a device on a bad line: a real one is tried in test_ssh."""

    name: str = "failing"
    reachable: int = 1
    """How often it can be looked at."""
    calls: list[str] = field(default_factory=list)

    def state(self) -> State:
        self.calls.append("state")
        if self.calls.count("state") > self.reachable:
            raise DeviceError("gone")
        return State(None, {}, None, None)

    def measure(self, bundle: Path, settings: Settings, progress: Progress = silent) -> Measurement:
        self.calls.append("measure")
        raise DeviceError("failed")

    def close(self) -> None:
        self.calls.append("close")


def test_outcomes_are_in_order_and_progress_is_told(bundle: Path) -> None:
    told: list[tuple[str, int, str]] = []
    device = Failing(reachable=9)
    jobs = [Job(bundle, QUICK), Job(bundle, Settings("tflite", "int8_dynamic", 1, (8,), 0.1))]
    outcomes = measure([Local(), device], jobs, lambda *given: told.append(given))
    assert [(each.device, each.job.settings.backend) for each in outcomes] == [
        ("local", "onnx"), ("local", "tflite"), ("failing", "onnx"), ("failing", "tflite"),
    ]  # fmt: skip
    assert [isinstance(each.found, Measurement) for each in outcomes] == [True, True, False, False]
    assert ("local", 1, "classifier tflite int8_dynamic, 1 thread: 8 tokens") in told
    assert ("local", 2, "done") in told
    assert device.calls == ["state", "measure", "state", "measure", "state", "close"]


@pytest.mark.parametrize(
    ("reachable", "calls"),
    [(0, ["state", "close"]), (1, ["state", "measure", "state", "close"])],
)
def test_a_device_that_is_gone_is_not_asked_again(
    bundle: Path, reachable: int, calls: list[str]
) -> None:
    device = Failing(reachable=reachable)
    outcomes = measure([device], [Job(bundle, QUICK)] * 3, lambda *_: None)
    assert device.calls == calls
    assert [str(each.found) for each in outcomes][-2:] == ["gone", "gone"]


def test_a_bundle_that_cannot_be_read_is_an_outcome(tmp_path: Path) -> None:
    (outcome,) = measure([Local()], [Job(tmp_path, QUICK)], lambda *_: None)
    assert isinstance(outcome.found, DeviceError)


def test_an_error_of_this_machine_is_an_outcome_of_one_device(bundle: Path) -> None:
    class Full(Failing):
        def measure(self, *_: object, **__: object) -> Measurement:
            raise OSError(28, "No space left on device")

    outcomes = measure([Full(reachable=9), Local()], [Job(bundle, QUICK)], lambda *_: None)
    assert [type(each.found) for each in outcomes] == [DeviceError, Measurement]


def test_what_no_device_should_raise_reaches_the_caller(bundle: Path) -> None:
    class Broken(Failing):
        def measure(self, *_: object, **__: object) -> Measurement:
            raise ZeroDivisionError

    device = Broken()
    with pytest.raises(ZeroDivisionError):
        measure([device], [Job(bundle, QUICK)], lambda *_: None)
    assert device.calls[-1] == "close"


def test_an_interrupt_ends_every_device(bundle: Path, tmp_path: Path) -> None:
    """Two endless measurements in processes of their own, which are told apart by their budget."""
    program = (
        "import pathlib, sys\n"
        "from edgebert.profiler.local import Local\n"
        "from edgebert.profiler.side_by_side import Job, measure\n"
        "from edgebert_runtime.measurement import Settings\n"
        "first, second = Local(), Local()\n"
        "second.name = 'second'\n"
        "settings = Settings('onnx', None, 1, (8,), 1, minutes=60)\n"
        "def told(device, done, step):\n"
        "    if 'without rest' in step:\n"
        "        print(device, flush=True)\n"
        "try:\n"
        "    measure([first, second], [Job(pathlib.Path(sys.argv[1]), settings)], told)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted', flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(bundle)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        running: set[str] = set()
        while running != {"local", "second"}:
            running.add(process.stdout.readline().strip())
        found = _children(process.pid)
        process.send_signal(signal.SIGINT)
        output = process.stdout.read()
    assert "interrupted" in output
    assert process.returncode == 0
    assert len(found) == 2
    assert not [pid for pid in found if Path(f"/proc/{pid}").exists()]


def _children(pid: int) -> list[str]:
    """Of all threads of a process."""
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [child for file in files for child in file.read_text().split()]


def test_manifest_errors_are_not_lost() -> None:
    """A class that `measure` may meet is one that it turns into an outcome."""

    class Changed(Failing):
        def measure(self, *_: object, **__: object) -> Measurement:
            raise ManifestError("hash differs")

    (outcome,) = measure([Changed(reachable=9)], [Job(Path("x"), QUICK)], lambda *_: None)
    assert str(outcome.found) == "hash differs"
