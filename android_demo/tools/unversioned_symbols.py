"""A copy of a 64-bit ELF library without symbol versions: those of Android's libc are not glibc's.

python3 unversioned_symbols.py LIBRARY COPY
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

_PT_DYNAMIC = 2
_VERSION_TAGS = (0x6FFFFFF0, 0x6FFFFFFE, 0x6FFFFFFF)  # DT_VERSYM, DT_VERNEED, DT_VERNEEDNUM


def main() -> None:
    """Write the copy."""
    library = bytearray(Path(sys.argv[1]).read_bytes())
    (headers,) = struct.unpack_from("<Q", library, 32)
    size, count = struct.unpack_from("<HH", library, 54)
    for header in range(headers, headers + size * count, size):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", library, header)
        if kind == _PT_DYNAMIC:
            entries = list(struct.iter_unpack("<QQ", library[offset : offset + length]))
            kept = [entry for entry in entries if entry[0] not in _VERSION_TAGS]
            kept += [(0, 0)] * (len(entries) - len(kept))
            library[offset : offset + length] = b"".join(struct.pack("<QQ", *e) for e in kept)
    Path(sys.argv[2]).write_bytes(library)


if __name__ == "__main__":
    main()
