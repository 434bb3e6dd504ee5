"""Reads which classes a dex file defines, and how many methods it refers to."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_STRING_IDS, _TYPE_IDS, _METHOD_IDS, _CLASS_DEFS = 56, 64, 88, 96
_CLASS_DEF = 32


@dataclass(frozen=True)
class DexFile:
    """Class names have dots, and dollars before those of inner classes."""

    classes: frozenset[str]
    methods: int


def read(content: bytes) -> DexFile:
    """The defined classes, and the size of the table of methods, which has room for 65,536."""

    def table(header: int) -> tuple[int, int]:
        size, offset = struct.unpack_from("<II", content, header)
        return size, offset

    def number(offset: int) -> int:
        value: int = struct.unpack_from("<I", content, offset)[0]
        return value

    def descriptor(kind: int) -> str:
        start = number(table(_STRING_IDS)[1] + 4 * number(table(_TYPE_IDS)[1] + 4 * kind))
        while content[start] >= 0x80:  # the length in characters, seven bits a byte
            start += 1
        return content[start + 1 : content.index(0, start + 1)].decode()

    count, definitions = table(_CLASS_DEFS)
    descriptors = (descriptor(number(definitions + _CLASS_DEF * index)) for index in range(count))
    names = frozenset(each[1:-1].replace("/", ".") for each in descriptors)
    return DexFile(names, table(_METHOD_IDS)[0])
