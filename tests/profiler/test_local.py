import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgebert.profiler import Device
from edgebert.profiler.local import Local
from edgebert.profiler.running import arguments, printed
from edgebert_runtime import DeviceError, MissingBackendError
from edgebert_runtime.measurement import Measurement, Settings

QUICK = Settings("onnx", threads=1, lengths=(8,), budget_seconds=0.1)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module found in place of onnxruntime by the processes that a test starts."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path / "onnxruntime.py"


def test_local_is_a_device_that_measures(bundle: Path) -> None:
    device: Device = Local()
    measured = device.measure(bundle, QUICK)
    assert (measured.backend, measured.threads) == ("onnx", 1)
    assert [timing.tokens for timing in measured.lengths] == [8]


def test_settings_become_a_command_line() -> None:
    given = Settings("onnx", "float32", 2, (8, 16), 0.5, (1, 4), 0.1, 10, operators=True)
    assert arguments(Path("-model"), given) == [
        "--backend=onnx",
        "--recipe=float32",
        "--threads=2",
        "--lengths=8,16",
        "--batches=1,4",
        "--budget=0.5",
        "--precision=0.1",
        "--minutes=10",
        "--operators",
        "--progress",
        "--json",
        "--",
        "-model",
    ]
    assert "--recipe" not in " ".join(arguments(Path("model"), QUICK))


def test_an_error_keeps_its_line(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"^no bundle at .*; expected a folder or .edgebert file"):
        Local().measure(tmp_path / "nowhere", QUICK)


def test_a_killed_process_is_an_error(bundle: Path, stand_in: Path) -> None:
    stand_in.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    with pytest.raises(
        DeviceError, match=r"^the measuring process was killed by SIGKILL; .*memory"
    ):
        Local().measure(bundle, QUICK)


def test_a_crash_is_an_error_with_its_last_line(bundle: Path, stand_in: Path) -> None:
    stand_in.write_text("import os\nos.write(2, b'broken build\\n')\nos._exit(1)\n")
    with pytest.raises(DeviceError, match=r"ended with status 1: broken build$"):
        Local().measure(bundle, QUICK)


def test_a_broken_library_is_an_error_that_says_what_to_do(bundle: Path, stand_in: Path) -> None:
    stand_in.write_text("raise ImportError('libgomp.so.1: cannot open shared object file')\n")
    with pytest.raises(DeviceError, match=r"libgomp.*--force-reinstall 'edgebert\[onnx\]'"):
        Local().measure(bundle, QUICK)


def test_what_libraries_print_is_not_the_measurement() -> None:
    lines = ["library: hello", '{"schema_version": 2}', "library: bye"]
    assert printed(lines) == lines[1]
    assert printed(["noise"]) == "noise"
    assert printed([]) == ""


def test_a_missing_library_comes_with_its_command(bundle: Path, stand_in: Path) -> None:
    stand_in.write_text("raise ModuleNotFoundError(name='onnxruntime')\n")
    with pytest.raises(MissingBackendError, match=r"pip install 'edgebert\[onnx\]'"):
        Local().measure(bundle, QUICK)


def test_an_interrupt_ends_the_process(bundle: Path, stand_in: Path, tmp_path: Path) -> None:
    """Even one that ignores the interrupt itself."""
    told = tmp_path / "pid"
    os.mkfifo(told)
    stand_in.write_text(
        "import os, pathlib, signal, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        f"pathlib.Path({str(told)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(60)\n"
    )
    program = (
        "import pathlib, sys\n"
        "from edgebert.profiler.local import Local\n"
        "from edgebert_runtime.measurement import Settings\n"
        "try:\n"
        "    Local().measure(pathlib.Path(sys.argv[1]), Settings('onnx'))\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program, str(bundle)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        child = int(told.read_text())
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    assert (output, errors) == ("interrupted\n", "")
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_an_interrupt_while_the_process_starts_ends_it(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[str]] = []

    class Interrupted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *given: Any, **settings: Any) -> None:
            super().__init__(*given, **settings)
            started.append(self)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        Local().measure(bundle, QUICK)
    (process,) = started
    assert process.returncode == -signal.SIGKILL
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    "text",
    ["", "noise", "[]", "{}", "NaN", '{"schema_version": 2}', '{"schema_version": 1}', "[" * 9999],
)
def test_what_is_no_measurement_is_an_error(text: str) -> None:
    with pytest.raises(DeviceError, match="not a measurement of schema_version 2"):
        Measurement.from_json(text)


def test_a_measurement_with_another_type_or_key_is_an_error(bundle: Path) -> None:
    data = json.loads(Local().measure(bundle, QUICK).to_json())
    assert Measurement.from_data(data).backend == "onnx"
    for change in (
        {"threads": "1"},
        {"threads": True},
        {"lengths": {}},
        {"facts": None},
        {"more": 1},
        {"conditions": {**data["conditions"], "marks": [1]}},
    ):
        with pytest.raises(DeviceError, match="not a measurement of schema_version 2"):
            Measurement.from_data({**data, **change})


def test_progress_is_told(bundle: Path) -> None:
    steps: list[str] = []
    Local().measure(bundle, QUICK, steps.append)
    assert steps == ["loading", "text to answer", "8 tokens"]


def test_this_machine_is_there() -> None:
    state = Local().state()
    assert state.python == platform.python_version()
    assert {"numpy", "onnxruntime"} <= state.libraries.keys()
    assert state.free_bytes
