"""What the files of a bundle must look like, before a parser outside Python sees them.

A few bytes at the start tell one kind of file from another. That is no proof that a file is sound;
it keeps what is plainly something else from a library that would have to find out for itself.
"""

from __future__ import annotations

HEAD_BYTES = 64
"""How much of a file `misfit` wants to see."""


def misfit(kind: str, head: bytes, size: int) -> str | None:
    """Why a file cannot be of its kind, or None.

    Args:
        kind: a backend of the manifest, or "tokenizer".
        head: the first `HEAD_BYTES` of the file, or all there are.
        size: bytes of the whole file.
    """
    return _CHECKS[kind](head, size)


def _tokenizer(head: bytes, size: int) -> str | None:
    if head.lstrip(b" \t\r\n")[:1] == b"{":
        return None
    return "no JSON object"


def _tflite(head: bytes, size: int) -> str | None:
    """FlatBuffers: a 32-bit offset of the root table, then the identifier of the schema."""
    if head[4:8] != b"TFL3":
        return "no TFLite file: the identifier TFL3 is missing"
    if not 8 <= int.from_bytes(head[:4], "little") <= size - 4:
        return "no TFLite file: its root table lies outside"
    return None


def _onnx(head: bytes, size: int) -> str | None:
    """Protocol Buffers: ModelProto's first field is 1, ir_version, a small varint."""
    if head[:1] == b"\x08" and 1 <= int.from_bytes(head[1:2], "little") <= 0x7F:
        return None
    return "no ONNX file: it does not begin with a version"


def _torchscript(head: bytes, size: int) -> str | None:
    if head[:4] == b"PK\3\4":
        return None
    return "no TorchScript file: it is no zip file"


_CHECKS = {
    "tokenizer": _tokenizer,
    "tflite": _tflite,
    "onnx": _onnx,
    "torchscript": _torchscript,
}
