"""ARM processors that QEMU plays, and instructions counted there; no root, no installation.

A processor is a folder that QEMU looks into first: the arm64 root of `arm_roots.py`, with another
/proc/cpuinfo, since libraries read there what kernels they may use.
"""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent

sys.path.insert(0, str(HERE.parent))
import arm_roots  # noqa: E402
from arm_roots import CACHE, ROOT, Processor  # noqa: E402

PROCESSORS = arm_roots.PROCESSORS["arm64"]
_TOOLS = CACHE / "arm-counting"
_PACKAGES = ("qemu-user", "libcapstone4", "liburing2")

FORMATS = {"onnx": "int8_dynamic.onnx", "tflite": "int8_dynamic.tflite"}
SHAPE = {
    "hidden_size": 312,
    "num_hidden_layers": 4,
    "num_attention_heads": 12,
    "intermediate_size": 1200,
    "max_position_embeddings": 512,
}


def prepare() -> None:
    """Make what is missing in .cache: the root, QEMU with plugins, the plugin, Python's packages.

    Debian's static QEMU takes no plugins, so the other is unpacked beside it; half a minute, of
    which the root, which needs root, takes most.
    """
    base = arm_roots.root(arm_roots.MACHINES["arm64"])
    _TOOLS.mkdir(parents=True, exist_ok=True)
    if not (_TOOLS / "usr" / "bin" / "qemu-aarch64").exists():
        subprocess.run(["apt-get", "download", "-q", *_PACKAGES], cwd=_TOOLS, check=True)
        for package in sorted(_TOOLS.glob("*.deb")):
            subprocess.run(["dpkg", "-x", package, _TOOLS], check=True)
    compile_plugin = ["gcc", "-O2", "-shared", "-fPIC", "-o", _TOOLS / "instructions.so"]
    subprocess.run([*compile_plugin, HERE / "instructions.c"], check=True)
    for wheel in _wheels():
        mark = _TOOLS / "site" / f".{wheel.name}"
        if not mark.exists():
            unpack = [sys.executable, "-m", "zipfile", "-e", wheel, _TOOLS / "site"]
            subprocess.run(unpack, check=True)
            mark.touch()
    for processor in PROCESSORS.values():
        folder = _TOOLS / processor.name
        (folder / "proc").mkdir(parents=True, exist_ok=True)
        (folder / "proc" / "cpuinfo").write_text(processor.cpuinfo(), encoding="ascii")
        for part in ("usr", "lib", "etc"):
            if not (folder / part).is_symlink():
                (folder / part).symlink_to(base / part)


def versions() -> dict[str, str]:
    """Of what is counted, and of what counts."""
    found = {
        name: version
        for wheel in _wheels()
        for name, version, *_ in [wheel.name.split("-")]
        if name in ("numpy", "onnxruntime", "ai_edge_litert")
    }
    (qemu,) = (package.name.split("_")[1] for package in _TOOLS.glob("qemu-user_*.deb"))
    return {**found, "qemu": urllib.parse.unquote(qemu)}


def _wheels() -> list[Path]:
    # edgebert itself comes from this checkout.
    return [
        each for each in sorted(arm_roots.wheelhouse().glob("*.whl")) if "edgebert" not in each.name
    ]


def run(
    processor: Processor,
    program: Path,
    arguments: list[str],
    counts: Path,
    *,
    blocks: bool = False,
) -> str:
    """What a Python program prints there; the plugin's lines are written to `counts`.

    With `blocks` there are lines for blocks of instructions, too.

    Raises:
        RuntimeError: with the program's output, if it fails.
    """
    prefix = _TOOLS / processor.name
    path = f"{_TOOLS / 'site'}:{ROOT / 'runtime'}"
    # A fixed seed, so that dicts of strings take the same way each time.
    inner = {"PYTHONPATH": path, "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
    inner |= {"LD_LIBRARY_PATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [
            str(_TOOLS / "usr/bin/qemu-aarch64"),
            *("-plugin", f"{_TOOLS / 'instructions.so'},counts={counts}{',blocks=on' * blocks}"),
            *("-cpu", processor.option, "-L", str(prefix)),
            *(part for pair in inner.items() for part in ("-E", "=".join(pair))),
            str(prefix / "usr/bin/python3.11"),
            str(program),
            *arguments,
        ],
        env={**os.environ, "LD_LIBRARY_PATH": str(_TOOLS / "usr/lib/x86_64-linux-gnu")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{program.name} on {processor.name}: {done.stdout}{done.stderr}")
    return done.stdout


def converted(folder: Path) -> Path:
    """A bundle of the shape, with this code's exporters; half a minute and more."""
    sys.path.insert(0, str(ROOT / "tests"))
    import students

    import edgebert

    checkpoint = students.checkpoint(folder.parent / "checkpoint", **SHAPE)
    options = edgebert.ConvertOptions(formats=tuple(FORMATS), force=True)
    edgebert.convert(checkpoint, folder, options)
    return folder
