"""The benchmark in EdgeBERT's Android app: how it is started, and where its answer lies.

`BenchmarkActivity` is given the path of a bundle folder that holds the manifest, the tokenizer and
the one artifact to measure. It writes a `Measurement` as JSON, or `{"error": "a line"}`, beside
`out` under another name, and renames it to `out` when all of it is there.
"""

from __future__ import annotations

import json
import secrets
import shlex
import time

from edgebert.profiler import Progress
from edgebert.profiler.adb_client import Client
from edgebert_runtime.errors import DeviceError, shortened
from edgebert_runtime.measurement import Measurement, Settings

PACKAGE = "org.edgebert.demo"
_ACTIVITY = f"{PACKAGE}/.BenchmarkActivity"
_OUTPUT = f"/sdcard/Android/data/{PACKAGE}/files"
"""Where the app may write, and the shell read."""
_POLL_SECONDS = 2.0
_GRACE_SECONDS = 120.0
"""For starting, loading, and what goes beyond the budget."""


def is_installed(client: Client) -> bool:
    """Whether the device has the app."""
    answer = client.shell(f"pm path {PACKAGE}")
    return answer.status == 0 and "package:" in answer.output


def measure(client: Client, bundle: str, settings: Settings, progress: Progress) -> Measurement:
    """Let the app measure a bundle that lies on the device; the app is ended afterwards.

    Raises:
        DeviceError: if the app does not start, ends early, takes too long, or fails.
    """
    output = f"{_OUTPUT}/measurement-{secrets.token_hex(8)}.json"
    try:
        progress("the app")
        command = ["am", "start", "-W", "-S", *_extras(bundle, output, settings)]
        answer = client.shell(shlex.join(command))
        if answer.status or "Error" in answer.output + answer.errors:
            raise DeviceError(
                f"the app {PACKAGE} has no benchmark that starts: {answer.last_line}; install the "
                "app of this version of edgebert"
            )
        limit = settings.budget_seconds + settings.minutes * 60 + _GRACE_SECONDS
        return _read(_written(client, output, limit))
    finally:
        client.clean(f"am force-stop {PACKAGE}; rm -f {output}")


def _extras(bundle: str, output: str, settings: Settings) -> list[str]:
    texts = {
        "bundle": bundle,
        "out": output,
        "backend": settings.backend,
        "recipe": settings.recipe,
        "lengths": ",".join(map(str, settings.lengths)) if settings.lengths else None,
        "batches": ",".join(map(str, settings.batches)),
        "budget": str(settings.budget_seconds),
        "precision": str(settings.precision),
        "minutes": str(settings.minutes),
    }
    extras = ["-n", _ACTIVITY, "--ei", "threads", str(settings.threads)]
    for name, value in texts.items():
        if value is not None:
            extras += ["--es", name, value]
    return [*extras, "--ez", "operators", str(settings.operators).lower()]


def _written(client: Client, output: str, seconds: float) -> str:
    """The file that the app writes."""
    end = time.monotonic() + seconds
    missed = 0
    while time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
        answer = client.shell(f"[ -f {output} ] && cat {output} || pidof {PACKAGE} > /dev/null")
        if answer.output:
            return answer.output
        if answer.status:
            client.check()
            missed += 1
        # It may end between its answer and this look, but not twice.
        if missed == 2:
            raise DeviceError(
                f"the app {PACKAGE} ended before it had measured; see why with: adb logcat -b crash"
            )
    raise DeviceError(
        f"the app {PACKAGE} has not measured within {seconds:.0f} s; keep the screen on, unlocked"
    )


def _read(text: str) -> Measurement:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if isinstance(data, dict) and data.keys() == {"error"}:
        raise DeviceError(f"the app {PACKAGE}: {shortened(str(data['error']))}")
    return Measurement.from_json(text)
