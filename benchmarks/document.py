"""The part of a document that a script of this folder writes, between its own mark and an end."""

from __future__ import annotations

from pathlib import Path

_END = "<!-- /figures -->"


def section(script: str, text: str) -> str:
    """Text between the marks of a script, such as "tasks.py"."""
    return f"<!-- figures: benchmarks/{script} -->\n{text}\n{_END}"


def write(path: Path, section: str) -> None:
    """Put a section in the place of the one that has its mark, and print it."""
    start = section.partition("\n")[0]
    before, _, rest = path.read_text(encoding="utf-8").partition(start)
    _, _, after = rest.partition(_END)
    path.write_text(before + section + after, encoding="utf-8")
    print(section)
