"""When to stop, when to report, and what systemd wants to hear: no thread, no dependency."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable

TICK_S = 1.0
"""The longest that anything here waits before it looks at signals and the watchdog again."""


class Lifecycle:
    """Signals set flags; the serving loop looks at them between two messages."""

    def __init__(self, report_every_s: float) -> None:
        self.stopping = False
        self._report_every_s = report_every_s
        self._next_report = time.monotonic() + report_every_s
        self._next_ping = 0.0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGUSR1, self._ask)

    def tick(self, report: Callable[[], None]) -> None:
        """Feed the watchdog, and report where it is time or where SIGUSR1 asked for it."""
        now = time.monotonic()
        if now >= self._next_ping:
            self._next_ping = now + TICK_S
            notify("WATCHDOG=1")
        if now >= self._next_report:
            self._next_report = now + self._report_every_s
            report()

    def _stop(self, number: int, frame: object) -> None:
        self.stopping = True
        # A second one ends the process at once.
        signal.signal(number, signal.SIG_DFL)

    def _ask(self, number: int, frame: object) -> None:
        self._next_report = 0.0


def notify(state: str) -> None:
    """Tell systemd, as sd_notify(3) does; nothing where nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        datagrams.sendto(state.encode(), address)
