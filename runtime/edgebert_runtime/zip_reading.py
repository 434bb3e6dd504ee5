"""The zip form of a bundle, read strictly, as far as a bundle needs it.

Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory) and
4.3.16 (end record); RFC 1951. What a bundle has no use for is refused, not skipped: zip64, several
disks, encryption, links, methods other than stored and deflate, entries that share bytes, headers
that contradict each other. Memory is bounded before anything is read: by `_MOST_DIRECTORY_BYTES`
for the directory, by `_CHUNK` for content.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, NoReturn

MOST_RATIO = 100
"""An entry may unfold to so many times what it takes in the file, and `FREE_BYTES` more."""
FREE_BYTES = 1024 * 1024

_CHUNK = 1024 * 1024
_MOST_ENTRIES = 1000
_MOST_DIRECTORY_BYTES = 1024 * 1024

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_ZIP64_LOCATOR_BYTES = 20
_IN_ZIP64 = 0xFFFFFFFF

_ENCRYPTED = 1 | 1 << 6 | 1 << 13
_SIZES_FOLLOW = 1 << 3
_UTF_8 = 1 << 11
_KNOWN_FLAGS = _ENCRYPTED | 0b110 | _SIZES_FOLLOW | _UTF_8
_STORED, _DEFLATED = 0, 8


class ZipError(Exception):
    """The file is no zip file, or not one that a bundle may be."""


@dataclass(frozen=True)
class _Entry:
    name: bytes
    flags: int
    method: int
    crc: int
    compressed: int
    size: int
    mode: int
    """Unix file type and permissions; 0 where the writer gave none."""
    start: int
    """Of its local header in the file."""

    @property
    def shown(self) -> str:
        return self.name.decode("utf-8" if self.flags & _UTF_8 else "cp437", "backslashreplace")


class ZipReader:
    """The entries of a zip file that is open for reading and seeking."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Read the central directory.

        Raises:
            ZipError: if there is none, or one that a bundle may not have.
            OSError: if reading fails.
        """
        self._stream = stream
        self._entries, self._directory_start = _directory(stream)

    def names(self) -> list[str]:
        """Names of all entries, as the directory has them."""
        return [entry.shown for entry in self._entries]

    def content(self, name: str, most: int) -> Iterator[bytes]:
        """The content of the one entry of that name, in parts of at most a megabyte.

        Raises:
            ZipError: if there is not exactly one, it is of more than `most` bytes, or is not what
                its headers say.
            OSError: if reading fails.
        """
        found = [entry for entry in self._entries if entry.name == name.encode()]
        if len(found) != 1:
            raise ZipError(f"{len(found)} entries, expected exactly one entry of that name")
        (entry,) = found
        _check(entry, most)
        self._stream.seek(self._data_start(entry))
        checksum, size = 0, 0
        for part in _inflated(self._stream, entry):
            checksum, size = zlib.crc32(part, checksum), size + len(part)
            if size > entry.size:
                break
            yield part
        if size != entry.size:
            raise ZipError(f"more or less content than the {entry.size} bytes of its zip header")
        if checksum != entry.crc:
            raise ZipError(f"Bad CRC-32 for file {name!r}")

    def _data_start(self, entry: _Entry) -> int:
        """Where the content begins: behind a local header that says the same as the directory."""
        self._stream.seek(entry.start)
        header = self._stream.read(_LOCAL.size)
        if len(header) != _LOCAL.size or header[:4] != b"PK\3\4":
            _differ("no local header")
        _, _, flags, method, _, _, crc, compressed, size, name_bytes, extra = _LOCAL.unpack(header)
        if self._stream.read(name_bytes) != entry.name:
            _differ("name")
        if (flags, method) != (entry.flags, entry.method):
            _differ("flags or method")
        said = (crc, compressed, size)
        if said != (entry.crc, entry.compressed, entry.size) and not flags & _SIZES_FOLLOW:
            _differ("sizes")
        start: int = entry.start + _LOCAL.size + name_bytes + extra
        others = [each.start for each in self._entries if each is not entry]
        behind = min(
            (each for each in others if each >= entry.start), default=self._directory_start
        )
        least = [
            each.start + _LOCAL.size + len(each.name) + each.compressed
            for each in self._entries
            if each.start < entry.start
        ]
        if start + entry.compressed > behind or max(least, default=0) > entry.start:
            raise ZipError("bad zip file: it shares bytes with another entry or the directory")
        return start


def _differ(what: str) -> NoReturn:
    raise ZipError(f"bad zip file: its local header and the directory differ: {what}")


def _check(entry: _Entry, most: int) -> None:
    """Refuse before a byte is inflated what could not be right, or could not be read safely."""
    if entry.flags & _ENCRYPTED:
        raise ZipError("encrypted zip entry")
    if entry.flags & ~_KNOWN_FLAGS:
        raise ZipError("a zip entry with flags that nobody knows")
    if entry.method not in (_STORED, _DEFLATED):
        raise ZipError("compressed with a method other than deflate")
    if stat.S_IFMT(entry.mode) not in (0, stat.S_IFREG):
        raise ZipError("not a regular file but a link, folder or device")
    if _IN_ZIP64 in (entry.size, entry.compressed, entry.start):
        raise ZipError("a zip64 entry, which a bundle has no use for")
    if entry.size > most:
        raise ZipError(f"more than {most} bytes")
    if entry.size > MOST_RATIO * entry.compressed + FREE_BYTES:
        raise ZipError(
            f"{entry.size} bytes in {entry.compressed}: more than {MOST_RATIO} times as many"
        )


def _inflated(stream: IO[bytes], entry: _Entry) -> Iterator[bytes]:
    """What the entry's compressed bytes, and no others, stand for; never more than `_CHUNK`."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS) if entry.method == _DEFLATED else None
    left = entry.compressed
    while left:
        packed = stream.read(min(left, _CHUNK))
        if not packed:
            raise ZipError("the zip file ends in the middle of it")
        left -= len(packed)
        if inflater is None:
            yield packed
            continue
        while packed:
            if inflater.eof:
                raise ZipError("bad zip file: bytes behind the end of its compressed content")
            try:
                yield inflater.decompress(packed, _CHUNK)
            except zlib.error as error:
                raise ZipError(f"bad zip file: {error}") from None
            packed = inflater.unconsumed_tail or inflater.unused_data
    while inflater is not None and not inflater.eof:
        # What the last bytes stand for may be longer than one part.
        part = inflater.decompress(b"", _CHUNK)
        if not part and not inflater.eof:
            raise ZipError("bad zip file: its compressed content has no end")
        yield part


