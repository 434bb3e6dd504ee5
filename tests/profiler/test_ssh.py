"""Against a real sshd on loopback, whose sessions have a cache of their own and no index."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import ssh_server
import this_machine
from ssh_server import PATIENCE_S, Server

from edgebert.profiler.ssh import Ssh
from edgebert.profiler.wheelhouse import build
from edgebert_runtime import DeviceError, MissingBackendError
from edgebert_runtime.measurement import Settings

QUICK = Settings("onnx", lengths=(8,), budget_seconds=0.1)
LONG = Settings("onnx", lengths=(8,), budget_seconds=0.1, minutes=10)
MEASURE = """
import pathlib, sys
from edgebert.profiler.ssh import Ssh
from edgebert_runtime.measurement import Settings
address, wheelhouse, bundle = sys.argv[1:]
device = Ssh(address, pathlib.Path(wheelhouse))
long = Settings("onnx", lengths=(8,), budget_seconds=0.1, minutes=10)
try:
    device.measure(pathlib.Path(bundle), long, lambda step: print(step, flush=True))
finally:
    device.close()
"""


@pytest.fixture(scope="module")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("wheelhouse") / "wheels"
    python = "{}.{}".format(*sys.version_info)
    build(output, f"linux-{os.uname().machine}", python, ["onnx"])
    return output


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    this_machine.need("sshd", "openssh-server")
    folder = tmp_path_factory.mktemp("ssh")
    server = Server(folder / "server", folder / "cache")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def cache(server: Server) -> Path:
    return server.folder.parent / "cache" / "edgebert"


@pytest.fixture(autouse=True)
def client(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(server.client()), prepend=os.pathsep)


@pytest.fixture
def device(server: Server, wheelhouse: Path) -> Iterator[Ssh]:
    device = Ssh(server.address, wheelhouse)
    yield device
    device.close()


def benchmarks(cache: Path) -> list[int]:
    """Processes that measure there, without the agent that started them."""
    return [
        process
        for process in ssh_server.running_in(cache)
        if Path(f"/proc/{process}/cmdline").read_bytes().startswith(os.fsencode(cache))
    ]


def wait_until_nothing_runs(cache: Path) -> None:
    patience = time.monotonic() + PATIENCE_S
    while found := ssh_server.running_in(cache):
        assert time.monotonic() < patience, f"{found} still run"
        time.sleep(0.05)


def measured_meanwhile(device: Ssh, bundle: Path, pool: ThreadPoolExecutor) -> object:
    """A long measurement that has begun."""
    begun = threading.Event()
    future = pool.submit(
        device.measure, bundle, LONG, lambda step: begun.set() if "8 tokens" in step else None
    )
    while not begun.wait(0.1):
        assert not future.done(), future.result()
    return future


def test_a_device_is_set_up_once_and_measures(device: Ssh, bundle: Path, cache: Path) -> None:
    before = device.state()
    assert not cache.exists(), "state() changes nothing"
    assert before.facts is None
    assert before.libraries == {}
    assert before.python is not None
    assert before.remark is not None
    assert before.remark.endswith("environment not made yet; the first profile makes it")
    assert before.free_bytes is not None
    assert before.free_bytes > 0

    steps: list[str] = []
    measured = device.measure(bundle, QUICK, steps.append)
    assert measured.bundle == str(bundle)
    assert (measured.backend, [each.tokens for each in measured.lengths]) == ("onnx", [8])
    assert measured.facts.architecture == os.uname().machine
    shown = "\n".join(steps)
    for step in ("copying wheels: ", "virtual environment", "Installing", "copying", "8 tokens"):
        assert step in shown
    copied = {path.name for path in (cache / "bundles").glob("*/*")}
    assert copied == {"manifest.json", "tokenizer.json", measured.file}, "what is needed, no more"

    again: list[str] = []
    device.measure(bundle, QUICK, again.append)
    device.close()
    anew = Ssh(device.name)
    try:
        anew.measure(bundle, QUICK, again.append)
        state = anew.state()
    finally:
        anew.close()
    assert not [step for step in again if "copying" in step or "environment" in step]
    assert state.libraries["onnxruntime"]
    assert state.facts is not None
    assert state.facts.architecture == os.uname().machine
    assert state.remark is None
    assert not ssh_server.running_in(cache)


def test_one_login_serves_all_calls(device: Ssh, server: Server, bundle: Path) -> None:
    log = server.folder / "log"
    before = log.read_text().count("Accepted publickey")
    device.measure(bundle, QUICK)
    device.state()
    assert log.read_text().count("Accepted publickey") == before + 1


def test_a_file_of_a_bundle_serves(device: Ssh, zipped: Path) -> None:
    assert device.measure(zipped, QUICK).bundle == str(zipped)


def test_a_copy_that_changed_is_copied_anew(device: Ssh, bundle: Path, cache: Path) -> None:
    device.measure(bundle, QUICK)
    (artifact,) = (cache / "bundles").glob("*/*.onnx")
    content = artifact.read_bytes()
    artifact.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    again = Ssh(device.name)
    steps: list[str] = []
    try:
        again.measure(bundle, QUICK, steps.append)
    finally:
        again.close()
    assert any(f"copying {bundle.name}" in step for step in steps)
    assert artifact.read_bytes() == content


def test_a_wheelhouse_without_a_library_says_so(device: Ssh, bundle: Path, cache: Path) -> None:
    for _ in range(2):  # the second time without asking pip again
        with pytest.raises(MissingBackendError) as caught:
            device.measure(bundle, Settings("tflite", lengths=(8,), budget_seconds=0.1))
        print(caught.value)
        assert "the wheelhouse has not all wheels for backend 'tflite' (No match" in str(
            caught.value
        )
        assert "pip install 'edgebert[tflite]'" in str(caught.value)
    assert not list((cache / "environments").glob("*-tflite-*/complete"))


def refused(address: str) -> str:
    device = Ssh(address)
    try:
        with pytest.raises(DeviceError) as caught:
            device.state()
    finally:
        device.close()
    message = str(caught.value)
    print(message)
    assert message.startswith(f"{address}: ")
    assert "\n" not in message
    return message


def test_a_port_where_nothing_listens() -> None:
    message = refused("ssh://127.0.0.1:1")
    assert "nothing listens there (ssh: connect to host 127.0.0.1 port 1: Connection " in message
    assert "sudo systemctl enable --now ssh" in message


def test_a_name_that_nobody_knows() -> None:
    assert "its name is not known (ssh: Could not resolve" in refused("ssh://nobody.invalid")


def test_a_key_that_the_device_does_not_know(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(server.client("stranger")), prepend=os.pathsep)
    message = refused(server.address)
    assert "it refuses the login (" in message
    assert f"ssh-copy-id -p {server.port} 127.0.0.1" in message


def test_a_host_key_that_is_not_known_here(server: Server) -> None:
    (server.folder / "known").write_text("")
    try:
        message = refused(server.address)
    finally:
        server.trust()
    assert "its host key is not known here (" in message
    assert f"run once: ssh -p {server.port} 127.0.0.1;" in message


def test_a_host_key_that_is_another_one(server: Server) -> None:
    known = server.folder / "known"
    stranger = (server.folder / "stranger.pub").read_text().split()[1]
    known.write_text(f"[127.0.0.1]:{server.port} ssh-ed25519 {stranger}\n")
    try:
        message = refused(server.address)
    finally:
        server.trust()
    assert "its host key is not the one known here: " in message
    assert f"ssh-keygen -R '[127.0.0.1]:{server.port}'" in message


def test_a_server_that_never_greets(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr("edgebert.profiler.ssh_connection._OPTIONS", ("ConnectTimeout=1",))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        message = refused(f"ssh://127.0.0.1:{silent.getsockname()[1]}")
    assert "it does not answer (" in message


def test_no_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "install OpenSSH's client" in refused("ssh://127.0.0.1")


def test_no_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(tmp_path / "server", tmp_path / "cache", shell="PATH=/nowhere exec /bin/sh")
    server.start()
    try:
        monkeypatch.setenv("PATH", str(server.client()), prepend=os.pathsep)
        message = refused(server.address)
    finally:
        server.stop()
    assert "there is no python3 (" in message
    assert "sudo apt install python3 python3-venv" in message


def test_a_python_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = sorted((Path.home() / ".pyenv" / "versions").glob("3.9.*/bin"))
    if not kept:
        pytest.skip("no Python 3.9 on this machine")
    server = Server(tmp_path / "server", tmp_path / "cache", shell=f"PATH={kept[0]} exec /bin/sh")
    server.start()
    try:
        monkeypatch.setenv("PATH", str(server.client()), prepend=os.pathsep)
        assert "python3 there is 3.9, expected 3.10 or later" in refused(server.address)
    finally:
        server.stop()


def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, wheelhouse: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    server = Server(tmp_path / "server", disk)
    try:
        server.start()
        monkeypatch.setenv("PATH", str(server.client()), prepend=os.pathsep)
        device = Ssh(server.address, wheelhouse)
        try:
            with pytest.raises(DeviceError, match=r": no space left in .*disk/edgebert there") as e:
                device.measure(bundle, QUICK)
        finally:
            device.close()
        print(e.value)
        assert not list(disk.rglob("*.part"))
        assert not list(disk.rglob("complete"))
    finally:
        server.stop()
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_killed_benchmark(device: Ssh, bundle: Path, cache: Path) -> None:
    with ThreadPoolExecutor() as pool:
        measuring = measured_meanwhile(device, bundle, pool)
        (process,) = benchmarks(cache)
        os.kill(process, signal.SIGKILL)
        with pytest.raises(
            DeviceError, match=r"was killed by SIGKILL; the device may be"
        ) as caught:
            measuring.result(PATIENCE_S)
    print(caught.value)
    wait_until_nothing_runs(cache)


def test_a_cut_connection(device: Ssh, server: Server, bundle: Path, cache: Path) -> None:
    with ThreadPoolExecutor() as pool:
        measuring = measured_meanwhile(device, bundle, pool)
        began = time.monotonic()
        for process in server.sessions():
            # The benchmark descends from the session, too, and is not what is cut.
            name = Path(f"/proc/{process}/comm").read_text().strip()
            if name.startswith("sshd"):
                os.kill(process, signal.SIGKILL)
        with pytest.raises(DeviceError, match=r": the connection was lost") as caught:
            measuring.result(PATIENCE_S)
        print(f"{time.monotonic() - began:.1f} s: {caught.value}")
    wait_until_nothing_runs(cache)
    assert device.measure(bundle, QUICK).backend == "onnx", "the next one logs in anew"


def test_closing_ends_a_measurement(device: Ssh, bundle: Path, cache: Path) -> None:
    with ThreadPoolExecutor() as pool:
        measuring = measured_meanwhile(device, bundle, pool)
        device.close()
        with pytest.raises(DeviceError, match="closed while it was at work"):
            measuring.result(PATIENCE_S)
    wait_until_nothing_runs(cache)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_end_of_this_side_ends_the_other(
    number: signal.Signals, server: Server, wheelhouse: Path, bundle: Path, cache: Path
) -> None:
    command = [sys.executable, "-c", MEASURE, server.address, str(wheelhouse), str(bundle)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert any("8 tokens" in line for line in process.stdout)
        assert benchmarks(cache)
        process.send_signal(number)
        if number == signal.SIGINT:
            assert process.stderr.read().endswith("KeyboardInterrupt\n")
    wait_until_nothing_runs(cache)


def test_a_killed_client_is_an_error(device: Ssh, bundle: Path, cache: Path) -> None:
    with ThreadPoolExecutor() as pool:
        measuring = measured_meanwhile(device, bundle, pool)
        for process in list(device._connection._processes):
            process.kill()
        with pytest.raises(DeviceError, match="ssh was ended here by SIGKILL"):
            measuring.result(PATIENCE_S)
    wait_until_nothing_runs(cache)


def test_what_a_killed_process_left_here_is_removed(device: Ssh) -> None:
    with subprocess.Popen(["sleep", "0"]) as ended:
        pass
    left = Path(f"/tmp/edgebert-ssh.{ended.pid}.left")
    left.mkdir()
    device.state()
    assert not left.exists()
    assert len(own := list(Path("/tmp").glob(f"edgebert-ssh.{os.getpid()}.*"))) == 1
    device.close()
    assert not own[0].exists()
