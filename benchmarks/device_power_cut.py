"""Bundles as a power cut leaves them while they are copied: on paper, and on a real file system.

On paper, a file ends at some size, or has its full size and zeros from some block on, which is
what ext4 leaves of a file whose size was written before its data. On a real file system, the disk
is an image mounted through a loop device; a copy of the image, made while it is mounted, is what a
cut at that moment leaves, and mounting that copy replays its journal as the next start would.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

_BLOCK = 4096
_PIECE = 256 * 1024
_IMAGE_BYTES = 96 * 1024 * 1024


def cut_sizes(size: int, count: int) -> list[int]:
    """Sizes below `size` to cut a file at: both ends, block borders, and `count` between."""
    between = {size * index // (count + 1) for index in range(count + 1)}
    blocks = {each // _BLOCK * _BLOCK for each in between}
    ends = {0, 1, _BLOCK - 1, _BLOCK, _BLOCK + 1, size // 2, size - 2, size - 1}
    return sorted(each for each in between | blocks | ends if 0 <= each < size)


def interrupted_copies(bundle: Path, work: Path, count: int) -> Iterator[tuple[str, Path]]:
    """The bundle, a folder or a file, cut in many ways one after another.

    Files are copied in both orders of their names: what comes before the cut is whole, what comes
    behind it is missing. Yields what was done, and the path; the next step removes it.
    """
    if bundle.is_file():
        copy = work / bundle.name
        for label in _spoilt(bundle, copy, count):
            yield label, copy
        return
    names = sorted(path.name for path in bundle.iterdir())
    for order in (names, names[::-1]):
        for position, name in enumerate(order):
            copy = work / bundle.name
            copy.mkdir()
            for whole in order[:position]:
                (copy / whole).hardlink_to(bundle / whole)
            yield f"without {', '.join(order[position:])}", copy
            for label in _spoilt(bundle / name, copy / name, count):
                yield label, copy
            for label in _spoilt(bundle / name, copy / name, count, rest=bundle):
                yield label, copy
            shutil.rmtree(copy)


def _spoilt(source: Path, copy: Path, count: int, rest: Path | None = None) -> Iterator[str]:
    """Cut the file at each size, then fill it with zeros; with `rest`, beside all other files."""
    content = source.read_bytes()
    if rest is not None:
        for other in rest.iterdir():
            if other.name != source.name and not (copy.parent / other.name).exists():
                (copy.parent / other.name).hardlink_to(other)
    beside = "the rest whole" if rest else "the rest missing"
    for size in cut_sizes(len(content), count):
        copy.write_bytes(content[:size])
        yield f"{source.name} cut at {size} of {len(content)} bytes, {beside}"
        zeros = bytes(len(content) - size)
        # A tail that is zeros anyway is no damage.
        if zeros != content[size:]:
            copy.write_bytes(content[:size] + zeros)
            yield f"{source.name} zeros from {size} of {len(content)} bytes on, {beside}"
    copy.unlink()


def cut_disks(bundle: Path, work: Path, mode: str, moments: int) -> Iterator[tuple[str, Path]]:
    """The bundle on disks whose power went at `moments` moments of a copy, and after its end.

    Args:
        bundle: a folder.
        work: an empty folder on a file system with 200 MB to spare.
        mode: of ext4's journal: "ordered", or "writeback", which may write sizes before data.
        moments: how many; every second one follows an fsync of the file being written.

    Yields what was done, and the place where the bundle was to be. The last one is after a sync:
    that bundle has to be whole.

    Raises:
        subprocess.CalledProcessError: if this system mounts no images.
    """
    image, live = work / "disk.img", work / "live"
    live.mkdir()
    with image.open("wb") as file:
        file.truncate(_IMAGE_BYTES)
    _quietly("mkfs.ext4", "-q", "-F", str(image))
    with _mounted(image, live, f"loop,data={mode},commit=1"):
        pieces = sum(-(-path.stat().st_size // _PIECE) for path in bundle.iterdir())
        every = max(1, pieces // moments)
        for index, label in enumerate(_copied_by_pieces(bundle, live / bundle.name)):
            if index % every == 0:
                if index // every % 2:
                    os.fsync(label[1])
                yield from _after_cut(image, work, bundle.name, f"{mode}: {label[0]}")
        yield from _after_cut(image, work, bundle.name, f"{mode}: copied, not synchronized")
        _quietly("sync", "--file-system", str(live))
        yield from _after_cut(image, work, bundle.name, f"{mode}: synchronized")


def _copied_by_pieces(source: Path, target: Path) -> Iterator[tuple[str, int]]:
    target.mkdir()
    for path in sorted(source.iterdir()):
        with path.open("rb") as read, (target / path.name).open("wb", buffering=0) as written:
            while piece := read.read(_PIECE):
                written.write(piece)
                yield f"{path.name} at {written.tell()} bytes", written.fileno()


def _after_cut(image: Path, work: Path, name: str, label: str) -> Iterator[tuple[str, Path]]:
    snapshot, place = work / "cut.img", work / "after"
    _quietly("cp", "--sparse=always", str(image), str(snapshot))
    place.mkdir(exist_ok=True)
    with _mounted(snapshot, place, "loop"):
        yield label, place / name


@contextlib.contextmanager
def _mounted(image: Path, place: Path, options: str) -> Iterator[None]:
    _quietly("mount", "-t", "ext4", "-o", options, str(image), str(place))
    try:
        yield
    finally:
        _quietly("umount", "--lazy", str(place))


def _quietly(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
