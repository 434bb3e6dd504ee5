"""Small bundles made by hand: every field is filled, nothing in them is ever run."""

from __future__ import annotations

import dataclasses
import hashlib
import zipfile
from pathlib import Path

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, processors

from edgebert_runtime import Artifact, Manifest
from edgebert_runtime.manifest import File, Parity, Source
from edgebert_runtime.provenance import Calibration, Pruning, Search, Trial

CONTENTS = {
    "tokenizer.json": b'{"model": {}}' * 20,
    "int8_static.onnx": b"\x08\x0a" + bytes(range(256)) * 8,
    "int8_static.tflite": b"\x1c\0\0\0TFL3" + bytes(range(256)) * 8,
    "float32.pt": b"PK\3\4" + bytes(range(256)) * 8,
}
"""What a parser's first look takes for files of these kinds."""


def listed(name: str, content: bytes) -> File:
    """The manifest's entry for a file of this content."""
    return File(name, hashlib.sha256(content).hexdigest(), len(content))


def _artifact(backend: str, name: str, contents: dict[str, bytes]) -> Artifact:
    return Artifact(
        backend=backend,
        **dataclasses.asdict(listed(name, contents[name])),
        recipe=name.partition(".")[0],
        float_layers=("encoder.layers.0.value",),
        calibration=Calibration("percentile", 256, {"largest": 0.5, "percentile": 0.75}),
        sparsity=0.25,
        lengths=(8, 64) if backend == "tflite" else (),
        inputs={"input_ids": "int64", "attention_mask": "int64", "token_type_ids": "int32"},
        outputs={"logits": 2},
        components={"embeddings": 1000},
        parity=Parity(63, 0.5, 0.25, 0.75),
    )


def manifest(contents: dict[str, bytes] = CONTENTS) -> Manifest:
    """A manifest of these files, named as in `CONTENTS`."""
    return Manifest(
        task="classification",
        labels=("bad", "good"),
        max_length=64,
        tokenizer=listed("tokenizer.json", contents["tokenizer.json"]),
        source=Source("student", "bert", "0" * 64, {"embeddings": 250}, 64),
        artifacts=(
            _artifact("onnx", "int8_static.onnx", contents),
            _artifact("tflite", "int8_static.tflite", contents),
            _artifact("torchscript", "float32.pt", contents),
        ),
        pruning=Pruning((1, 2), (30, 64), 400_000, 0.25),
        search=Search(
            *("dev.tsv", 120, "accuracy", 0.875, 2.5, 300),
            (Trial("onnx", "int8_static", (), 0.85, 1.5, 5000, False, True),),
        ),
    )


def write_folder(folder: Path, contents: dict[str, bytes] = CONTENTS) -> Path:
    """A bundle folder."""
    folder.mkdir()
    (folder / "manifest.json").write_text(manifest(contents).to_json(), encoding="utf-8")
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def write_zip(path: Path, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """The same as a .edgebert file."""
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("manifest.json", manifest().to_json())
        for name, content in CONTENTS.items():
            archive.writestr(name, content)
    return path


def _tokenizers() -> dict[str, str]:
    """The smallest of each kind: WordPiece, byte-level BPE, Unigram."""
    template = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    pieces = ["[UNK]", "[CLS]", "[SEP]", "a", "##a", "b", "##b", "fine", "day"]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    word_piece = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    word_piece.normalizer = normalizers.BertNormalizer(lowercase=True)
    word_piece.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    bpe = tokenizers.Tokenizer(models.BPE({**vocabulary, "ab": 9}, [("a", "b")]))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    unigram = tokenizers.Tokenizer(
        models.Unigram([(piece, -float(index)) for index, piece in enumerate(pieces)], 0, False)
    )
    unigram.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    made = {"word-piece": word_piece, "bpe": bpe, "unigram": unigram}
    for each in made.values():
        each.add_special_tokens(pieces[:3])
        each.post_processor = template
    return {name: each.to_str() for name, each in made.items()}


def write_seeds(folder: Path, target: str) -> None:
    """What a fuzzer starts from: manifests of every version and task, zip files, or tokenizers."""
    folder.mkdir(parents=True, exist_ok=True)
    if target == "zip":
        write_zip(folder / "deflated", zipfile.ZIP_DEFLATED)
        write_zip(folder / "stored", zipfile.ZIP_STORED)
        return
    if target == "tokenizer":
        for name, text in _tokenizers().items():
            (folder / name).write_text(text, encoding="utf-8")
        return
    whole = manifest()
    token_labels = dataclasses.replace(whole, task="token-classification", labels=("O", "B-X"))
    answers = dataclasses.replace(whole, task="question-answering", labels=(), pruning=None)
    for index, each in enumerate([whole, token_labels, answers]):
        (folder / f"written-{index}").write_text(each.to_json(), encoding="utf-8")
    for stored in (Path(__file__).parent / "stored_bundles").glob("*.edgebert"):
        with zipfile.ZipFile(stored) as archive:
            (folder / stored.stem).write_bytes(archive.read("manifest.json"))
