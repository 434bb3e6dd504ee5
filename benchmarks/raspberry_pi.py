"""The Raspberry Pi example inside Debian roots for ARM, under QEMU: same answers, and its memory.

    .venv/bin/python benchmarks/raspberry_pi.py                 arm64 and armhf
    .venv/bin/python benchmarks/raspberry_pi.py --only armhf    one; the other's figures stay

Writes benchmarks/raspberry_pi.json and the example's README. Needs root and Debian's packages (it
installs what is missing); keeps the roots in .cache. The answers of x86-64 are the standard. Speed
under an emulator says nothing, and none is given.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FIGURES = HERE / "raspberry_pi.json"

sys.path[:0] = [str(HERE.parent / "tests"), str(HERE.parent / "tests" / "examples")]
import document  # noqa: E402
import mosquitto  # noqa: E402
import same_answers  # noqa: E402
import this_machine  # noqa: E402
from arm_roots import (  # noqa: E402
    CACHE,
    MACHINES,
    ROOT,
    Machine,
    environment,
    inside,
    packages,
    resident_bytes,
    root,
    wheel,
)

EXAMPLE = ROOT / "examples" / "raspberry_pi"
README = EXAMPLE / "README.md"
LENGTHS = (16, 32, 64)
PATIENCE_S = 900


def main() -> None:
    """Measure, and write the JSON file and the README's section."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--only", choices=MACHINES)
    only = parser.parse_args().only
    names = [only] if only else list(MACHINES)
    for tool, package in (
        ("debootstrap", "debootstrap"),
        ("qemu-aarch64-static", "qemu-user-static"),
        ("mosquitto", "mosquitto"),
        ("mosquitto_pub", "mosquitto-clients"),
    ):
        this_machine.need(tool, package)
    bundle, texts = converted(), sentences()
    here = {
        backend: answered([sys.executable], bundle, backend, texts, outside())
        for backend in ("tflite", "onnx")
    }
    figures = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    figures["x86-64"] = {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "backends": {
            backend: {
                "library": library(backend, packages([sys.executable])),
                "resident_bytes": each["metrics"]["resident_bytes"],
            }
            for backend, each in here.items()
        },
    }
    for name in names:
        figures[name] = measure(MACHINES[name], bundle, texts, here)
        FIGURES.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    document.write(README, section(figures))


def converted() -> Path:
    """The shipped student as a bundle of TFLite and ONNX, kept in .cache."""
    bundle = CACHE / "arm-bundle"
    if not bundle.is_dir():
        command = [sys.executable, "-m", "edgebert", "convert", str(ROOT / "models/film-sentiment")]
        lengths = ",".join(map(str, LENGTHS))
        options = ["-o", str(bundle), "--formats", "onnx,tflite", "--lengths", lengths]
        subprocess.run([*command, *options], check=True)
    return bundle


def sentences() -> list[str]:
    """The converters' own sentences: there are long ones among them, and Chinese."""
    path = ROOT / "converters" / "edgebert_converters" / "sentences.txt"
    return path.read_text(encoding="utf-8").splitlines()


