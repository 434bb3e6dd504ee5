"""Zip files written field by field, so that each can be a lie."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

import hand_made


@dataclass
class RawEntry:
    """An entry, and what its headers say in place of the truth."""

    name: bytes
    content: bytes
    deflated: bool = True
    local: dict[str, Any] = field(default_factory=dict)
    """Fields of the local header by name: flags, method, crc, compressed, size, name."""
    central: dict[str, Any] = field(default_factory=dict)
    """Fields of the directory: those of `local`, and attributes and start."""
    packed: bytes | None = None
    """In place of the compressed content."""
    behind: bytes = b""
    """Bytes between this entry and the next."""

    def body(self) -> bytes:
        if self.packed is not None:
            return self.packed
        if not self.deflated:
            return self.content
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return deflate.compress(self.content) + deflate.flush()

    def fields(self, lies: dict[str, Any]) -> dict[str, Any]:
        truth = {
            "flags": 0,
            "method": 8 if self.deflated else 0,
            "crc": zlib.crc32(self.content),
            "compressed": len(self.body()),
            "size": len(self.content),
            "name": self.name,
            "attributes": 0o100644 << 16,
        }
        return {**truth, **lies}


def bundle_entries(**changes: RawEntry) -> list[RawEntry]:
    """The hand-made bundle; `changes` replace entries by name without a suffix."""
    whole = {"manifest.json": hand_made.manifest().to_json().encode(), **hand_made.CONTENTS}
    entries = [RawEntry(name.encode(), content) for name, content in whole.items()]
    return [changes.get(each.name.decode().partition(".")[0], each) for each in entries]


def raw_zip(entries: list[RawEntry], *, comment: bytes = b"", **end: int) -> bytes:
    """A zip file. `end` gives fields of the end record: disk, first, here, count, size, offset."""
    content, directory = b"", b""
    for entry in entries:
        said = entry.fields(entry.local)
        start = len(content)
        content += struct.pack(
            "<4s5H3L2H",
            *(b"PK\3\4", 20, said["flags"], said["method"], 0, 0x21),
            *(said["crc"], said["compressed"], said["size"], len(said["name"]), 0),
        )
        content += said["name"] + entry.body() + entry.behind
        said = entry.fields({"start": start, **entry.central})
        directory += struct.pack(
            "<4s6H3L5H2L",
            *(b"PK\1\2", 3 << 8 | 20, 20, said["flags"], said["method"], 0, 0x21),
            *(said["crc"], said["compressed"], said["size"], len(said["name"]), 0, 0, 0, 0),
            *(said["attributes"], said["start"]),
        )
        directory += said["name"]
    truth = {"disk": 0, "first": 0, "here": len(entries), "count": len(entries)}
    truth |= {"size": len(directory), "offset": len(content)}
    record = struct.pack("<4s4H2LH", b"PK\5\6", *{**truth, **end}.values(), len(comment))
    return content + directory + record + comment
