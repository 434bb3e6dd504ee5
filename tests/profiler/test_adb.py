"""The real adb client, and a stand-in for the device (adb_daemon.py) that it talks to."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import android_stand_ins as stand_ins
import pytest
import this_machine

from edgebert.profiler import adb_client, android_app
from edgebert.profiler.adb import Adb
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import DeviceError, InputError, MissingBackendError
from edgebert_runtime.measurement import Measurement, Settings

pytestmark = pytest.mark.skipif(not stand_ins.has_adb(), reason="adb is not installed")

_DAEMON = Path(__file__).with_name("adb_daemon.py")


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A server of adb of these tests alone, with a home of its own."""
    port = this_machine.free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANDROID_ADB_SERVER_PORT", str(port))
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        try:
            yield
        finally:
            _adb("kill-server")


def _adb(*arguments: str) -> None:
    null = subprocess.DEVNULL
    subprocess.run(
        ["adb", *arguments], stdin=null, stdout=null, stderr=null, timeout=30, check=False
    )


@dataclass
class Phone:
    """A device that was connected."""

    root: Path
    serial: str
    process: subprocess.Popen[str]

    @property
    def kept(self) -> Path:
        return self.root / "data/local/tmp/edgebert"

    def running(self) -> list[str]:
        """Commands of this host's processes that work in the device's folders."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and str(self.kept) in str((entry / "cwd").readlink()):
                    found.append((entry / "cmdline").read_text().replace("\0", " "))
        return found


@contextlib.contextmanager
def _phone(root: Path, mode: str = "device") -> Iterator[Phone]:
    process = subprocess.Popen(
        [sys.executable, str(_DAEMON), str(root), mode], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    serial = f"127.0.0.1:{process.stdout.readline().strip()}"
    # To a device that says nothing, adb itself would wait for ten seconds.
    connecting = subprocess.Popen(["adb", "connect", serial], stdout=subprocess.DEVNULL)
    try:
        if mode == "silent":
            time.sleep(1)
        else:
            connecting.wait(30)
        yield Phone(root, serial, process)
    finally:
        for each in (process, connecting):
            each.kill()
            with each:
                each.wait()
        _adb("disconnect", serial)


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    root = tmp_path / "phone"
    root.mkdir()
    stand_ins.furnish(root)
    with _phone(root) as found:
        yield found


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder whose name needs quoting."""
    return tmp_path / 'tools; it\'s "theirs"'


def _device(phone: Phone, tool: Path | None = None) -> Adb:
    return Adb(f"adb:{phone.serial}", tool)


def _settings(backend: str, **changes: object) -> Settings:
    return replace(Settings(backend, lengths=(8, 20), budget_seconds=1.0), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "address",
    ["adb:", "adb:-s", "adb:a b", "adb:$(id)", "adb:a'b", "adb:a;b", "adb:a/b", "adbx", "adb:é"],
)
def test_refuses_addresses_that_are_none(address: str) -> None:
    with pytest.raises(InputError, match="adb:SERIAL") as caught:
        Adb(address)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("serial", ["emulator-5554", "127.0.0.1:5555", "0123ABC", "[::1]:5555"])
def test_takes_serials_as_adb_has_them(serial: str) -> None:
    assert Adb(f"adb:{serial}").name == f"adb:{serial}"


def test_refuses_a_tool_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a program"):
        Adb("adb", tmp_path)


def test_says_that_adb_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match=r"adb is not installed; .*apt-get install adb"):
        Adb("adb").state()


def test_says_that_no_device_is_there() -> None:
    with pytest.raises(DeviceError, match=r"no Android device is connected; .*USB debugging"):
        Adb("adb").state()
    with pytest.raises(DeviceError, match=r"0123ABC is not connected \(there: none\); plug it in"):
        Adb("adb:0123ABC").state()
    with pytest.raises(DeviceError, match=r"run: adb connect 127\.0\.0\.1:9"):
        Adb("adb:127.0.0.1:9").state()


def test_takes_the_only_device_and_not_one_of_two(phone: Phone, tmp_path: Path) -> None:
    assert Adb("adb").state().facts is not None
    other = tmp_path / "other"
    other.mkdir()
    stand_ins.furnish(other)
    with _phone(other) as second, pytest.raises(DeviceError) as caught:
        Adb("adb").state()
    assert f"adb:{phone.serial}" in str(caught.value)
    assert f"adb:{second.serial}" in str(caught.value)