def outside() -> dict[str, str]:
    """Variables for the service on this machine."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "runtime"), "OMP_NUM_THREADS": "1"}


def installed(machine: Machine, folder: Path, bundle: Path) -> dict[str, str]:
    """Install this tree's wheel, the example and a bundle there; gives what pip then lists."""
    run = inside(machine, folder)
    given = folder / "root" / "given"
    shutil.rmtree(given, ignore_errors=True)
    shutil.copytree(EXAMPLE, given / "example", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(bundle, given / "bundle")
    install = ["/root/given/example/install.sh", f"/root/given/{wheel(given).name}"]
    subprocess.run(
        [*run, *install, "/root/given/bundle"],
        env=environment(machine),
        check=True,
        stdout=sys.stderr,
    )
    python = [*run, "/opt/edgebert/venv/bin/python"]
    if machine.more:
        more = ["-m", "pip", "install", "--only-binary=:all:", *machine.more]
        subprocess.run([*python, *more], env=environment(machine), check=True, stdout=sys.stderr)
    return packages(python, environment(machine))


def answered(
    command: list[str], bundle: Path, backend: str, texts: list[str], variables: dict[str, str]
) -> dict[str, Any]:
    """Answers of the service to these lines, and its metrics."""
    script = EXAMPLE if command == [sys.executable] else Path("/opt/edgebert")
    options = ["--backend", backend, "--threads", "1"]
    done = subprocess.run(
        [*command, str(script / "service.py"), str(bundle), *options],
        input="\n".join(texts),
        capture_output=True,
        text=True,
        env=variables,
        timeout=PATIENCE_S,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return {"answers": answers, "metrics": json.loads(done.stderr.splitlines()[-1])}


def measure(
    machine: Machine, bundle: Path, texts: list[str], here: dict[str, Any]
) -> dict[str, Any]:
    """Install and run the example in one root, by lines and by a broker of this machine."""
    started = time.monotonic()
    folder = root(machine)
    libraries = installed(machine, folder, bundle)
    python = [*inside(machine, folder), "/opt/edgebert/venv/bin/python"]
    variables = environment(machine)
    backends: dict[str, Any] = {}
    for backend in machine.backends:
        place = Path("/opt/edgebert/bundle")
        lines = answered(python, place, backend, texts, variables)["answers"]
        messages, resident = by_broker(python, backend, texts, variables)
        if [each["label"] for each in messages] != [each["label"] for each in lines]:
            raise SystemExit(f"{machine.debian} {backend}: messages and lines differ")
        figures = same_answers.compared(here[backend]["answers"], lines)
        if faults := same_answers.faults(figures, "int8_dynamic"):
            raise SystemExit(f"{machine.debian} {backend}: {'; '.join(faults)}")
        backends[backend] = {
            "library": library(backend, libraries),
            **figures,
            "resident_bytes": resident,
        }
    return {
        "date": datetime.date.today().isoformat(),
        "processor": machine.processor.name,
        "minutes": round((time.monotonic() - started) / 60, 1),
        "packages": libraries,
        "backends": backends,
    }


def by_broker(
    python: list[str], backend: str, texts: list[str], variables: dict[str, str]
) -> tuple[list[dict[str, Any]], int]:
    """Answers through a broker on this machine, and the service's resident bytes after them."""
    with tempfile.TemporaryDirectory() as folder:
        broker = mosquitto.Broker(Path(folder), this_machine.free_port())
        broker.start()
        try:
            answers = broker.listen("edgebert/answers", PATIENCE_S)
            state = broker.listen("edgebert/state", PATIENCE_S)
            options = ["--backend", backend, "--threads", "1"]
            where = ["--mqtt", "127.0.0.1", "--port", str(broker.port)]
            service = subprocess.Popen(
                [*python, "/opt/edgebert/service.py", "/opt/edgebert/bundle", *options, *where],
                env=variables,
                stderr=subprocess.PIPE,
            )
            state.wait_for("online")
            broker.publish("-l", "-q", "1", lines="\n".join(texts).encode())
            got = [json.loads(answers.next()) for _ in texts]
            resident = resident_bytes(service.pid)
            service.send_signal(signal.SIGTERM)
            state.wait_for("offline")
            if service.wait(PATIENCE_S):
                raise SystemExit(f"status {service.returncode} after SIGTERM")
        finally:
            broker.close()
    return got, resident


def section(figures: dict[str, Any]) -> str:
    """The part of the README that this script writes."""
    rows = ["| | interpreter | equal labels | largest difference of a score | resident, MB |"]
    rows.append("|---|---|---|---|---|")
    for name in ("x86-64", *MACHINES):
        for each in figures.get(name, {"backends": {}})["backends"].values():
            cells = ["", ""]
            if "sentences" in each:
                equal = f"{each['equal_labels']} of {each['sentences']}"
                cells = [equal, f"{each['largest_difference']:.4f}"]
            resident = f"{each['resident_bytes'] / 1e6:.0f}"
            rows.append(f"| {' | '.join([name, each['library'], *cells, resident])} |")
    played = [
        f"{name} is QEMU's {figures[name]['processor']} ({figures[name]['date']}, "
        f"{figures[name]['minutes']} minutes)"
        for name in MACHINES
        if name in figures
    ]
    caption = (
        f"Debian 12 roots with Python 3.11; {'; '.join(played)}. x86-64: Python "
        f"{figures['x86-64']['python']}. By `benchmarks/raspberry_pi.py`."
    )
    return document.section("raspberry_pi.py", "\n".join([*rows, "", caption]))


def library(backend: str, versions: dict[str, str]) -> str:
    """Name and version of the library that a backend runs on."""
    names = {"tflite": ("ai-edge-litert", "tflite-runtime"), "onnx": ("onnxruntime",)}[backend]
    return next(f"{name} {versions[name]}" for name in names if name in versions)


if __name__ == "__main__":
    main()
