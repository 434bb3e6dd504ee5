"""The unit under a real systemd: in a container with this machine's /usr and nothing else of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import environments
import mosquitto
import pytest
import this_machine
from device_service import EXAMPLE, PATIENCE_S

CLIENT = "edgebert-under-systemd"


@pytest.fixture
def system(
    device_python: Path, onnx_bundle: Path, broker: mosquitto.Broker, tmp_path: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The example as install.sh leaves it, started by systemd at boot."""
    this_machine.need("systemd-nspawn", "systemd-container")
    if os.geteuid() != 0 or not Path("/lib").is_symlink():
        pytest.skip("a container of this machine's /usr needs root and a merged /usr")
    (tmp_path / "options").write_text(
        f'EDGEBERT_OPTIONS="--mqtt 127.0.0.1 --port {broker.port} --client-id {CLIENT} '
        '--username me --password-file /run/credentials/edgebert.service/password"\n',
        encoding="utf-8",
    )
    (tmp_path / "password").write_text("secret\n", encoding="utf-8")
    (tmp_path / "password.conf").write_text(
        "[Service]\nLoadCredential=password:/etc/edgebert-password\n"
        # An interpreter that was built elsewhere looks for its library there.
        "Environment=LD_LIBRARY_PATH=/opt/python/lib\n",
        encoding="utf-8",
    )
    (tmp_path / "boot.target").write_text(
        "[Unit]\nDescription=The service alone\nRequires=edgebert.service\n", encoding="utf-8"
    )
    system = "/etc/systemd/system"
    binds = {
        place(device_python, onnx_bundle, tmp_path): "/opt/edgebert",
        base(device_python): "/opt/python",
        EXAMPLE / "edgebert.service": f"{system}/edgebert.service",
        tmp_path / "password.conf": f"{system}/edgebert.service.d/password.conf",
        tmp_path / "password": "/etc/edgebert-password",
        tmp_path / "options": "/etc/default/edgebert",
        tmp_path / "boot.target": f"{system}/boot.target",
    }
    container = ["systemd-nspawn", "-D", "/", "--volatile=yes", "--register=no", "--keep-unit"]
    container += [f"--machine=edgebert-{os.getpid()}"]
    container += [f"--bind-ro={ours}:{theirs}" for ours, theirs in binds.items()]
    boot = ["--boot", "--", "--unit=boot.target", "systemd.mask=systemd-firstboot.service"]
    boot += ["systemd.journald.forward_to_console=1"]
    with (tmp_path / "boot.log").open("wb") as log:
        process = subprocess.Popen(
            [*container, *boot], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    yield process
    process.terminate()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()


def base(python: Path) -> Path:
    """Where the interpreter of a virtual environment comes from: a place in a home, maybe."""
    asked = [str(python), "-c", "import sys; print(sys.base_prefix)"]
    found = subprocess.run(asked, capture_output=True, text=True, check=True)
    return Path(found.stdout.strip())


def place(python: Path, bundle: Path, folder: Path) -> Path:
    """/opt/edgebert, with the interpreter in /opt/python."""
    home = folder / "opt"
    shutil.copytree(EXAMPLE, home)
    shutil.copytree(bundle, home / "bundle")
    shutil.copytree(python.parent.parent / "lib", home / "venv" / "lib")
    (packages,) = (home / "venv" / "lib").glob("python*/site-packages")
    shutil.copytree(
        environments.ROOT / "runtime" / "edgebert_runtime", packages / "edgebert_runtime"
    )
    (home / "venv" / "bin").mkdir()
    (home / "venv" / "bin" / "python").symlink_to(f"/opt/python/bin/{packages.parent.name}")
    (home / "venv" / "pyvenv.cfg").write_text("home = /opt/python/bin\n", encoding="utf-8")
    subprocess.run(["chmod", "-R", "a+rX", str(home)], check=True)
    return home


def service_process() -> int:
    """The service's process id as this machine has it."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if CLIENT.encode() in command and command[0].endswith(b"python"):
                return int(entry.name)
        time.sleep(0.1)
    raise AssertionError("the service is not running")


def test_runs_closed_in_and_comes_back(
    broker: mosquitto.Broker, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    answers, state = broker.listen("edgebert/answers"), broker.listen("edgebert/state")
    system = request.getfixturevalue("system")
    state.wait_for("online")
    broker.publish("-q", "1", "-m", "Good.")
    assert json.loads(answers.next())["label"] in ("negative", "positive")
    process = service_process()
    status = dict(
        line.split(":\t", 1)
        for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    )
    assert int(status["Uid"].split()[0]) > 60000
    assert (status["NoNewPrivs"], status["Seccomp"], int(status["CapEff"], 16)) == ("1", "2", 0)
    with pytest.raises(OSError, match="Read-only"):
        (Path(f"/proc/{process}/root") / "opt" / "edgebert" / "new").touch()
    os.kill(process, signal.SIGKILL)
    state.wait_for("offline")
    state.wait_for("online")
    assert service_process() != process
    broker.publish("-q", "1", "-m", "Never again.")
    assert json.loads(answers.next())["label"] in ("negative", "positive")
    system.terminate()
    state.wait_for("offline")
