"""Where a tokenizer.json names ids outside of its model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgebert_runtime.errors import ConversionError


def named(file: dict[str, Any]) -> set[int]:
    """Ids of added tokens, and those that the post-processor and padding put in."""
    ids: set[int] = set()

    def note(old: int) -> int:
        ids.add(old)
        return old

    _mapped(file, note)
    return ids


def renumbered(file: dict[str, Any], new_ids: Mapping[int, int]) -> dict[str, Any]:
    """The file with old ids exchanged for new ones, its model left as it is."""
    return _mapped(file, new_ids.__getitem__)


def _mapped(file: dict[str, Any], rename: Callable[[int], int]) -> dict[str, Any]:
    added = [each | {"id": rename(each["id"])} for each in file["added_tokens"]]
    padding = file.get("padding")
    if padding is not None:
        padding = padding | {"pad_id": rename(padding["pad_id"])}
    processor = file.get("post_processor")
    if processor is not None:
        processor = _processor(processor, rename)
    return file | {"added_tokens": added, "padding": padding, "post_processor": processor}


def _processor(processor: dict[str, Any], rename: Callable[[int], int]) -> dict[str, Any]:
    kind = processor["type"]
    if kind == "Sequence":
        steps = [_processor(each, rename) for each in processor["processors"]]
        return processor | {"processors": steps}
    if kind == "TemplateProcessing":
        tokens = {
            name: token | {"ids": [rename(each) for each in token["ids"]]}
            for name, token in processor["special_tokens"].items()
        }
        return processor | {"special_tokens": tokens}
    if kind in ("BertProcessing", "RobertaProcessing"):
        ends = {name: [processor[name][0], rename(processor[name][1])] for name in ("sep", "cls")}
        return processor | ends
    if kind == "ByteLevel":
        return processor
    raise ConversionError(
        f"the tokenizer's post-processor {kind!r} is not supported; supported: "
        "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, and Sequences of them"
    )
