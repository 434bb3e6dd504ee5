"""The peers: what each is made of, where it runs, and how it is asked."""

from __future__ import annotations

from dataclasses import dataclass

OURS = "edgebert"
"""The library that is this project: it runs in the interpreter that runs the benchmark."""
TASKS = ("text-classification", "embedding")


@dataclass(frozen=True)
class Peer:
    """One row of a table: a file, and a way of asking it."""

    name: str
    title: str
    library: str
    """Its requirement file; or OURS."""
    answerer: str
    """Module of `inside/`."""
    folder: str
    """What its maker wrote, below the library's folder of the model; "" for the checkpoint."""
    file: str
    """What is counted as its size, in that folder."""
    variant: str = ""
    """What the answerer wants to know besides; see there."""
    tasks: tuple[str, ...] = TASKS
    takes_ids: bool = True
    """Whether ids can be given to it, or texts alone."""


_CLASSIFIES, _EMBEDS = TASKS[:1], TASKS[1:]
_SENTENCE_FILE = "onnx/model_qint8_avx512_vnni.onnx"
REFERENCE = "torch-float32"
"""Whom the others' answers are compared with."""
BASELINE = "optimum-arm64"
"""Whom the others' times are divided by."""

PEERS = (
    Peer(
        "edgebert-tflite", "EdgeBERT TFLite", OURS, "edgebert_bundle", "bundle",
        "int8_dynamic.tflite", "tflite",
    ),
    Peer(
        "edgebert-onnx", "EdgeBERT ONNX", OURS, "edgebert_bundle", "bundle",
        "int8_dynamic.onnx", "onnx",
    ),
    Peer(
        "edgebert-torchscript", "EdgeBERT TorchScript", OURS, "edgebert_bundle", "bundle",
        "int8_dynamic.pt", "torchscript",
    ),
    # The same file twice: with nothing around it, and in the pipeline of optimum's documentation.
    Peer(
        BASELINE, "optimum int8, --arm64", "optimum", "onnx_session", "arm64", "model.onnx",
    ),
    Peer(
        f"{BASELINE}-pipeline", "optimum int8, --arm64, pipeline", "optimum", "optimum_pipeline",
        "arm64", "model.onnx", tasks=_CLASSIFIES,
    ),
    Peer(
        "optimum-avx512_vnni", "optimum int8, --avx512_vnni", "optimum", "onnx_session",
        "avx512_vnni", "model.onnx",
    ),
    Peer(
        "optimum-avx512_vnni-pipeline", "optimum int8, --avx512_vnni, pipeline", "optimum",
        "optimum_pipeline", "avx512_vnni", "model.onnx", tasks=_CLASSIFIES,
    ),
    Peer(
        "onnxruntime-float32", "ONNX Runtime float32", "optimum", "onnx_session", "float32",
        "model.onnx",
    ),
    Peer(
        "onnxruntime-fused-int8", "ONNX Runtime optimizer, int8", "optimum", "onnx_session",
        "fused", "model.onnx",
    ),
    Peer(
        "litert-int8", "litert-torch int8, fixed 128", "litert", "litert_interpreter", "",
        "model.tflite",
    ),
    Peer(
        "executorch-int8", "ExecuTorch XNNPACK int8", "executorch", "executorch_program", "",
        "model.pte",
    ),
    Peer(
        REFERENCE, "torch float32", "torch", "transformers_model", "", "model.safetensors",
        "float32",
    ),
    Peer(
        "torch-int8", "torch dynamic int8", "torch", "transformers_model", "",
        "model.safetensors", "int8",
    ),
    Peer(
        "sentence-transformers-int8", "sentence-transformers ONNX int8", "optimum",
        "sentence_encoder", "sentence-encoder", _SENTENCE_FILE, _SENTENCE_FILE,
        tasks=_EMBEDS, takes_ids=False,
    ),
    Peer(
        "fastembed-float32", "fastembed float32", "fastembed", "fastembed_model", "float32",
        "model.onnx", tasks=_EMBEDS, takes_ids=False,
    ),
    Peer(
        "fastembed-int8", "fastembed int8", "fastembed", "fastembed_model", "arm64",
        "model.onnx", tasks=_EMBEDS, takes_ids=False,
    ),
)  # fmt: skip

MAKERS = {
    "optimum": "make_optimum.py",
    "litert": "make_litert.py",
    "executorch": "make_executorch.py",
}
"""Library → script of `inside/` that converts for it; torch reads the checkpoint as it is."""
MADE_BY = {"fastembed": "optimum"}
"""Library → the library whose maker's files it reads, where it has no maker of its own."""
