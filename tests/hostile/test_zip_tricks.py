"""Zip files that lie: each is refused by name, or answers as if the lie were not there."""

from __future__ import annotations

import dataclasses
import stat
import zipfile
import zlib
from pathlib import Path
from typing import Any

import hand_made
import pytest
from raw_zip import RawEntry, bundle_entries, raw_zip

from edgebert_runtime import Bundle, ManifestError

TOKENIZER = hand_made.CONTENTS["tokenizer.json"]


def opened(path: Path, content: bytes) -> dict[str, bytes]:
    """Every listed file, as the bundle of these bytes gives it."""
    path.write_bytes(content)
    bundle = Bundle(path)
    return {
        file.file: bundle.read(file)
        for file in [bundle.manifest.tokenizer, *bundle.manifest.artifacts]
    }


def refuse(tmp_path: Path, content: bytes, match: str) -> None:
    with pytest.raises(ManifestError, match=match) as caught:
        opened(tmp_path / "x.edgebert", content)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def tokenizer(**changes: Any) -> RawEntry:
    return dataclasses.replace(RawEntry(b"tokenizer.json", TOKENIZER), **changes)


def test_what_is_written_here_is_a_zip_file(tmp_path: Path) -> None:
    content = raw_zip(bundle_entries(), comment=b"no more")
    assert opened(tmp_path / "x.edgebert", content) == hand_made.CONTENTS
    with zipfile.ZipFile(tmp_path / "x.edgebert") as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 5


HARMLESS = {
    "a comment": raw_zip(bundle_entries(), comment=b"PK\5\6" * 10 + b"."),
    "bytes before it": b"#!/bin/sh\n" * 99 + raw_zip(bundle_entries()),
    "bytes between": raw_zip(bundle_entries(tokenizer=tokenizer(behind=b"x" * 99))),
    "sizes that follow": raw_zip(
        bundle_entries(
            tokenizer=tokenizer(
                local={"flags": 8, "crc": 0, "compressed": 0, "size": 0},
                central={"flags": 8},
                behind=b"PK\7\x08" + bytes(12),
            )
        )
    ),
    "no Unix type": raw_zip(bundle_entries(tokenizer=tokenizer(central={"attributes": 0x20}))),
    "stored": raw_zip(bundle_entries(tokenizer=tokenizer(deflated=False))),
    **{
        f"an entry named {name!r}": raw_zip([*bundle_entries(), RawEntry(name, b"hostile")])
        for name in (b"../outside", b"/tmp/outside", b"a/../../b", b"\\\\server\\x", b"\xff\n", b"")
    },
    "an unlisted link": raw_zip(
        [
            *bundle_entries(),
            RawEntry(b"l", b"/etc/passwd", central={"attributes": stat.S_IFLNK << 16}),
        ]
    ),
    "an unlisted bomb": raw_zip([*bundle_entries(), RawEntry(b"b", bytes(2**22))]),
}


