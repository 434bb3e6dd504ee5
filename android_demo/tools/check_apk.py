"""Checks finished APKs and prints what they weigh.

python3 check_apk.py --bundle FILE --kept JAR APK…

Each must be signed (apksigner), have the SDK versions of the version catalog, no permission and an
activity to launch (aapt), be aligned (zipalign; 16 KB pages for native libraries), hold FILE as it
is, stored, and in its dex every class of JAR and every component of its manifest.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import dex_file
import elf_alignment
import version_catalog

_ASSET = "assets/model.edgebert"
_PAGE = 16 * 1024
_MOST_METHODS = 65_536
_COMPONENTS = ("activity", "application", "provider", "receiver", "service")


class _FaultError(Exception):
    """What is wrong with an APK."""


def _need(right: object, fault: str) -> None:
    if not right:
        raise _FaultError(fault)


def _output(*command: str | Path) -> str:
    ran = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    _need(ran.returncode == 0, f"{command[0]} says: {(ran.stderr or ran.stdout).strip()}")
    return ran.stdout


def check_signature(apk: Path, min_sdk: str) -> None:
    """Signed by the scheme that Android takes from 7.0 on."""
    verified = _output("apksigner", "verify", "--verbose", "--min-sdk-version", min_sdk, apk)
    scheme = "Verified using v2 scheme (APK Signature Scheme v2): true"
    _need(scheme in verified, "not signed by scheme v2")


def check_badge(apk: Path, versions: dict[str, str], abi: str) -> None:
    """SDK versions, permissions, the activity to launch, and the ABI."""
    badge = _output("aapt", "dump", "badging", apk)
    for line in (
        f"sdkVersion:'{versions['minSdk']}'",
        f"targetSdkVersion:'{versions['targetSdk']}'",
        f"native-code: '{abi}'",
    ):
        _need(line in badge.splitlines(), f"the badge has no line {line}")
    _need("launchable-activity: name=" in badge, "there is no activity to launch")
    _need("permission" not in badge, "it asks for a permission")
    _need("application-debuggable" not in badge, "it can be debugged")


def check_native_libraries(apk: Path, archive: zipfile.ZipFile) -> None:
    """Pages of 16 KB: of libraries' segments and, if mapped from the APK, of their place in it."""
    extracted = re.search(r"extractNativeLibs\(\w+\)=\(type 0x12\)0xffffffff", _manifest(apk))
    for entry in archive.infolist():
        if not entry.filename.endswith(".so"):
            continue
        library = archive.read(entry)
        if elf_alignment.is_64_bit(library):
            size = elf_alignment.page_size(library)
            _need(size >= _PAGE, f"{entry.filename} is aligned to {size} bytes")
        if entry.compress_type == zipfile.ZIP_STORED:
            offset = _content_offset(archive, entry)
            _need(offset % _PAGE == 0, f"{entry.filename} lies across pages")
        else:
            _need(extracted, f"{entry.filename} is compressed and would not be extracted")


def check_alignment(apk: Path, archive: zipfile.ZipFile) -> None:
    """Stored entries at multiples of four, resources among them."""
    _output("zipalign", "-c", "4", apk)
    resources = archive.getinfo("resources.arsc")
    _need(resources.compress_type == zipfile.ZIP_STORED, "resources.arsc is compressed")


def check_bundle(archive: zipfile.ZipFile, bundle: Path) -> None:
    """The asset, read back, is the bundle."""
    _need(archive.getinfo(_ASSET).compress_type == zipfile.ZIP_STORED, f"{_ASSET} is compressed")
    inside, given = map(hashlib.sha256, (archive.read(_ASSET), bundle.read_bytes()))
    _need(inside.digest() == given.digest(), f"{_ASSET} is not {bundle}")


def check_dex(apk: Path, archive: zipfile.ZipFile, kept: Path) -> list[dex_file.DexFile]:
    """Nothing is missing that is looked up by name."""
    names = [name for name in archive.namelist() if name.endswith(".dex")]
    dexes = [dex_file.read(archive.read(name)) for name in names]
    defined = frozenset().union(*(dex.classes for dex in dexes))
    with zipfile.ZipFile(kept) as jar:
        wanted = {
            name.removesuffix(".class").replace("/", ".")
            for name in jar.namelist()
            if name.endswith(".class") and "-info" not in name
        }
    wanted |= _components(_manifest(apk))
    _need(not wanted - defined, f"the dex lacks {', '.join(sorted(wanted - defined))}")
    _need(all(dex.methods < _MOST_METHODS for dex in dexes), "a dex has too many methods")
    return dexes


def _manifest(apk: Path) -> str:
    return _output("aapt", "dump", "xmltree", apk, "AndroidManifest.xml")


def _components(manifest: str) -> set[str]:
    """The classes that Android makes objects of, from aapt's print of a manifest."""
    package, element, names = "", "", set()
    for line in manifest.splitlines():
        kind, _, rest = line.strip().partition(": ")
        if kind == "E":
            element = rest.split()[0]
        elif element == "manifest" and rest.startswith("package="):
            package = rest.split('"')[1]
        elif element in _COMPONENTS and rest.startswith("android:name("):
            name = rest.split('"')[1]
            names.add(package + name if name.startswith(".") else name)
    return names


def _content_offset(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> int:
    assert archive.fp is not None
    archive.fp.seek(entry.header_offset)
    header = archive.fp.read(30)
    name, extra = struct.unpack_from("<HH", header, 26)
    return entry.header_offset + len(header) + int(name) + int(extra)


def _row(abi: str, apk: Path, archive: zipfile.ZipFile, dexes: list[dex_file.DexFile]) -> list[str]:
    entries = archive.infolist()
    libraries = [entry for entry in entries if entry.filename.startswith("lib/")]
    code = [entry for entry in entries if entry.filename.endswith(".dex")]
    return [
        abi,
        _megabytes(apk.stat().st_size),
        _megabytes(sum(entry.compress_size for entry in libraries)),
        _megabytes(sum(entry.file_size for entry in libraries)),
        _megabytes(archive.getinfo(_ASSET).file_size),
        _megabytes(sum(entry.compress_size for entry in code)),
        str(sum(dex.methods for dex in dexes)),
    ]


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.2f}"


def _table(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.rjust, row, widths)) for row in rows)


def main() -> None:
    """Check each APK, then print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--kept", type=Path, required=True)
    parser.add_argument("apks", type=Path, nargs="+")
    given = parser.parse_args()
    versions = version_catalog.versions()
    rows = []
    for apk in given.apks:
        try:
            with zipfile.ZipFile(apk) as archive:
                libraries = [name for name in archive.namelist() if name.startswith("lib/")]
                (abi,) = {name.split("/")[1] for name in libraries}
                check_signature(apk, versions["minSdk"])
                check_badge(apk, versions, abi)
                check_alignment(apk, archive)
                check_native_libraries(apk, archive)
                check_bundle(archive, given.bundle)
                rows.append(_row(abi, apk, archive, check_dex(apk, archive, given.kept)))
        except _FaultError as fault:
            sys.exit(f"{apk}: {fault}")
    print("megabytes; native libraries as they are in the APK, and unpacked")
    print(_table([["ABI", "APK", "native", "unpacked", "bundle", "dex", "methods"], *rows]))


if __name__ == "__main__":
    main()
