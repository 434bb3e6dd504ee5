"""Profile through ssh on an arm64 machine that QEMU plays: installing there, measuring, facts.

    .venv/bin/python benchmarks/ssh_arm64.py

Needs root and Debian's packages (it installs what is missing); keeps the root, the wheelhouse and
the bundle in .cache. Prints what a person would see. That it works is the result: speed under an
emulator says nothing, and the report says whose it is.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "profiler")]
import ssh_server  # noqa: E402
import this_machine  # noqa: E402
from arm_roots import CACHE, MACHINES, environment, inside, root, wheelhouse  # noqa: E402

import edgebert  # noqa: E402
from edgebert.profiler.ssh import Ssh  # noqa: E402
from edgebert_runtime.measurement import Settings  # noqa: E402

MACHINE = MACHINES["arm64"]
BACKENDS = ("onnx", "tflite")


def main() -> None:
    """Log in, set up, measure each backend, and print what was seen."""
    for tool, package in (
        ("sshd", "openssh-server"),
        ("ssh", "openssh-client"),
        ("debootstrap", "debootstrap"),
        ("qemu-aarch64-static", "qemu-user-static"),
    ):
        this_machine.need(tool, package)
    folder = root(MACHINE)
    shutil.rmtree(folder / "root" / ".cache", ignore_errors=True)
    variables = [f"{name}={value}" for name, value in environment(MACHINE).items()]
    login = [*inside(MACHINE, folder), "/usr/bin/env", "-i", "--chdir=/root", *variables, "/bin/sh"]
    with tempfile.TemporaryDirectory() as temporary:
        shell = f"exec {shlex.join(login)}"
        server = ssh_server.Server(Path(temporary) / "server", Path("/root/.cache"), shell)
        server.start()
        os.environ["PATH"] = f"{server.client()}:{os.environ['PATH']}"
        device = Ssh(server.address, wheelhouse())
        try:
            profile(device)
        finally:
            device.close()
            server.stop()


def profile(device: Ssh) -> None:
    """One short measurement of each backend."""
    began = time.monotonic()

    def say(step: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {step}", flush=True)

    say(str(device.state().remark))
    for backend in BACKENDS:
        settings = Settings(backend, lengths=(16,), budget_seconds=5)
        measured = json.loads(device.measure(bundle(), settings, say).to_json())
        facts = measured.pop("facts")
        (timing,) = measured["lengths"]
        say(f"{backend} {measured['recipe']}: p50 {timing['p50_ms']:.1f} ms, {timing['runs']} runs")
        say(json.dumps({name: measured[name] for name in ("startup", "memory")}))
        say("; ".join(measured["conditions"]["marks"]) or "nothing disturbed it")
        say(json.dumps(facts))
    state = device.state()
    say(f"python {state.python}, {dict(state.libraries)}, {state.free_bytes:,} bytes free")


def bundle() -> Path:
    """The shipped student as a bundle of TFLite and ONNX, kept in .cache."""
    output = CACHE / "arm-bundle"
    if not output.is_dir():
        options = edgebert.ConvertOptions(formats=("onnx", "tflite"), lengths=(16, 32, 64))
        edgebert.convert(ROOT / "models/film-sentiment", output, options)
    return output


if __name__ == "__main__":
    main()
