"""A stand-in for the daemon of an Android device, for the real `adb` client to talk to over TCP.

It is no Android: commands run on this host, in its shell. Paths that a device has (/data/local/tmp,
/sdcard, /sys/class, …) are those of a folder that stands in for the device's disk, and programs of
`bin` in that folder come before the host's, for a test to put `getprop`, `dumpsys`, `pm` and `am`.
What it speaks is the device's side of adb's protocol (packages/modules/adb in Android's sources:
protocol.txt, SYNC.TXT, shell_protocol.h): shells of version 2, and files of version 1.

    python adb_daemon.py FOLDER [device|unauthorized|silent]

prints the port that it listens at on the loopback interface. A file `full` in the folder makes its
disk full.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import queue
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

_WORDS = {
    name: int.from_bytes(name.encode(), "little")
    for name in ("CNXN", "AUTH", "OPEN", "OKAY", "WRTE", "CLSE")
}
_NAMES = {word: name for name, word in _WORDS.items()}
_VERSION = 0x01000001
_MOST = 64 * 1024
_BANNER = b"device::ro.product.name=standin;ro.product.model=Standin;features=shell_v2,cmd\0"
_PLACES = (
    "/data/local/tmp",
    "/sdcard",
    "/sys/class",
    "/sys/devices",
    "/proc/cpuinfo",
    "/proc/meminfo",
)
_STDOUT, _STDERR, _EXIT = 1, 2, 3


class Stream:
    """One service that the client opened."""

    def __init__(self, connection: Connection, own: int, other: int) -> None:
        self._connection, self._own, self._other = connection, own, other
        self.received: queue.Queue[bytes | None] = queue.Queue()
        self.acknowledged = threading.Semaphore(0)
        self.closed = False
        self._rest = b""
        self._lock = threading.Lock()

    def write(self, data: bytes) -> None:
        with self._lock:
            for start in range(0, len(data), _MOST):
                if self.closed:
                    raise EOFError
                self._connection.send("WRTE", self._own, self._other, data[start : start + _MOST])
                self.acknowledged.acquire()

    def read(self, size: int) -> bytes:
        while len(self._rest) < size:
            part = self.received.get()
            if part is None:
                raise EOFError
            self._rest += part
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def close(self) -> None:
        self._connection.send("CLSE", self._own, self._other)


class Connection:
    """A client's server."""

    def __init__(self, peer: socket.socket, root: Path, mode: str) -> None:
        self._peer, self._root, self._mode = peer, root, mode
        self._streams: dict[int, Stream] = {}
        self._lock = threading.Lock()

    def send(self, name: str, first: int, second: int, data: bytes = b"") -> None:
        word = _WORDS[name]
        head = struct.pack(
            "<6I", word, first, second, len(data), sum(data) & 0xFFFFFFFF, word ^ 0xFFFFFFFF
        )
        with self._lock, contextlib.suppress(OSError):
            self._peer.sendall(head + data)

    def serve(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                word, first, second, size, _, _ = struct.unpack("<6I", self._exactly(24))
                self._take(_NAMES.get(word, ""), first, second, self._exactly(size))
        for stream in self._streams.values():
            self._shut(stream)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self._peer.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def _take(self, name: str, first: int, second: int, data: bytes) -> None:
        if name in ("CNXN", "AUTH"):
            if self._mode == "device":
                self.send("CNXN", _VERSION, _MOST, _BANNER)
            elif self._mode == "unauthorized" and first != 3:
                self.send("AUTH", 1, 0, os.urandom(20))
        elif name == "OPEN":
            own = len(self._streams) + 1
            stream = self._streams[own] = Stream(self, own, first)
            self.send("OKAY", own, first)
            threading.Thread(
                target=self._open, args=(stream, data.rstrip(b"\0").decode()), daemon=True
            ).start()
        elif (stream := self._streams.get(second)) is not None:
            if name == "OKAY":
                stream.acknowledged.release()
            elif name == "WRTE":
                stream.received.put(data)
                self.send("OKAY", second, first)
            elif name == "CLSE":
                self._shut(stream)

    def _shut(self, stream: Stream) -> None:
        stream.closed = True
        stream.received.put(None)
        stream.acknowledged.release()

    def _open(self, stream: Stream, service: str) -> None:
        with contextlib.suppress(EOFError):
            if service.startswith("shell,v2"):
                self._shell(stream, service.partition(":")[2])
            elif service == "sync:":
                self._sync(stream)
        stream.close()

    def _shell(self, stream: Stream, command: str) -> None:
        for place in _PLACES:
            command = command.replace(place, f"{self._root}{place}")
        process = subprocess.Popen(
            ["sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PATH": f"{self._root}/bin:{os.environ['PATH']}"},
            cwd=self._root,
        )
        pumps = [
            threading.Thread(target=self._pump, args=(stream, source, number), daemon=True)
            for source, number in ((process.stdout, _STDOUT), (process.stderr, _STDERR))
        ]
        for pump in pumps:
            pump.start()
        for pump in pumps:
            pump.join()
        status = process.wait()
        stream.write(struct.pack("<BIB", _EXIT, 1, 128 - status if status < 0 else status))

    def _pump(self, stream: Stream, source: object, number: int) -> None:
        own = str(self._root).encode()
        with contextlib.suppress(EOFError):
            # By lines, so that the stand-in's own paths are not cut in two.
            for line in source:  # type: ignore[attr-defined]
                text = line.replace(own, b"")
                for start in range(0, len(text), _MOST - 5):
                    part = text[start : start + _MOST - 5]
                    stream.write(struct.pack("<BI", number, len(part)) + part)
        # The client may have gone: what runs on a device then goes on, and can't print any more.
        source.close()  # type: ignore[attr-defined]

    def _sync(self, stream: Stream) -> None:
        while True:
            request, size = struct.unpack("<4sI", stream.read(8))
            text = stream.read(size).decode() if request != b"QUIT" else ""
            if request == b"QUIT":
                return
            if request in (b"STAT", b"LSTA"):
                try:
                    found = self._path(text).stat()
                    fields = (found.st_mode, found.st_size, int(found.st_mtime))
                except OSError:
                    fields = (0, 0, 0)
                stream.write(struct.pack("<4s3I", b"STAT", *fields))
            elif request == b"SEND":
                self._receive(stream, *text.rsplit(",", 1))
            else:
                self._fail(stream, f"unknown request {request!r}")

    def _receive(self, stream: Stream, name: str, mode: str) -> None:
        content, problem = b"", None
        while True:
            kind, size = struct.unpack("<4sI", stream.read(8))
            if kind == b"DONE":
                break
            content += stream.read(size)
        try:
            if (self._root / "full").exists():
                raise OSError(28, "No space left on device")
            path = self._path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(int(mode) & 0o777)
        except OSError as error:
            problem = str(error.strerror)
        if problem is None:
            stream.write(struct.pack("<4sI", b"OKAY", 0))
        else:
            self._fail(stream, problem)

    def _fail(self, stream: Stream, message: str) -> None:
        stream.write(struct.pack("<4sI", b"FAIL", len(message)) + message.encode())

    def _path(self, name: str) -> Path:
        return Path(f"{self._root}{posixpath.normpath('/' + name)}")


def main() -> None:
    root = Path(sys.argv[1]).resolve()
    mode = sys.argv[2] if len(sys.argv) > 2 else "device"
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            peer, _ = server.accept()
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=Connection(peer, root, mode).serve, daemon=True).start()


if __name__ == "__main__":
    main()
