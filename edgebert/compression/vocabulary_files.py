"""Files of a checkpoint whose vocabulary is pruned: read with its weights, written anew."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from edgebert_converters import families, sentence_transformers
from edgebert_converters.fast_tokenizer import FastTokenizer, quiet_transformers, read_tokenizer
from edgebert_converters.sentence_transformers import SentenceEncoder, read_json
from edgebert_converters.vocabulary import PrunedTokenizer
from edgebert_converters.weights import pretrained
from edgebert_runtime.errors import ConversionError

_KINDS = {
    "ForSequenceClassification": AutoModelForSequenceClassification,
    "ForTokenClassification": AutoModelForTokenClassification,
    "ForQuestionAnswering": AutoModelForQuestionAnswering,
    "ForMaskedLM": AutoModelForMaskedLM,
    "Model": AutoModel,
}
_DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Source:
    """A checkpoint as it was read."""

    model: Any
    folder: Path
    """Of its configuration, weights and tokenizer."""
    tokenizer: FastTokenizer
    sentence: SentenceEncoder | None
    dtype: torch.dtype
    """Of its weights as they are stored."""


def load(folder: Path) -> Source:
    """Read a checkpoint of any kind that keeps its meaning when only its vocabulary changes.

    Raises:
        ConversionError: if it is none, or of another kind or family.
    """
    sentence = sentence_transformers.read(folder)
    inner = folder if sentence is None else sentence.transformer
    if not (inner / "config.json").is_file():
        raise ConversionError(
            f"no checkpoint at {str(folder)!r}; expected a folder with config.json, weights and "
            "tokenizer files, as save_pretrained writes it"
        )
    config = read_json(inner / "config.json")
    family = config.get("model_type") if isinstance(config, dict) else None
    if family not in families.SUPPORTED:
        raise ConversionError(
            f"model_type {family!r} is not supported; supported: {', '.join(families.SUPPORTED)}"
        )
    architecture = str((config.get("architectures") or [""])[0])
    kind = next((kind for end, kind in _KINDS.items() if architecture.endswith(end)), None)
    if kind is None:
        raise ConversionError(
            f"architecture {architecture!r} is not supported; supported: ...{', ...'.join(_KINDS)}"
        )
    model = pretrained(kind, inner, ("pooler",) if kind is AutoModel else ())
    lower_case = sentence is not None and sentence.lower_case
    tokenizer = read_tokenizer(inner, model.config.vocab_size, lower_case=lower_case)
    dtype = _DTYPES.get(str(config.get("dtype", config.get("torch_dtype"))), torch.float32)
    return Source(model.eval(), inner, tokenizer, sentence, dtype)


def copy_modules(folder: Path, source: Source, target: Path) -> Path:
    """Copy what a sentence-transformers folder adds; returns where the encoder's files belong."""
    if source.sentence is None:
        return target
    inner = target / source.folder.relative_to(folder)
    inner.mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / "modules.json", target)
    for name in ("config_sentence_transformers.json", "sentence_bert_config.json"):
        for here, there in ((folder, target), (source.folder, inner)):
            if (here / name).is_file():
                shutil.copy(here / name, there)
    for module in read_json(folder / "modules.json"):
        part = str(module.get("path", ""))
        if (folder / part).is_dir() and (folder / part) != source.folder:
            shutil.copytree(folder / part, target / part, dirs_exist_ok=True)
    return inner


def write_tokenizer(source: Path, pruned: PrunedTokenizer, target: Path) -> None:
    """Write the pruned tokenizer of the checkpoint folder `source` into the folder `target`.

    `target` has the model's config.json already. Only what a fast tokenizer needs is written:
    vocab.txt and its like would be of the whole vocabulary.

    Raises:
        ConversionError: if transformers would read another tokenizer from it.
    """
    new_ids = {str(old): str(new) for new, old in enumerate(pruned.kept)}
    with tempfile.TemporaryDirectory(prefix="edgebert-tokenizer-") as work:
        folder = Path(work)
        with quiet_transformers():
            read: Any = AutoTokenizer.from_pretrained(source, local_files_only=True)
            read.save_pretrained(folder)
        for path in folder.iterdir():
            if path.name not in ("tokenizer_config.json", "special_tokens_map.json"):
                path.unlink()
        settings = read_json(folder / "tokenizer_config.json")
        if "added_tokens_decoder" in settings:
            settings["added_tokens_decoder"] = {
                new_ids[old]: token for old, token in settings["added_tokens_decoder"].items()
            }
        (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
        # sentence-transformers lowers texts itself, where its own file says so.
        whole = json.loads(read.backend_tokenizer.to_str())
        content = json.loads(pruned.content) | {"normalizer": whole["normalizer"]}
        (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
        shutil.copy(target / "config.json", folder)
        with quiet_transformers():
            read = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            read.save_pretrained(target)
    written = read_tokenizer(target, len(pruned.kept))
    expected = FastTokenizer(json.dumps(content).encode(), written.gives_token_types)
    if written.whole().to_str() != expected.whole().to_str():
        raise ConversionError(
            f"transformers makes another tokenizer of the pruned one than of that in "
            f"{str(source)!r}; save it as a PreTrainedTokenizerFast"
        )
