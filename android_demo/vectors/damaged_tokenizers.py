"""A small tokenizer.json, damaged in many ways."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

_WRONG: list[Any] = [None, True, -1, 1.5, 2**31, 2**64, 10**400, "x", "", [], {}, [[]], "\ud800"]


def damaged(content: bytes) -> Iterator[bytes]:
    """The file cut, with changed bytes, and with something else in the place of each value."""
    chance = random.Random(4)
    for at in chance.sample(range(len(content)), 200):
        yield content[:at]
    for _ in range(500):
        at = chance.randrange(len(content))
        yield content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]
    file = json.loads(content)
    for path in _paths(file):
        for wrong in _WRONG:
            yield json.dumps(_with(file, path, wrong)).encode()
        yield json.dumps(_with(file, path, None, remove=True)).encode()
        yield _deep(file, path)
    yield from (b"", b"{", b"[]", b"null", b"\xff\xfe", b"\xef\xbb\xbf" + content, content + b"}")


def strange(content: bytes) -> Iterator[bytes]:
    """What is no tokenizer for other reasons than its JSON."""
    file = json.loads(content)
    vocabulary = file["model"]["vocab"]
    first, second, *_ = vocabulary
    yield json.dumps(_with(file, ("model", "vocab", first), vocabulary[second])).encode()
    yield content.replace(b'"vocab": {', b'"vocab": {"%s": 999999, ' % first.encode(), 1)
    for part in ("normalizer", "pre_tokenizer", "post_processor", "decoder", "model"):
        for kind in ("Unigram", "Metaspace", "Precompiled", "Replace", "Nothing"):
            yield json.dumps(file | {part: (file[part] or {}) | {"type": kind}}).encode()


def small(content: bytes) -> bytes:
    """A tokenizer.json with the first 60 tokens of another, and nothing that is ignored."""
    file = json.loads(content)
    for ignored in ("truncation", "padding"):
        file.pop(ignored, None)
    vocabulary = dict(sorted(file["model"]["vocab"].items(), key=lambda item: item[1])[:60])
    file["model"]["vocab"] = vocabulary
    if "merges" in file["model"]:
        file["model"]["merges"] = [
            pair for pair in file["model"]["merges"] if "".join(pair) in vocabulary
        ][:20]
    file["added_tokens"] = file["added_tokens"][:2]
    return json.dumps(file).encode()


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    # Tokens are all alike.
    for key, each in list(inside)[: 3 if path[-1:] in [("vocab",), ("merges",)] else None]:
        yield (*path, key)
        if isinstance(each, dict | list):
            yield from _paths(each, (*path, key))


def _with(file: Any, path: tuple[Any, ...], value: Any, *, remove: bool = False) -> Any:
    changed = copy.deepcopy(file)
    place = changed
    for key in path[:-1]:
        place = place[key]
    if remove:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


def _deep(file: Any, path: tuple[Any, ...]) -> bytes:
    marked = json.dumps(_with(file, path, "HERE"))
    return marked.replace('"HERE"', "[" * 5000 + "]" * 5000).encode()