def _directory(stream: IO[bytes]) -> tuple[list[_Entry], int]:
    """All entries, and where the central directory starts."""
    end, (_, disk, first, here, count, size, offset, _) = _end_record(stream)
    if disk or first or here != count:
        raise ZipError("a part of a zip file of several disks")
    if count > _MOST_ENTRIES or size > _MOST_DIRECTORY_BYTES:
        raise ZipError(
            f"a zip file of {count} entries and a directory of {size} bytes, expected at most "
            f"{_MOST_ENTRIES} and {_MOST_DIRECTORY_BYTES}"
        )
    start = end - size
    # Whatever stands before a zip file moves all offsets in it.
    before = start - offset
    if before < 0:
        raise ZipError("bad zip file: its directory is not where the end record says")
    stream.seek(start)
    directory = stream.read(size)
    entries, place = [], 0
    for _ in range(count):
        if directory[place : place + 4] != b"PK\1\2" or len(directory) - place < _CENTRAL.size:
            raise ZipError("bad zip file: its directory has fewer entries than the end record says")
        fields = _CENTRAL.unpack_from(directory, place)
        (_, _, _, flags, method, _, _, crc, compressed, size) = fields[:10]
        (name_bytes, extra, comment, _, _, attributes, header) = fields[10:]
        place += _CENTRAL.size
        name = directory[place : place + name_bytes]
        place += name_bytes + extra + comment
        entries.append(
            _Entry(
                *(name, flags, method, crc, compressed, size),
                mode=attributes >> 16,
                start=_IN_ZIP64 if header == _IN_ZIP64 else header + before,
            )
        )
    if place != len(directory):
        raise ZipError("bad zip file: its directory is not of the size that the end record says")
    return entries, start


def _end_record(stream: IO[bytes]) -> tuple[int, tuple[bytes, int, int, int, int, int, int, int]]:
    """Where the end record starts, and its fields. Its comment reaches to the end of the file."""
    length = stream.seek(0, 2)
    tail_start = max(0, length - _END.size - 0xFFFF - _ZIP64_LOCATOR_BYTES)
    stream.seek(tail_start)
    tail = stream.read(_END.size + 0xFFFF + _ZIP64_LOCATOR_BYTES)
    place = tail.rfind(b"PK\5\6")
    while place >= 0:
        if len(tail) - place >= _END.size:
            fields = _END.unpack_from(tail, place)
            if place + _END.size + fields[-1] == len(tail):
                locator = tail[max(0, place - _ZIP64_LOCATOR_BYTES) : place]
                if locator.startswith(b"PK\6\7"):
                    raise ZipError("a zip64 file, which a bundle has no use for")
                return tail_start + place, fields
        place = tail.rfind(b"PK\5\6", 0, place)
    raise ZipError("no zip file: it has no end record, or is cut short")