@pytest.mark.parametrize("content", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_does_not_matter(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "inside" / "deeper"
    folder.mkdir(parents=True)
    assert opened(folder / "x.edgebert", content) == hand_made.CONTENTS
    # Nothing is written, neither here nor anywhere that a name may lead to.
    assert [path.name for path in tmp_path.rglob("*")] == ["inside", "deeper", "x.edgebert"]
    assert not Path("/tmp/outside").exists()


@pytest.mark.parametrize("kind", ["LNK", "DIR", "CHR", "BLK", "FIFO", "SOCK"])
def test_an_entry_that_is_no_regular_file(tmp_path: Path, kind: str) -> None:
    mode = stat.S_IFIFO if kind == "FIFO" else getattr(stat, f"S_IF{kind}")
    entry = tokenizer(central={"attributes": (mode | 0o644) << 16})
    refuse(tmp_path, raw_zip(bundle_entries(tokenizer=entry)), "not a regular file but a link")


LIES: dict[str, tuple[RawEntry, str]] = {
    "encrypted": (tokenizer(local={"flags": 1}, central={"flags": 1}), "encrypted"),
    "strongly encrypted": (tokenizer(local={"flags": 65}, central={"flags": 65}), "encrypted"),
    "hidden headers": (tokenizer(central={"flags": 1 << 13}), "encrypted"),
    "patched data": (tokenizer(central={"flags": 1 << 5}), "flags that nobody knows"),
    **{
        f"method {method}": (
            tokenizer(local={"method": method}, central={"method": method}),
            "compressed with a method other than deflate",
        )
        for method in (1, 6, 9, 12, 14, 93, 95, 99, 0xFFFF)
    },
    "another method in its header": (tokenizer(local={"method": 0}), "differ: flags or method"),
    "another name in its header": (tokenizer(local={"name": b"Tokenizer.json"}), "differ: name"),
    "a longer name in its header": (tokenizer(local={"name": b"tokenizer.json.exe"}), "name"),
    "another checksum in its header": (tokenizer(local={"crc": 1}), "differ: sizes"),
    "another size in its header": (tokenizer(local={"size": 1}), "differ: sizes"),
    "a wrong checksum": (tokenizer(local={"crc": 1}, central={"crc": 1}), "Bad CRC-32"),
    "less than it holds": (
        tokenizer(local={"size": 10}, central={"size": 10}),
        "more or less content than the 10 bytes",
    ),
    "more than it holds": (
        tokenizer(
            content=TOKENIZER[:-9], local={"size": len(TOKENIZER)}, central={"size": len(TOKENIZER)}
        ),
        "more or less content than the 260 bytes",
    ),
    "more than the manifest says": (tokenizer(content=TOKENIZER + b"x"), "more than 260 bytes"),
    "other content": (tokenizer(content=TOKENIZER[:-1] + b"x"), "altered or cut short"),
    "a zip64 size": (tokenizer(central={"size": 0xFFFFFFFF}), "zip64"),
    "a zip64 compressed size": (tokenizer(central={"compressed": 0xFFFFFFFF}), "zip64"),
    "a zip64 start": (tokenizer(central={"start": 0xFFFFFFFF}), "zip64"),
    "a start beyond the file": (tokenizer(central={"start": 2**31}), "no local header"),
    "a start in the middle": (tokenizer(central={"start": 7}), "shares bytes with another"),
    "the start of another": (tokenizer(central={"start": 0}), "shares bytes with another"),
    "bytes behind its content": (
        tokenizer(packed=tokenizer().body() + b"more"),
        "bytes behind the end of its compressed content",
    ),
    "content without an end": (tokenizer(packed=tokenizer().body()[:-3]), "has no end|error|Err"),
    "content that is no deflate": (tokenizer(packed=b"\xff" * 50), "bad zip file: Error -3"),
    "nothing": (tokenizer(packed=b""), "has no end"),
    "a compressed size into the next": (
        tokenizer(
            local={"compressed": len(tokenizer().body()) + 9},
            central={"compressed": len(tokenizer().body()) + 9},
        ),
        "shares bytes with another entry",
    ),
}


@pytest.mark.parametrize(("entry", "match"), LIES.values(), ids=LIES.keys())
def test_an_entry_that_lies(tmp_path: Path, entry: RawEntry, match: str) -> None:
    refuse(tmp_path, raw_zip(bundle_entries(tokenizer=entry)), match)


def test_two_entries_of_the_same_bytes(tmp_path: Path) -> None:
    """Overlapping entries make a small file unfold many times over."""
    entries = bundle_entries()
    start = raw_zip(entries).index(b"PK\3\4\x14\0\0\0\x08\0\0\0\x21\0", 10)
    twin = dataclasses.replace(tokenizer(), central={"start": start})
    refuse(tmp_path, raw_zip([*entries, twin]), "2 entries, expected exactly one")
    other = dataclasses.replace(twin, central={"start": start, "name": b"other"})
    refuse(tmp_path, raw_zip([*entries, other]), "shares bytes with another entry")


def test_an_entry_that_nobody_reads_reaches_over_the_others(tmp_path: Path) -> None:
    entries = bundle_entries()
    longer = {"compressed": 6000, "size": 6000}
    first = dataclasses.replace(
        entries[0], central={"name": b"other", **longer}, local={"name": b"other", **longer}
    )
    refuse(tmp_path, raw_zip([first, *entries]), "shares bytes with another entry")


def test_the_last_entry_reaches_into_the_directory(tmp_path: Path) -> None:
    *entries, last = bundle_entries()
    longer = {"compressed": len(last.body()) + 1}
    last = dataclasses.replace(last, local=longer, central=longer)
    refuse(tmp_path, raw_zip([*entries, last]), "shares bytes with another entry or the directory")


@pytest.mark.parametrize("name", ["manifest.json", "tokenizer.json", "float32.pt"])
def test_an_entry_twice(tmp_path: Path, name: str) -> None:
    again = next(each for each in bundle_entries() if each.name.decode() == name)
    refuse(tmp_path, raw_zip([*bundle_entries(), again]), "2 entries, expected exactly one entry")


ENDS: dict[str, tuple[bytes, str]] = {
    "several disks": (raw_zip(bundle_entries(), disk=1), "several disks"),
    "a directory elsewhere": (raw_zip(bundle_entries(), first=1), "several disks"),
    "some entries elsewhere": (raw_zip(bundle_entries(), here=4), "several disks"),
    "an entry more": (raw_zip(bundle_entries(), here=6, count=6), "fewer entries"),
    "an entry less": (raw_zip(bundle_entries(), here=4, count=4), "not of the size"),
    "huge counts": (raw_zip(bundle_entries(), here=0xFFFF, count=0xFFFF), "of 65535 entries"),
    "a huge directory": (raw_zip(bundle_entries(), size=2**32 - 1), "directory of 4294967295"),
    "a directory before the file": (raw_zip(bundle_entries(), offset=2**31), "is not where the"),
    "1001 entries": (
        raw_zip([*bundle_entries(), *[RawEntry(b"x", b"")] * 996]),
        "1001 entries .*at most 1000",
    ),
    "names of 60 kB": (
        raw_zip([*bundle_entries(), *[RawEntry(b"x" * 60_000, b"")] * 18]),
        r"directory of 1\d{6} bytes, expected at most 1000 and 1048576",
    ),
    "a zip64 locator": (
        raw_zip(bundle_entries()).replace(b"PK\5\6", b"PK\6\7" + bytes(16) + b"PK\5\6"),
        "a zip64 file",
    ),
    "a comment that is cut": (raw_zip(bundle_entries(), comment=b"abc")[:-1], "no end record"),
    "bytes behind it": (raw_zip(bundle_entries()) + b"x", "no end record"),
    "nothing but an end": (raw_zip([]), "0 entries, expected exactly one"),
    "nothing": (b"", "no zip file"),
    "text": (b"PK" * 1000, "no zip file"),
}


@pytest.mark.parametrize(("content", "match"), ENDS.values(), ids=ENDS.keys())
def test_an_end_record_that_lies(tmp_path: Path, content: bytes, match: str) -> None:
    refuse(tmp_path, content, match)


@pytest.mark.parametrize("size", [2**22, 2**24, 2**31])
def test_a_bomb(tmp_path: Path, size: int) -> None:
    """Whatever the manifest claims, a ratio of a thousand is refused before it is inflated."""
    packed = zlib.compress(bytes(2**20))[2:-4]
    said = {"size": size, "compressed": len(packed)}
    model = RawEntry(b"float32.pt", b"", packed=packed, local=said, central=said)
    manifest = hand_made.manifest()
    large = dataclasses.replace(manifest.artifacts[2], bytes=size)
    whole = dataclasses.replace(manifest, artifacts=(*manifest.artifacts[:2], large))
    entries = bundle_entries(
        float32=model, manifest=RawEntry(b"manifest.json", whole.to_json().encode())
    )
    refuse(tmp_path, raw_zip(entries), rf"{size} bytes in {len(packed)}: more than 100 times")
