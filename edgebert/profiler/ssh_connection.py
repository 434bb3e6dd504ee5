"""Calls of the agent on a device, through the system's OpenSSH client."""

from __future__ import annotations

import base64
import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

from edgebert.profiler import Progress, running, silent, ssh_agent, ssh_errors
from edgebert.profiler.ssh_address import Address
from edgebert_converters.publish import remove_abandoned
from edgebert_runtime.errors import DeviceError, MissingBackendError
from edgebert_runtime.measurement import PROGRESS

_OPTIONS = (
    # Never ask: nobody may be there, and several devices work at a time.
    "BatchMode=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=6",
    # What a person has set up for a shell of their own would be in the way.
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    # The reasons of failures are told at this level.
    "LogLevel=INFO",
)
_LAUNCHER = (
    "import sys; sys.version_info < (3, 10) and sys.exit('edgebert: error: python3 there is %d.%d, "
    "expected 3.10 or later; install a newer one' % sys.version_info[:2]); "
    "import base64; exec(base64.b64decode(sys.argv.pop(1)))"
)
_HEARTBEAT_S = 5.0
"""A few fit into the silence that the agent takes for a lost connection."""
_LOGIN_S = 60
_IDLE_S = 120
"""After which the shared connection ends by itself, should this process be killed."""
_NO_PYTHON = 127
"""A shell's status for a command that is not there."""
_PREFIX = "edgebert-ssh."


class Connection:
    """Logs in once, if sharing a connection works, and for each call otherwise."""

    def __init__(self, name: str, address: Address) -> None:
        self._name = name
        self._address = address
        self._folder: Path | None = None
        self._sharing: list[str] | None = None
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def call(
        self, arguments: Sequence[str], content: Iterable[bytes] = (), progress: Progress = silent
    ) -> str:
        """Run the agent with `content` on its standard input; gives the last line it printed.

        It never outlives the call: when its standard input ends, it ends.

        Raises:
            MissingBackendError: if a library is missing there.
            DeviceError: if the device can't be reached, or the agent fails.
        """
        agent = base64.b64encode(Path(ssh_agent.__file__).read_bytes()).decode()
        words = ["python3", "-I", "-c", _LAUNCHER, agent, *arguments]
        sharing = self._shared()
        command = [*self._ssh(*sharing), "--", self._address.destination, shlex.join(words)]
        output: list[str] = []
        errors: list[str] = []
        process: subprocess.Popen[bytes] | None = None
        try:
            with running.interrupts_wait():
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
                self._processes.add(process)
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            readers = [
                _reading(process.stdout, output, silent),
                _reading(process.stderr, errors, progress),
            ]
            with contextlib.suppress(BrokenPipeError):
                for chunk in content:
                    process.stdin.write(chunk)
                process.stdin.flush()
                while readers[0].is_alive():
                    readers[0].join(_HEARTBEAT_S)
                    process.stdin.write(b"\n")
                    process.stdin.flush()
            for reader in readers:
                reader.join()
            process.wait()
        finally:
            if process is not None:
                process.kill()
                with contextlib.suppress(BrokenPipeError), process:
                    process.wait()
                self._processes.discard(process)
        if process.returncode:
            raise self._failure(process.returncode, errors)
        return running.printed(output)

    def close(self) -> None:
        """End every call, in other threads too, and the shared connection."""
        self._closed = True
        for process in list(self._processes):
            process.kill()
        self._unshare()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _ssh(self, *options: str) -> list[str]:
        settings = [word for option in _OPTIONS for word in ("-o", option)]
        user = [] if self._address.port is None else ["-p", str(self._address.port)]
        # Neither the keys of this machine nor its screen are the device's business.
        return ["ssh", "-a", "-x", "-T", *settings, *user, *options]

    def _shared(self) -> list[str]:
        """Options that use a connection which is logged in already; none if that doesn't work."""
        if self._closed:
            raise DeviceError(f"{self._name}: closed")
        if self._sharing is not None:
            return self._sharing
        if self._folder is None:
            # Names of sockets are short, and folders for temporary files need not be.
            parent = Path("/tmp" if os.access("/tmp", os.W_OK) else tempfile.gettempdir())
            remove_abandoned(parent, _PREFIX)
            self._folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}.", dir=parent))
        socket, log = str(self._folder / "s"), str(self._folder / "log")
        # What an earlier connection said would explain this one's failure.
        Path(log).unlink(missing_ok=True)
        log_in = ["-M", "-N", "-f", "-S", socket, "-o", f"ControlPersist={_IDLE_S}", "-E", log]
        try:
            # It goes on in the background, and would hold a pipe open.
            status = self._logged_in([*self._ssh(*log_in), "--", self._address.destination])
        except FileNotFoundError:
            raise _no_client(self._name) from None
        except subprocess.TimeoutExpired:
            raise DeviceError(
                f"{self._name}: the login took more than {_LOGIN_S} s; try: ssh "
                f"{self._address.command}"
            ) from None
        self._sharing = []
        if status == 0:
            self._sharing = ["-o", "ControlMaster=no", "-S", socket]
        elif self._closed:
            raise DeviceError(f"{self._name}: closed")
        elif reason := ssh_errors.explained(self._address, self._logged()):
            self._sharing = None
            raise DeviceError(f"{self._name}: {reason}")
        if self._closed:
            self.close()
            raise DeviceError(f"{self._name}: closed")
        return self._sharing

    def _logged_in(self, command: Sequence[str]) -> int:
        """The status of a login, which `close` may end."""
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            self._processes.add(process)
            try:
                return process.wait(_LOGIN_S)
            finally:
                process.kill()
                self._processes.discard(process)

    def _logged(self) -> list[str]:
        """What the shared connection had to say."""
        try:
            log = (self._folder or Path()) / "log"
            return log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []

    def _unshare(self) -> None:
        if self._sharing:
            command = [*self._ssh(*self._sharing, "-O", "exit"), "--", self._address.destination]
            with contextlib.suppress(OSError):
                subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
        self._sharing = None

    def _failure(self, status: int, errors: Sequence[str]) -> DeviceError | MissingBackendError:
        if status == 255:
            said = [*errors, *self._logged()]
            self._unshare()
            reason = ssh_errors.explained(self._address, said) or ssh_errors.lost(errors)
            return DeviceError(f"{self._name}: {reason}")
        if self._closed:
            return DeviceError(f"{self._name}: closed while it was at work")
        if status < 0:
            return DeviceError(f"{self._name}: ssh was ended here by {_signal_name(-status)}")
        if status == _NO_PYTHON:
            return DeviceError(
                f"{self._name}: there is no python3 ({' '.join(errors[-1:])}); run there: sudo apt "
                "install python3 python3-venv"
            )
        error = running.failure(status, errors)
        return type(error)(f"{self._name}: {error}")


def _no_client(name: str) -> DeviceError:
    return DeviceError(f"{name}: the program ssh is not here; install OpenSSH's client")


def _signal_name(number: int) -> str:
    return signal.Signals(number).name


def _reading(stream: IO[bytes], lines: list[str], progress: Progress) -> threading.Thread:
    """A thread that takes the lines of a stream, of which those of the progress are told."""

    def read() -> None:
        with contextlib.suppress(ValueError):  # closed by who was interrupted
            for data in stream:
                line = data.decode(errors="replace").strip()
                if line.startswith(PROGRESS):
                    progress(line.removeprefix(PROGRESS))
                elif line:
                    lines.append(line)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread
