"""A real broker and its own clients, from Debian's packages: nothing that the service uses."""

from __future__ import annotations

import queue
import socket
import subprocess
import threading
import time
from pathlib import Path

import this_machine

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
        command = [this_machine.found("mosquitto") or "mosquitto", "-c", str(configuration)]
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
