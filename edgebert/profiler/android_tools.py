"""The benchmark programs that are known, and what their files and their --help say of them."""

from __future__ import annotations

import re
from pathlib import Path

from edgebert.profiler.android_benchmark_model import BenchmarkModel
from edgebert.profiler.android_perf_test import PerfTest
from edgebert.profiler.android_tool import Tool
from edgebert_runtime.errors import DeviceError, shortened

_ABIS = {0x03: "x86", 0x28: "armeabi-v7a", 0x3E: "x86_64", 0xB7: "arm64-v8a", 0xF3: "riscv64"}
"""Machine in the header of an ELF file → Android's name for it."""
_VERSION = re.compile(r"\bversion:?\s+v?([0-9]+(?:\.[0-9]+)+[0-9A-Za-z.+-]*)", re.IGNORECASE)


_TOOLS: tuple[Tool, ...] = (PerfTest(), BenchmarkModel())


def is_known(text: str) -> bool:
    """Whether a text is what a known tool prints about its options."""
    return any(sign in text for tool in _TOOLS for sign in tool.signs)


def tool_of(name: str, help_text: str) -> Tool:
    """The tool that says so in the text of its --help, or has such a name.

    Raises:
        DeviceError: if it is none that is known.
    """
    for text in (help_text, name):
        for tool in _TOOLS:
            if any(sign in text for sign in tool.signs):
                return tool
    raise DeviceError(
        f"tool {shortened(name)} is neither LiteRT's benchmark_model nor ONNX Runtime's "
        "onnxruntime_perf_test, by its name and its --help"
    )


def version_of(help_text: str) -> str | None:
    """The version that a tool tells, if it does."""
    found = _VERSION.search(help_text)
    return found[1] if found else None


def abi_of(path: Path) -> str | None:
    """Which devices a program is for, by its ELF header; None if it has none."""
    with path.open("rb") as stream:
        head = stream.read(20)
    if head[:4] != b"\x7fELF" or len(head) < 20:
        return None
    machine = int.from_bytes(head[18:20], "big" if head[5] == 2 else "little")
    return _ABIS.get(machine, f"machine {machine:#x}")
