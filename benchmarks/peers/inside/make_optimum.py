"""Run by optimum's environment: a checkpoint → ONNX files by optimum and ONNX Runtime.

    python make_optimum.py CHECKPOINT TASK FOLDER

Writes FOLDER/float32, arm64, avx512_vnni (by optimum-cli, as its documentation says), fused (ONNX
Runtime's transformer optimizer, then its dynamic quantization), and of an embedding model
sentence-encoder (by sentence-transformers' own export).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from transformers import AutoConfig

_CLI = str(Path(sys.executable).with_name("optimum-cli"))
_EXPORTER_TASKS = {"text-classification": "text-classification", "embedding": "feature-extraction"}


def main(checkpoint: str, task: str, output: str) -> None:
    """Export once, and quantize that in every way."""
    folder = Path(output)
    exported = folder / "float32"
    # An embedding model comes with its pooling in the graph.
    library = "sentence_transformers" if task == "embedding" else "transformers"
    export = [_CLI, "export", "onnx", "--model", checkpoint, "--task", _EXPORTER_TASKS[task]]
    subprocess.run([*export, "--library", library, str(exported)], check=True)
    for target in ("arm64", "avx512_vnni"):
        quantize = [_CLI, "onnxruntime", "quantize", "--onnx_model", str(exported)]
        subprocess.run([*quantize, f"--{target}", "-o", str(folder / target)], check=True)
        _complete(exported, folder / target, "model_quantized.onnx")
    fuse(checkpoint, exported / "model.onnx", folder / "fused")
    _complete(exported, folder / "fused", "fused.onnx")
    if task == "embedding":
        encode(checkpoint, folder / "sentence-encoder")


def fuse(checkpoint: str, exported: Path, folder: Path) -> None:
    """Fused operators, then 8-bit weights, by ONNX Runtime alone."""
    folder.mkdir(exist_ok=True)
    config = AutoConfig.from_pretrained(checkpoint)
    fused = optimizer.optimize_model(
        str(exported), "bert", num_heads=config.num_attention_heads, hidden_size=config.hidden_size
    )
    print({name: count for name, count in fused.get_fused_operator_statistics().items() if count})
    onnx.save(fused.model, folder / "float.onnx")
    quantize_dynamic(
        folder / "float.onnx",
        folder / "fused.onnx",
        weight_type=QuantType.QInt8,
        # Fused operators are none of ONNX's own, and shape inference knows nothing of them.
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )
    (folder / "float.onnx").unlink()


def encode(checkpoint: str, folder: Path) -> None:
    """As sentence-transformers' documentation says, for both kinds of processors."""
    from sentence_transformers import SentenceTransformer, export_dynamic_quantized_onnx_model

    model = SentenceTransformer(checkpoint, backend="onnx")
    model.save_pretrained(str(folder))
    for target in ("arm64", "avx512_vnni"):
        export_dynamic_quantized_onnx_model(model, target, str(folder))


def _complete(exported: Path, folder: Path, model: str) -> None:
    """The model under the name that libraries look for, and the rest of the checkpoint's files."""
    (folder / model).rename(folder / "model.onnx")
    for path in exported.iterdir():
        if path.name != "model.onnx" and not (folder / path.name).exists():
            copy = shutil.copytree if path.is_dir() else shutil.copy
            copy(path, folder / path.name)


if __name__ == "__main__":
    main(*sys.argv[1:])