def test_says_that_a_device_has_not_allowed_this_computer(tmp_path: Path) -> None:
    with _phone(tmp_path, "unauthorized") as phone, pytest.raises(DeviceError) as caught:
        _device(phone).state()
    assert "unauthorized: it does not trust this computer; unlock it" in str(caught.value)


def test_says_that_a_device_is_offline(tmp_path: Path) -> None:
    with _phone(tmp_path, "silent") as phone, pytest.raises(DeviceError) as caught:
        _device(phone).state()
    assert "is offline: it does not answer" in str(caught.value)


def test_tells_what_a_device_is_and_has(phone: Phone, tools: Path) -> None:
    state = _device(phone).state()
    assert state.python is None
    assert state.free_bytes is not None
    assert abs(state.free_bytes - shutil.disk_usage(phone.root).free) < 2**30
    assert state.remark == "arm64-v8a; nothing that measures: no --tool, no app org.edgebert.demo"
    assert state.facts is not None
    assert state.facts.board == "Fable Phone 3 (FX-100)"
    assert state.facts.cpu == "2 × Cortex-A55 + 1 × Cortex-A78"
    assert state.facts.architecture == "aarch64"
    assert state.facts.python_bits == 64
    assert (state.facts.cores, state.facts.available_processors) == (3, 3)
    assert (state.facts.dot_product, state.facts.i8mm, state.facts.sve) == (True, True, False)
    assert state.facts.governor == "sched_pixel"
    assert (state.facts.frequency_mhz, state.facts.max_frequency_mhz) == (2600, 2900)
    assert state.facts.temperature_celsius == 61.5
    assert state.facts.throttling == ("thermal status moderate",)
    assert state.facts.memory_bytes == 7_800_000 * 1024
    assert state.facts.operating_system == "Android 14 (API 34)"
    assert state.facts.kernel == "6.1.57-android14"
    assert not phone.kept.exists()
    tool = stand_ins.program(tools / "benchmark_model", stand_ins.BENCHMARK_MODEL)
    remark = _device(phone, tool).state().remark
    assert remark == "arm64-v8a; tool 'benchmark_model' (no ELF file)"


def test_refuses_a_device_older_than_its_shell(phone: Phone) -> None:
    stand_ins.program(
        phone.root / "bin/getprop", "#!/bin/sh\necho '[ro.build.version.sdk]: [23]'\n"
    )
    with pytest.raises(DeviceError, match="API level 23, expected 24"):
        _device(phone).state()


def test_measures_tflite_with_benchmark_model(phone: Phone, tools: Path, bundle: Path) -> None:
    tool = stand_ins.program(tools / "a tool", stand_ins.BENCHMARK_MODEL)
    steps: list[str] = []
    device = _device(phone, tool)
    measurement = device.measure(bundle, _settings("tflite", operators=True), steps.append)
    device.close()
    assert steps == ["installing the tool", "copying", "8 tokens", "20 tokens", "memory"]
    assert measurement == Measurement.from_json(measurement.to_json())
    assert measurement.bundle == str(bundle)
    assert measurement.backend == "tflite"
    assert measurement.tool.startswith("benchmark_model (sha256 ")
    assert measurement.text_to_answer is None
    short, long = measurement.lengths
    assert (short.tokens, long.tokens) == (8, 20)
    assert 0 < short.p50_ms < long.p50_ms
    assert short.runs >= 5
    assert short.warm_up_runs >= 3
    assert short.p90_ms is None
    assert short.quantiles_ms == ()
    assert measurement.memory.peak_bytes is not None
    assert measurement.memory.peak_bytes > 2**20
    assert measurement.operators is not None
    assert measurement.operators.reason
    assert "thermal status moderate" in measurement.conditions.marks
    assert "on battery at 15 %" in measurement.conditions.marks
    assert "battery at 41 °C" in measurement.conditions.marks
    assert "battery saver is on" in measurement.conditions.marks
    assert all(each.frequency_mhz == 2600 for each in measurement.conditions.moments)
    assert measurement.energy is None
    assert [each.name for each in phone.kept.iterdir()] != []
    assert not list(phone.kept.glob("run-*"))
    assert not list(phone.kept.glob("part-*"))


