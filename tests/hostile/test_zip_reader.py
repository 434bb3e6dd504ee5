"""The zip reader gives what the standard library's gives, or refuses."""

from __future__ import annotations

import contextlib
import io
import random
import warnings
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgebert_runtime.zip_reading import ZipError, ZipReader

names = st.text(st.characters(codec="utf-8", exclude_characters="\0/\\"), min_size=1, max_size=9)
contents = st.binary(max_size=300) | st.binary(max_size=9).map(lambda part: part * 3000)


def written(files: dict[str, bytes], method: int, comment: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.comment = comment
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


@settings(deadline=None, derandomize=True)
@given(
    files=st.dictionaries(names, contents, max_size=4),
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    comment=st.binary(max_size=30).filter(lambda text: b"PK\5\6" not in text),
    before=st.binary(max_size=30),
)
def test_what_the_standard_library_writes(
    files: dict[str, bytes], method: int, comment: bytes, before: bytes
) -> None:
    reader = ZipReader(io.BytesIO(before + written(files, method, comment)))
    assert reader.names() == list(files)
    for name, content in files.items():
        assert b"".join(reader.content(name, len(content))) == content


@settings(deadline=None, derandomize=True, max_examples=500)
@given(
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4),
    cut=st.integers(0, 5),
)
def test_what_both_read_is_the_same(method: int, changes: list[tuple[int, int]], cut: int) -> None:
    damaged = bytearray(written({"first": b"first" * 20, "second": b"other" * 20}, method, b""))
    for place, value in changes:
        damaged[place % len(damaged)] = value
    content = bytes(damaged)[: len(damaged) - cut]
    try:
        reader = ZipReader(io.BytesIO(content))
        ours = {name: b"".join(reader.content(name, 1000)) for name in ("first", "second")}
    except ZipError:
        return
    with warnings.catch_warnings(), contextlib.suppress(NotImplementedError):
        warnings.simplefilter("ignore")
        # The library refuses versions of the format that are to come; what we read has no version.
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert ours == {name: archive.read(name) for name in ours}


@settings(deadline=None, derandomize=True, max_examples=300)
@given(content=st.binary(max_size=200) | st.binary(max_size=60).map(lambda b: b + b"PK\5\6" + b))
def test_any_bytes(content: bytes) -> None:
    with contextlib.suppress(ZipError):
        assert ZipReader(io.BytesIO(content)).names() == []


@pytest.mark.parametrize("size", [0, 1, 2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20 + 7])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_parts_of_a_megabyte(size: int, method: int) -> None:
    """Of the last part deflate may keep something back until it is asked again."""
    block = random.Random(0).randbytes(5_000) + bytes(95_000)
    content = (block * (size // len(block) + 1))[:size]
    reader = ZipReader(io.BytesIO(written({"a": content}, method, b"")))
    parts = list(reader.content("a", size))
    assert b"".join(parts) == content
    assert max(map(len, parts), default=0) <= 2**20
