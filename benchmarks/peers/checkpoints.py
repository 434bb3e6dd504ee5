"""The models that all are given: the same weights for everybody, made once and kept in .cache."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import resources

from peers.libraries import ROOT

CACHE = ROOT / ".cache" / "peers"
_STUDENT = ROOT / "models" / "film-sentiment"
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


@dataclasses.dataclass(frozen=True)
class Subject:
    """One model: the folder that we convert, and the one that the others do."""

    name: str
    task: str
    """"text-classification" or "embedding"."""
    ours: Path
    theirs: Path
    note: str
    """What is to be known of it beside the table."""


def tinybert() -> Subject:
    """TinyBERT-4L-312's shape: weights drawn with a fixed seed, two labels, MiniLM's tokenizer."""
    folder = _made("tinybert", _fill_tinybert)
    note = (
        "BERT of 4 layers, width 312, 12 heads, feed-forward 1200, 30,522 tokens; weights drawn "
        "with a fixed seed, so that its labels mean nothing, and nearly all are one."
    )
    return Subject("tinybert", "text-classification", folder, folder, note)


def minilm() -> Subject:
    """all-MiniLM-L6-v2 as published: sentence embeddings."""
    folder = resources.minilm()
    note = "all-MiniLM-L6-v2: 6 layers, width 384; mean pooling and normalisation included."
    return Subject("minilm", "embedding", folder, folder, note)


def film_sentiment() -> Subject:
    """The shipped student, and for others the same function in the shape that they can read."""
    folder = _made("film-sentiment", _fill_film_sentiment)
    note = (
        "models/film-sentiment, 3 layers of width 384, pruned to widths that only EdgeBERT reads. "
        "The others get the student unpruned: all heads and neurons are there, those that had been "
        "cut with random weights that nothing listens to, and the answers are the same."
    )
    return Subject("film-sentiment", "text-classification", _STUDENT, folder, note)


SUBJECTS: dict[str, Callable[[], Subject]] = {
    "tinybert": tinybert,
    "minilm": minilm,
    "film-sentiment": film_sentiment,
}


def widened(narrow: dict[str, Any], full: dict[str, Any]) -> dict[str, Any]:
    """Pruned weights in the shapes of `full`, for the same answers.

    Rows that had been cut (of queries, keys, values and the first feed-forward matrix) stay as they
    are in `full`. What reads them, the columns of a narrower matrix, is zero.
    """
    result = {}
    for name, weight in narrow.items():
        wide = full[name].clone()
        if wide.dim() == 2 and weight.shape[1] < wide.shape[1]:
            wide.zero_()
        wide[tuple(slice(size) for size in weight.shape)] = weight
        result[name] = wide
    return result


def _fill_tinybert(folder: Path) -> None:
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.BertConfig(
        hidden_size=312,
        num_hidden_layers=4,
        num_attention_heads=12,
        intermediate_size=1200,
        # Wider than a new model's 0.02, or answers to different texts would hardly differ. With
        # this width few of them lie between two labels, where rounding alone would decide.
        initializer_range=0.08,
        id2label={0: "negative", 1: "positive"},
        label2id={"negative": 0, "positive": 1},
    )
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    _copy_tokenizer(resources.minilm(), folder)


def _fill_film_sentiment(folder: Path) -> None:
    import torch
    import transformers
    from safetensors.torch import load_file

    fields = json.loads((_STUDENT / "config.json").read_text(encoding="utf-8"))
    config = transformers.BertConfig(
        **{name: each for name, each in fields.items() if name not in ("edgebert_pruning", "dtype")}
    )
    torch.manual_seed(0)
    model = transformers.BertForSequenceClassification(config)
    narrow = {
        name: each.float() for name, each in load_file(_STUDENT / "model.safetensors").items()
    }
    model.load_state_dict(widened(narrow, model.state_dict()))
    model.save_pretrained(folder)
    _copy_tokenizer(_STUDENT, folder)


def _copy_tokenizer(source: Path, folder: Path) -> None:
    for name in _TOKENIZER_FILES:
        if (source / name).exists():
            shutil.copy(source / name, folder)


def _made(name: str, fill: Callable[[Path], None]) -> Path:
    """The folder of a checkpoint, made anew when this module or the shipped student changes."""
    sources = (Path(__file__), _STUDENT / "model.safetensors", _STUDENT / "config.json")
    key = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    folder = CACHE / "checkpoints" / f"{name}-{key}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        fill(folder)
        (folder / "complete").touch()
    return folder