def test_measures_onnx_with_the_perf_test(phone: Phone, tools: Path, bundle: Path) -> None:
    tool = stand_ins.program(tools / "perf_test", stand_ins.PERF_TEST)
    (tools / "libonnxruntime.so").write_bytes(b"a library that goes along")
    device = _device(phone, tool)
    # The battery loses charge meanwhile.
    charge = phone.root / "sys/class/power_supply/battery/charge_counter"
    timer = threading.Timer(1.5, charge.write_text, ["2999000\n"])
    timer.start()
    measurement = device.measure(bundle, _settings("onnx", lengths=(8,), batches=(2, 1)))
    timer.cancel()
    one, two = measurement.lengths
    assert (one.batch, two.batch) == (1, 2)
    assert two.sentences_per_second == pytest.approx(2000 / two.mean_ms)
    assert one.warm_up_runs + one.runs > 20
    assert one.p99_ms is not None
    assert one.interval_ms is not None
    assert len(one.quantiles_ms) == 21
    assert measurement.memory.peak_bytes is not None
    assert measurement.energy is not None
    assert measurement.energy.joules == pytest.approx(1000e-6 * 3600 * 4)
    before = {path: path.stat().st_mtime_ns for path in phone.kept.rglob("*") if path.is_file()}
    assert {path.name for path in before} == {"tool", "libonnxruntime.so", "model.onnx"}
    assert _device(phone, tool).measure(bundle, _settings("onnx", lengths=(8,))).lengths
    after = {path: path.stat().st_mtime_ns for path in phone.kept.rglob("*") if path.is_file()}
    assert before == after


def test_what_a_lost_connection_left_is_removed_a_day_later(
    phone: Phone, tools: Path, bundle: Path
) -> None:
    for name, hours in (("run-old", 49), ("part-old", 49), ("run-new", 1)):
        folder = phone.kept / name
        folder.mkdir(parents=True)
        (folder / "file").touch()
        then = time.time() - hours * 3600
        os.utime(folder, (then, then))
    tool = stand_ins.program(tools / "perf_test", stand_ins.PERF_TEST)
    _device(phone, tool).measure(bundle, _settings("onnx", lengths=(8,)))
    left = {path.name for path in phone.kept.iterdir()}
    assert "run-new" in left
    assert not left & {"run-old", "part-old"}


def test_follows_latency_over_minutes(
    phone: Phone, tools: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgebert.profiler.android_measuring._LEAST_STRETCH_SECONDS", 1.0)
    tool = stand_ins.program(tools / "perf_test", stand_ins.PERF_TEST)
    settings = _settings("onnx", lengths=(8,), minutes=2 / 60)
    stretches = _device(phone, tool).measure(bundle, settings).sustained
    assert len(stretches) >= 1
    assert all(each.p50_ms > 0 and each.runs > 1 for each in stretches)
    tool = stand_ins.program(tools / "benchmark_model", stand_ins.BENCHMARK_MODEL)
    settings = _settings("tflite", lengths=(8,), minutes=2 / 60)
    (*_, last) = _device(phone, tool).measure(bundle, settings).sustained
    assert (last.p50_ms > 0, last.p90_ms) == (True, None)


def test_refuses_what_a_tool_cannot_measure(phone: Phone, tools: Path, bundle: Path) -> None:
    tool = stand_ins.program(tools / "benchmark_model", stand_ins.BENCHMARK_MODEL)
    device = _device(phone, tool)
    with pytest.raises(MissingBackendError, match="not onnx; give --tool onnxruntime_perf_test"):
        device.measure(bundle, _settings("onnx"))
    with pytest.raises(MissingBackendError, match="no such tool for Android"):
        device.measure(bundle, _settings("torchscript"))
    with pytest.raises(DeviceError, match="got batches 1,4; leave --batches away"):
        device.measure(bundle, _settings("tflite", batches=(1, 4)))
    with pytest.raises(InputError, match="this bundle holds"):
        device.measure(bundle, _settings("tflite", recipe="nonsense"))
    with pytest.raises(InputError, match="lengths"):
        device.measure(bundle, _settings("tflite", lengths=(9999,)))


_HELP = 'case "$*" in *--help*) echo "--graph --signature_to_run_for"; exit 1;; esac\n'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("echo no such graph >&2; exit 1", "the tool ended with status 1: no such graph"),
        ("kill -KILL $$", "by SIGKILL: no message; the device may be out of memory"),
        ("head -c 100000 /dev/urandom", "expected two lines that begin with count="),
    ],
)
def test_says_what_a_tool_did_that_failed(
    phone: Phone, tools: Path, bundle: Path, body: str, expected: str
) -> None:
    tool = stand_ins.program(tools / "benchmark_model", f"#!/bin/sh\n{_HELP}{body}\n")
    with pytest.raises(DeviceError) as caught:
        _device(phone, tool).measure(bundle, _settings("tflite", lengths=(8,)))
    assert expected in str(caught.value)
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()
    assert not list(phone.kept.glob("run-*"))


