"""Reads to which page size the loadable segments of an ELF library are aligned."""

from __future__ import annotations

import struct

_PT_LOAD = 1
_IS_64_BIT = 2


def is_64_bit(library: bytes) -> bool:
    """Made for a processor of 64 bits: phones with pages of 16 KB run no other code."""
    return library[4] == _IS_64_BIT


def page_size(library: bytes) -> int:
    """The largest page size, in bytes, that all its loadable segments can be mapped with."""
    if is_64_bit(library):
        (start,) = struct.unpack_from("<Q", library, 32)
        size, count = struct.unpack_from("<HH", library, 54)
        words, offset, address, alignment = "<IIQQQQQQ", 2, 3, 7
    else:
        (start,) = struct.unpack_from("<I", library, 28)
        size, count = struct.unpack_from("<HH", library, 42)
        words, offset, address, alignment = "<8I", 1, 2, 7
    sizes = []
    for header in range(start, start + size * count, size):
        segment = struct.unpack_from(words, library, header)
        if segment[0] == _PT_LOAD:
            fits = (segment[address] - segment[offset]) % segment[alignment] == 0
            sizes.append(segment[alignment] if fits else 1)
    return min(sizes)
