"""The `adb` client: commands on one Android device, and files to it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from edgebert.profiler.running import interrupts_wait
from edgebert_runtime.errors import DeviceError, InputError, shortened

_SERIAL = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._:%\[\]-]{0,127}", re.ASCII)
_ADDRESS = "adb, or adb:SERIAL with a serial of 'adb devices'"
_SECONDS = 30.0
"""For a command that only looks."""
_CLEANING_SECONDS = 10.0
_SLOWEST_BYTES_PER_SECOND = 200_000
_MOST_BYTES = 32 * 1024 * 1024
_NO_SPACE = "No space left"
_BROKEN = (
    "error: closed",
    "error: device ",
    "error: no devices",
    "error: protocol fault",
    "adb: error: failed to get feature set",
    "adb: device ",
    "adb: no devices",
)
"""How adb begins when it is the connection that failed, whatever ran on the device."""
_ADVICE = {
    "unauthorized": "it does not trust this computer; unlock it and allow USB debugging on its "
    "screen",
    "authorizing": "it is being asked whether it trusts this computer; unlock it and try again",
    "offline": "it does not answer; unplug it and plug it in again, or run: adb reconnect",
    "connecting": "its connection is not made yet; try again, or run: adb reconnect",
    "no permissions": "this user may not open it; install Debian's "
    "android-sdk-platform-tools-common, or udev rules for it, and plug it in again",
}


@dataclass(frozen=True)
class Answer:
    """What a command on the device said."""

    status: int
    output: str
    errors: str

    @property
    def last_line(self) -> str:
        """The last thing that it said, on one line fit for a message."""
        for text in (self.errors, self.output):
            for line in reversed(text.splitlines()):
                if shown := "".join(filter(str.isprintable, line)).strip():
                    return shown[:200]
        return "no message"


@dataclass(frozen=True)
class Meanwhile:
    """What to do once if a command still runs after some seconds."""

    after_seconds: float
    call: Callable[[], object]


def serial_of(address: str) -> str | None:
    """The serial in `adb:SERIAL`; None for a plain `adb`.

    Raises:
        InputError: for anything else.
    """
    if address == "adb":
        return None
    serial = address.removeprefix("adb:")
    if serial == address or not _SERIAL.fullmatch(serial):
        raise InputError(f"device: got {shortened(address)}, expected {_ADDRESS}")
    return serial


class Client:
    """One device. No process of `adb` outlives the call that started it; the server stays."""

    def __init__(self, serial: str | None) -> None:
        self._wanted = serial
        self._serial: str | None = None
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    @property
    def name(self) -> str:
        """The device, for messages."""
        serial = self._serial or self._wanted
        return "the Android device" if serial is None else f"Android device {serial}"

    def connect(self) -> None:
        """Find the device, and that it takes commands.

        Raises:
            DeviceError: if `adb` is missing, or the device is not there or not ready.
        """
        devices = self._devices()
        wanted = self._serial or self._wanted
        if wanted is None:
            if not devices:
                raise DeviceError(
                    "no Android device is connected; plug one in, switch on USB debugging in its "
                    "developer options, and look for it with: adb devices"
                )
            if len(devices) > 1:
                raise DeviceError(
                    f"several Android devices are connected; choose one of "
                    f"{', '.join('adb:' + serial for serial in devices)}"
                )
            (wanted,) = devices
        state = devices.get(wanted)
        if state is None:
            there = ", ".join(devices) or "none"
            reach = f"run: adb connect {wanted}" if ":" in wanted else "plug it in"
            raise DeviceError(
                f"Android device {wanted} is not connected (there: {there}); {reach}, and look "
                "for it with: adb devices"
            )
        if state != "device":
            advice = next(
                (advice for sign, advice in _ADVICE.items() if state.startswith(sign)),
                "start Android on it",
            )
            shown = "".join(filter(str.isprintable, state))[:80]
            raise DeviceError(f"Android device {wanted} is {shown}: {advice}")
        self._serial = wanted

    def shell(
        self,
        command: str,
        seconds: float = _SECONDS,
        meanwhile: Meanwhile | None = None,
    ) -> Answer:
        """Run a line of the device's shell.

        Raises:
            DeviceError: if the device goes away, or does not answer within `seconds`.
        """
        answer = self._run(["shell", "-n", "-T", command], seconds, meanwhile)
        if answer.status and answer.errors.startswith(_BROKEN):
            raise self._broken(answer)
        return answer

    def clean(self, command: str) -> None:
        """Run a line of the device's shell if that can be done, even while being closed."""
        if self._serial is not None:
            with contextlib.suppress(DeviceError):
                arguments = ["-s", self._serial, "shell", "-n", "-T", command]
                self._wait(arguments, _CLEANING_SECONDS, None, closable=False)

    def push(self, source: Path, target: str) -> None:
        """Copy a file, or all that a folder holds, to a path of the device.

        Raises:
            DeviceError: if the device goes away, or its disk is full.
        """
        files = [source] if source.is_file() else list(source.rglob("*"))
        size = sum(path.stat().st_size for path in files if path.is_file())
        what = str(source) if source.is_file() else f"{source}/."
        answer = self._run(["push", what, target], _SECONDS + size / _SLOWEST_BYTES_PER_SECOND)
        if answer.status == 0:
            return
        if _NO_SPACE in answer.output + answer.errors:
            raise DeviceError(
                f"the disk of {self.name} is full: {size} bytes do not fit; make room, for "
                "instance with: adb shell rm -r /data/local/tmp/edgebert"
            )
        if answer.errors.startswith(_BROKEN):
            raise self._broken(answer)
        raise DeviceError(f"{self.name} does not take {target}: {answer.last_line}")

    def close(self) -> None:
        """End what any thread waits for, but for cleaning up; nothing else can be run again."""
        self._closed = True
        with self._lock:
            processes = list(self._processes)
        for process in processes:
            process.kill()

    def check(self) -> None:
        """Look whether a device that was there is there still.

        Raises:
            DeviceError: if not.
        """
        try:
            self.connect()
        except DeviceError as error:
            raise DeviceError(
                f"{self.name} went away meanwhile; connect it again and measure again ({error})"
            ) from None

    def _broken(self, answer: Answer) -> DeviceError:
        self.check()
        return DeviceError(
            f"{self.name} broke off the connection ({answer.last_line}); measure again"
        )

    def _devices(self) -> dict[str, str]:
        """Serial → state, as `adb devices` lists them."""
        answer = self._wait(["devices"], _SECONDS, None)
        if answer.status:
            raise DeviceError(
                f"adb does not work here ({answer.last_line}); try: adb kill-server; adb devices"
            )
        lines = (line.partition("\t") for line in answer.output.splitlines())
        return {serial.strip(): state.strip() for serial, tab, state in lines if tab}

    def _run(
        self, arguments: Sequence[str], seconds: float, meanwhile: Meanwhile | None = None
    ) -> Answer:
        if self._serial is None:
            self.connect()
        assert self._serial is not None
        return self._wait(["-s", self._serial, *arguments], seconds, meanwhile)

    def _wait(
        self,
        arguments: Sequence[str],
        seconds: float,
        meanwhile: Meanwhile | None,
        *,
        closable: bool = True,
    ) -> Answer:
        program = shutil.which("adb")
        if program is None:
            raise DeviceError(
                "adb is not installed; install it, on Debian with: apt-get install adb"
            )
        process: subprocess.Popen[bytes] | None = None
        # Files, because a server that adb starts would hold pipes open, and because a tool may
        # print without end.
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            try:
                with interrupts_wait():
                    # A session of its own: Ctrl-C must not reach the commands that clean up.
                    process = subprocess.Popen(
                        [program, *arguments],
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=errors,
                        start_new_session=True,
                    )
                if closable:
                    with self._lock:
                        self._processes.add(process)
                    if self._closed:
                        raise DeviceError(f"{self.name}: closed")
                if meanwhile is not None:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(meanwhile.after_seconds)
                    if process.poll() is None:
                        meanwhile.call()
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                raise DeviceError(
                    f"{self.name} did not answer within {seconds:.0f} s; look at it, and try: "
                    "adb reconnect"
                ) from None
            except OSError as error:
                raise DeviceError(f"adb cannot be run: {error}") from None
            finally:
                if process is not None:
                    with self._lock:
                        self._processes.discard(process)
                    process.kill()
                    process.wait()
            if closable and self._closed:
                raise DeviceError(f"{self.name}: closed while it was at work")
            return Answer(process.returncode, _text(output), _text(errors))


def _text(stream: IO[bytes]) -> str:
    """The end of it, if it is too much."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _MOST_BYTES))
    return stream.read().decode("utf-8", errors="replace")