def test_refuses_tools_that_are_none(phone: Phone, tools: Path, bundle: Path) -> None:
    cases = {
        "#!/bin/sh\necho usage\n": "neither LiteRT's benchmark_model nor ONNX Runtime's",
        "#!/nowhere/sh\n": "does not start on the device",
        "#!/bin/sh\necho 'CANNOT LINK EXECUTABLE: libonnxruntime.so' >&2\nexit 1\n": "beside it",
        "#!/bin/sh\necho --graph\n": "no --signature_to_run_for",
    }
    for text, expected in cases.items():
        tool = stand_ins.program(tools / "program", text)
        with pytest.raises(DeviceError) as caught:
            _device(phone, tool).measure(bundle, _settings("tflite"))
        assert expected in str(caught.value)


def test_refuses_a_tool_for_other_processors(phone: Phone, bundle: Path) -> None:
    if not Path("/proc/self/exe").exists() or os.uname().machine != "x86_64":
        pytest.skip("needs a program for x86-64")
    with pytest.raises(DeviceError, match=r"is built for x86_64, and .* runs arm64-v8a or armeabi"):
        _device(phone, Path(sys.executable).resolve()).measure(bundle, _settings("tflite"))
    assert not phone.kept.exists()


def test_says_that_the_disk_of_the_device_is_full(phone: Phone, tools: Path, bundle: Path) -> None:
    tool = stand_ins.program(tools / "benchmark_model", stand_ins.BENCHMARK_MODEL)
    (phone.root / "full").touch()
    with pytest.raises(DeviceError, match=r"is full: .* bytes do not fit; make room"):
        _device(phone, tool).measure(bundle, _settings("tflite"))
    assert not list(phone.kept.glob("part-*"))
    (phone.root / "full").unlink()
    assert _device(phone, tool).measure(bundle, _settings("tflite", lengths=(8,))).lengths


def _sleeping(tools: Path) -> Path:
    return stand_ins.program(tools / "benchmark_model", f"#!/bin/sh\n{_HELP}exec sleep 60\n")


def _wait_for(condition: object, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)


def test_says_at_once_that_a_device_went_away(phone: Phone, tools: Path, bundle: Path) -> None:
    device = _device(phone, _sleeping(tools))
    timer = threading.Timer(2.0, phone.process.kill)
    timer.start()
    start = time.monotonic()
    with pytest.raises(DeviceError, match=r"went away meanwhile; connect it again"):
        device.measure(bundle, _settings("tflite", budget_seconds=60.0))
    assert time.monotonic() - start < 20
    device.close()
    for entry in phone.running():
        assert "sleep" in entry
    # What goes on without the cable ends here for the host's sake.
    for path in phone.kept.glob("run-*/pid"):
        os.kill(int(path.read_text()), signal.SIGKILL)


def test_leaves_nothing_running_when_it_is_closed(phone: Phone, tools: Path, bundle: Path) -> None:
    device = _device(phone, _sleeping(tools))
    errors: list[BaseException] = []

    def measure() -> None:
        try:
            device.measure(bundle, _settings("tflite", budget_seconds=60.0))
        except DeviceError as error:
            errors.append(error)

    thread = threading.Thread(target=measure)
    thread.start()
    _wait_for(lambda: any("sleep" in each for each in phone.running()))
    device.close()
    device.close()
    thread.join(10)
    assert not thread.is_alive()
    assert "closed" in str(errors[0])
    _wait_for(lambda: not phone.running())
    assert not list(phone.kept.glob("run-*"))


def test_leaves_nothing_running_after_an_interrupt(phone: Phone, tools: Path, bundle: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from edgebert.profiler.adb import Adb\n"
        "from edgebert_runtime.measurement import Settings\n"
        "Adb(sys.argv[1], Path(sys.argv[2])).measure(Path(sys.argv[3]),"
        " Settings('tflite', lengths=(8,), budget_seconds=60.0))"
    )
    arguments = [f"adb:{phone.serial}", str(_sleeping(tools)), str(bundle)]
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            _wait_for(lambda: any("sleep" in each for each in phone.running()), 30)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
        finally:
            process.kill()
    assert "KeyboardInterrupt" in errors
    _wait_for(lambda: not phone.running())
    assert not list(phone.kept.glob("run-*"))


def test_gives_up_on_a_device_that_does_not_answer(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_ins.program(phone.root / "bin/getprop", "#!/bin/sh\nexec sleep 5\n")
    client = adb_client.Client(phone.serial)
    with pytest.raises(DeviceError, match=r"did not answer within 1 s; .*adb reconnect"):
        client.shell("getprop", 1.0)


@pytest.fixture
def app(phone: Phone, bundle: Path, tools: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for `am` that does what the app is to do; it writes what it was given."""
    monkeypatch.setattr(android_app, "_POLL_SECONDS", 0.2)
    tool = stand_ins.program(tools / "benchmark_model", stand_ins.BENCHMARK_MODEL)
    answer = phone.root / "answer"
    measured = _device(phone, tool).measure(bundle, _settings("tflite", lengths=(8,)))
    answer.write_text(measured.to_json())
    stand_ins.program(
        phone.root / "bin/am",
        f"""#!{sys.executable}
import os, pathlib, sys
root = pathlib.Path(sys.argv[0]).parent.parent
with (root / "told").open("a") as stream:
    print(*sys.argv[1:], sep="\\t", file=stream)
if sys.argv[1] == "start":
    extras = dict(zip(sys.argv[-2::-1], sys.argv[:0:-1]))
    out = pathlib.Path(extras["out"])
    out.parent.mkdir(parents=True, exist_ok=True)
    (out.parent / "part").write_text((root / "answer").read_text())
    (out.parent / "part").rename(out)
    print("Status: ok")
""",
    )
    stand_ins.program(phone.root / "bin/pidof", "#!/bin/sh\nexit 1\n")
    return answer


def test_measures_in_the_app_where_there_is_no_tool(
    phone: Phone, app: Path, bundle: Path, tmp_path: Path
) -> None:
    odd = tmp_path / 'a bundle; it\'s "odd" $(id)'
    shutil.copytree(bundle, odd)
    assert (_device(phone).state().remark or "").endswith("app org.edgebert.demo")
    measurement = _device(phone).measure(odd, _settings("tflite", batches=(1, 2)))
    assert measurement.bundle == str(odd)
    assert measurement.facts.board == "Fable Phone 3 (FX-100)"
    assert "on battery at 15 %" in measurement.conditions.marks
    started, stopped = (line.split("\t") for line in (phone.root / "told").read_text().splitlines())
    assert stopped == ["force-stop", "org.edgebert.demo"]
    assert started[:6] == [
        "start",
        "-W",
        "-S",
        "-n",
        "org.edgebert.demo/.BenchmarkActivity",
        "--ei",
    ]
    told = {
        started[place + 1]: started[place + 2]
        for place, each in enumerate(started)
        if each in ("--es", "--ei", "--ez")
    }
    assert told["threads"] == "1"
    assert told["lengths"] == "8,20"
    assert told["batches"] == "1,2"
    assert told["backend"] == "tflite"
    assert told["operators"] == "false"
    folder = Path(told["bundle"])
    pushed = Bundle(folder)
    (artifact,) = [
        each
        for each in pushed.manifest.artifacts
        if (each.backend, each.recipe) == ("tflite", told["recipe"])
    ]
    pushed.check(artifact)
    pushed.check(pushed.manifest.tokenizer)
    assert len(list(folder.iterdir())) == 3


def test_says_what_the_app_did_that_failed(phone: Phone, app: Path, bundle: Path) -> None:
    cases = {
        json.dumps({"error": "no memory left"}): "the app org.edgebert.demo: 'no memory left'",
        "garbage": "not a measurement",
        "[" * 100_000: "not a measurement",
        '{"schema_version": 1}': "not a measurement",
    }
    for text, expected in cases.items():
        app.write_text(text)
        with pytest.raises(DeviceError) as caught:
            _device(phone).measure(bundle, _settings("tflite"))
        assert expected in str(caught.value)
    am = phone.root / "bin/am"
    stand_ins.program(am, "#!/bin/sh\necho Status: ok\n")
    with pytest.raises(DeviceError, match=r"ended before it had measured; .*logcat"):
        _device(phone).measure(bundle, _settings("tflite"))
    stand_ins.program(am, "#!/bin/sh\necho 'Error: Activity class does not exist.' >&2\n")
    with pytest.raises(DeviceError, match="no benchmark that starts: Error: Activity class"):
        _device(phone).measure(bundle, _settings("tflite"))


def test_says_that_nothing_on_the_device_measures(phone: Phone, bundle: Path) -> None:
    with pytest.raises(DeviceError, match=r"give --tool PATH .* or install the app"):
        _device(phone).measure(bundle, _settings("tflite"))
