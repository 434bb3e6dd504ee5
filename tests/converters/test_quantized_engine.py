"""Which of torch's int8 engines computes exactly on which processor."""

from __future__ import annotations

import pytest

from edgebert_runtime.backends.torchscript import quantized_engine
from edgebert_runtime.errors import BackendError

ALL = ["qnnpack", "none", "onednn", "x86", "fbgemm"]


@pytest.mark.parametrize(
    ("supported", "flags", "arm", "engine"),
    [
        (ALL, {"avx2", "avx512_vnni"}, False, "x86"),
        (ALL, {"avx2", "avx_vnni"}, False, "x86"),
        (["none", "onednn"], {"avx_vnni"}, False, "onednn"),
        (ALL, {"avx2"}, False, "qnnpack"),
        (["qnnpack", "none"], {"asimd", "asimddp"}, True, "qnnpack"),
        (["qnnpack", "none", "onednn"], set(), True, "qnnpack"),
    ],
)
def test_engine(supported: list[str], flags: set[str], arm: bool, engine: str) -> None:
    assert quantized_engine(supported, frozenset(flags), arm=arm) == engine


@pytest.mark.parametrize("supported", [["none"], ["none", "fbgemm"], []])
def test_no_engine_is_an_error_and_not_a_crash(supported: list[str]) -> None:
    with pytest.raises(BackendError, match="expected one of qnnpack; use the onnx or tflite"):
        quantized_engine(supported, frozenset({"avx2"}), arm=False)
