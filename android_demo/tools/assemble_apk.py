"""Puts an APK together, to be signed: the same bytes each time.

python3 assemble_apk.py APK BASE FOLDER…

BASE is the APK of aapt2 (manifest and resources), each FOLDER holds files as they shall lie in the
APK. What Android maps into memory or opens by file descriptor is stored and aligned; the rest is
deflated.
"""

from __future__ import annotations

import struct
import sys
import zipfile
from pathlib import Path

_STORED = (".arsc", ".edgebert", ".png", ".webp")
_ALIGNMENT = 4
# The extra field of zip that apksigner writes and keeps: the alignment, then zeros up to it.
_ALIGNMENT_FIELD = 0xD935
_LOCAL_HEADER = 30
_NO_TIME = (1981, 1, 1, 1, 1, 2)  # the one of Android's own build tools


def main() -> None:
    """Put the APK together."""
    apk, base, *folders = map(Path, sys.argv[1:])
    contents: dict[str, bytes] = {}
    with zipfile.ZipFile(base) as archive:
        contents.update((name, archive.read(name)) for name in archive.namelist())
    for folder in folders:
        for file in folder.rglob("*"):
            if file.is_file():
                contents[file.relative_to(folder).as_posix()] = file.read_bytes()
    with apk.open("wb") as target, zipfile.ZipFile(target, "w") as archive:
        for name in sorted(contents, key=_android_first):
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.external_attr = 0o644 << 16
            if name.endswith(_STORED):
                entry.extra = _padding(target.tell() + _LOCAL_HEADER + len(name.encode()))
            else:
                entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, contents[name], compresslevel=9)


def _android_first(name: str) -> tuple[bool, str]:
    return name != "AndroidManifest.xml", name


def _padding(offset: int) -> bytes:
    """The extra field after which the content of an entry begins at a multiple of the alignment."""
    field = struct.pack("<HHH", _ALIGNMENT_FIELD, 2, _ALIGNMENT)
    zeros = -(offset + len(field)) % _ALIGNMENT
    return struct.pack("<HHH", _ALIGNMENT_FIELD, 2 + zeros, _ALIGNMENT) + bytes(zeros)


if __name__ == "__main__":
    main()
