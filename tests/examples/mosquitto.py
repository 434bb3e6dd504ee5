"""A real broker and its own clients, from Debian's packages: nothing that the service uses."""

from __future__ import annotations

import os
import queue
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

PATIENCE_S = 60
"""A busy machine is slow; nothing here measures time."""

_CONFIGURATION = """
listener {port} 127.0.0.1
user root
persistence true
persistence_location {folder}/
max_queued_messages 0
log_dest file {folder}/mosquitto.log
"""


def need(tool: str, package: str) -> None:
    """Install a Debian package for a tool that is missing, or skip the test and say why."""
    if _found(tool):
        return
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", package]
    # RUNLEVEL keeps Debian from starting the daemon that a package brings.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    try:
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"{tool} is missing, and {package} could not be installed: {error}")


def _found(tool: str) -> str | None:
    return shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


class Broker:
    """mosquitto on loopback; it can go away and come back with what it knew."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.folder = folder / "broker"
        self.folder.mkdir()
        self.access = "allow_anonymous true"
        self.client_options: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._listeners: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        configuration = self.folder / "mosquitto.conf"
        settings = _CONFIGURATION.format(port=self.port, folder=self.folder)
        configuration.write_text(settings + self.access + "\n", encoding="utf-8")
        command = [_found("mosquitto") or "mosquitto", "-c", str(configuration)]
        self._process = subprocess.Popen(command)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError((self.folder / "mosquitto.log").read_text(encoding="utf-8"))

    def stop(self) -> None:
        """As an administrator stops it: what it knows is on its disk."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)

    def close(self) -> None:
        for process in self._listeners:
            process.kill()
            process.communicate()
        self.stop()

    def publish(self, *options: str, topic: str = "edgebert/texts", lines: bytes = b"") -> None:
        """mosquitto_pub with these options; with `-l` each of the lines is a message."""
        command = ["mosquitto_pub", *self._where(), "-t", topic, *options]
        subprocess.run(command, input=lines, check=True, timeout=PATIENCE_S)

    def listen(self, topic: str, patience_s: float = PATIENCE_S) -> Listener:
        command = ["mosquitto_sub", *self._where(), "-q", "1", "-t", topic]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self._listeners.append(process)
        return Listener(process, patience_s)

    def _where(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.port), *self.client_options]


class Listener:
    """Payloads of a topic, one a line, in the order in which they came."""

    def __init__(self, process: subprocess.Popen[bytes], patience_s: float) -> None:
        self._process = process
        self._patience_s = patience_s
        self._payloads: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def next(self) -> str:
        """The next payload; queue.Empty if none comes."""
        return self._payloads.get(timeout=self._patience_s)

    def wait_for(self, payload: str) -> None:
        while self.next() != payload:
            pass

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._payloads.put(line.decode().rstrip("\n"))


def free_port() -> int:
    """A port of loopback that nobody had a moment ago."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port
