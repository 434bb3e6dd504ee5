"""Classifiers and tokenizers of checkpoint folders, to learn with; and back to a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

from edgebert.labels import LabelSpace
from edgebert_converters import families, pruning, sentence_transformers, sparsity
from edgebert_converters.checkpoint import task_of
from edgebert_converters.fast_tokenizer import FastTokenizer, quiet_transformers, read_tokenizer
from edgebert_converters.quiet import quiet
from edgebert_converters.weights import pretrained, weights_hash
from edgebert_runtime.errors import ConversionError, InputError

_HEADS = ("classifier", "pooler", "pre_classifier")


@dataclass(frozen=True)
class Classifier:
    """A transformers sequence classifier with what belongs to it."""

    model: Any
    folder: Path
    """Where its tokenizer is."""
    tokenizer: FastTokenizer
    labels: LabelSpace | None
    """None: the checkpoint had no head, or one that was replaced."""

    def identity(self) -> dict[str, str]:
        """For a run's record: the folder's name, and the hash of its weights."""
        return {"name": self.folder.resolve().name, "sha256": weights_hash(self.folder)}

    @property
    def position_limit(self) -> int:
        """Most tokens of a text."""
        return families.position_limit(self.model.config)

    @property
    def pad(self) -> int:
        """Token id of padding."""
        return int(self.model.config.pad_token_id or 0)


def load(folder: Path, labels: LabelSpace | None = None, *, own_order: bool = False) -> Classifier:
    """Read a checkpoint folder; for other labels than its own with a new head.

    With `own_order`, the same labels in another order are no other labels.

    Weights that magnitude pruning set to zero stay zero while the model learns.

    Raises:
        ConversionError: if it is no checkpoint of a supported family, or has no head and no
            `labels` are given.
    """
    if not folder.is_dir():
        raise ConversionError(
            f"no checkpoint at {str(folder)!r}; expected a folder with config.json, weights and "
            "tokenizer files, as save_pretrained writes it"
        )
    sentence = sentence_transformers.read(folder)
    folder = folder if sentence is None else sentence.transformer
    config = _config(folder)
    has_head = str((config.architectures or [""])[0]).endswith("ForSequenceClassification")
    own = LabelSpace(*task_of(config, sentence)) if has_head else None
    if own_order and labels is not None and own is not None and _same(labels, own):
        labels = own
    if labels is not None:
        labels.configure(config)
    elif own is None:
        raise ConversionError(
            f"{str(folder)!r} has no classification head; fine-tune it first: edgebert train"
        )
    new_head = own is None or (labels or own) != own
    model = pretrained(
        AutoModelForSequenceClassification,
        folder,
        _HEADS if new_head else (),
        config=config,
    )
    if (pruned := pruning.read(config)) is not None and pruned.sparsity:
        sparsity.hold(model)
    return Classifier(model, folder, read_tokenizer(folder, config.vocab_size), labels or own)


def _same(labels: LabelSpace, own: LabelSpace) -> bool:
    return labels.task == own.task and sorted(labels.names) == sorted(own.names)


def save(model: Any, tokenizer_folder: Path, target: Path) -> None:
    """Write what `load` and `edgebert convert` read."""
    with quiet():
        model.save_pretrained(target)
        AutoTokenizer.from_pretrained(tokenizer_folder, local_files_only=True).save_pretrained(
            target
        )


def check_same_tokenizer(teacher: Classifier, student: Classifier) -> None:
    """Both must see the same ids.

    Raises:
        InputError: if the tokenizers or the kinds of input differ.
    """
    theirs, ours = teacher.tokenizer, student.tokenizer
    if _identity(theirs) != _identity(ours):
        raise InputError(
            f"student {str(student.folder)!r} has another tokenizer than the teacher; a student "
            "learns from the same token ids: choose a checkpoint with the teacher's vocabulary, or "
            "a shape"
        )


def _identity(tokenizer: FastTokenizer) -> tuple[bytes, bool]:
    """Everything but where a file says to cut and pad."""
    return tokenizer.whole().to_str().encode(), tokenizer.gives_token_types


def _config(folder: Path) -> Any:
    try:
        with quiet_transformers():
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise ConversionError(
            f"no checkpoint at {str(folder)!r} ({reason}); expected a folder with config.json, "
            "weights and tokenizer files, as save_pretrained writes it"
        ) from error
    if config.model_type not in families.SUPPORTED:
        raise ConversionError(
            f"model_type {config.model_type!r} is not supported; supported: "
            f"{', '.join(families.SUPPORTED)}"
        )
    return config
