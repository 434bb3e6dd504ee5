"""A Hugging Face folder → a student, the float model it must equal, a tokenizer, a task."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import AutoModel, AutoModelForSequenceClassification

from edgebert_converters import components, families, pruning, sentence_transformers
from edgebert_converters.encoder import activation
from edgebert_converters.fast_tokenizer import (
    FastTokenizer,
    read_tokenizer,
)
from edgebert_converters.heads import ClassificationHead, EmbeddingHead, Student
from edgebert_converters.pruning import Pruning
from edgebert_converters.sentence_transformers import SentenceEncoder, read_json
from edgebert_converters.weights import pretrained, weights_hash
from edgebert_runtime.errors import ConversionError
from edgebert_runtime.manifest import Source

_PROBLEMS = {
    "single_label_classification": "classification",
    "multi_label_classification": "multi-label-classification",
    "regression": "regression",
}


class FloatModel(nn.Module):
    """transformers' own model with the task's raw output: what every artifact is held against."""

    def __init__(self, model: nn.Module, head: EmbeddingHead | None) -> None:
        super().__init__()
        self.model = model
        self.head = head

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """`input_ids`, `attention_mask` and, where read, `token_type_ids` → [B, outputs]."""
        result: Any = self.model(**inputs)
        if self.head is None:
            logits: Tensor = result.logits
            return logits
        pooled: Tensor = self.head(result.last_hidden_state, inputs["attention_mask"])
        return pooled


@dataclass(frozen=True)
class Checkpoint:
    """Everything that converters need of a checkpoint."""

    student: Student
    float_model: FloatModel
    tokenizer: bytes
    task: str
    labels: tuple[str, ...]
    max_length: int
    source: Source
    pruning: Pruning | None = None
    """None: nothing was pruned."""


def load_checkpoint(folder: Path, pooling: str | None = None) -> Checkpoint:
    """Read a folder as `save_pretrained` writes it.

    `pooling` ("mean" or "cls") makes an embedding model, of unit length, of an encoder that has
    neither a head nor sentence-transformers files.

    Raises:
        ConversionError: if it is not such a folder, or holds what is not supported.
    """
    if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
        raise ConversionError(
            f"no checkpoint at {str(folder)!r}; expected a folder with config.json, weights and "
            "tokenizer files, as save_pretrained writes it"
        )
    sentence = sentence_transformers.read(folder)
    if sentence is not None:
        folder = sentence.transformer
    config = read_json(folder / "config.json")
    family = config.get("model_type") if isinstance(config, dict) else None
    if family not in families.SUPPORTED:
        raise ConversionError(
            f"model_type {family!r} is not supported; supported: {', '.join(families.SUPPORTED)}"
        )
    architecture = str((config.get("architectures") or [""])[0])
    if pooling is not None and (sentence or architecture.endswith("ForSequenceClassification")):
        raise ConversionError(
            f"got pooling {pooling!r}, but {str(folder)!r} says itself what to do with its hidden "
            "states; leave --pooling out"
        )
    if architecture.endswith("ForSequenceClassification"):
        return _classifier(folder)
    if sentence is None and pooling is not None:
        sentence = SentenceEncoder(folder, pooling=pooling, normalize=True)
    if sentence is not None:
        return _sentence_encoder(folder, sentence)
    raise ConversionError(
        f"architecture {architecture!r} without sentence-transformers files is not supported; "
        "supported: ...ForSequenceClassification, sentence-transformers folders, and bare encoders "
        "with --pooling mean or cls"
    )


def _classifier(folder: Path) -> Checkpoint:
    model = _pretrained(AutoModelForSequenceClassification, folder)
    config = model.config
    task, labels = task_of(config)
    tokenizer = read_tokenizer(folder, config.vocab_size)
    return _checkpoint(
        folder,
        classifier_student(model, token_types=tokenizer.gives_token_types),
        FloatModel(model, None).eval(),
        tokenizer,
        task=task,
        labels=labels,
    )


def classifier_student(model: Any, *, token_types: bool) -> Student:
    """The module to export, over the weights of a transformers sequence classifier."""
    encoder = families.encoder(model.base_model, first_token_only=True, token_types=token_types)
    return Student(encoder, _classification_head(model)).eval()


def _sentence_encoder(folder: Path, sentence: SentenceEncoder) -> Checkpoint:
    model = _pretrained(AutoModel, folder)
    tokenizer = read_tokenizer(folder, model.config.vocab_size, lower_case=sentence.lower_case)
    head = EmbeddingHead(sentence.pooling, sentence.dense, sentence.normalize)
    encoder = families.encoder(
        model,
        first_token_only=head.reads_first_token_only,
        token_types=tokenizer.gives_token_types,
    )
    checkpoint = _checkpoint(
        folder,
        Student(encoder, head).eval(),
        FloatModel(model, head).eval(),
        tokenizer,
        task="embedding",
        labels=(),
    )
    if sentence.max_length is None:
        return checkpoint
    return replace(checkpoint, max_length=min(checkpoint.max_length, int(sentence.max_length)))


def _checkpoint(
    folder: Path,
    student: Student,
    float_model: FloatModel,
    tokenizer: FastTokenizer,
    *,
    task: str,
    labels: tuple[str, ...],
) -> Checkpoint:
    config: Any = float_model.model.config
    limit = families.position_limit(config)
    source = Source(
        checkpoint=folder.resolve().name,
        family=config.model_type,
        sha256=weights_hash(folder),
        parameters=components.parameters(student),
        position_limit=limit,
    )
    pruned = pruning.read(config)
    return Checkpoint(student, float_model, tokenizer.content, task, labels, limit, source, pruned)


def _pretrained(kind: Any, folder: Path) -> Any:
    dispensable = ("pooler",) if kind is AutoModel else ()
    return pretrained(kind, folder, dispensable, attn_implementation="eager")


def task_of(config: Any) -> tuple[str, tuple[str, ...]]:
    """Task and labels of a sequence classifier's configuration.

    Raises:
        ConversionError: for a kind of problem, or labels, that nothing here answers.
    """
    labels = _labels(config)
    problem = config.problem_type or (
        "regression" if len(labels) == 1 else "single_label_classification"
    )
    if problem not in _PROBLEMS:
        raise ConversionError(
            f"problem_type {problem!r} is not supported; supported: {', '.join(_PROBLEMS)}"
        )
    return _PROBLEMS[problem], labels


def _labels(config: Any) -> tuple[str, ...]:
    names = config.id2label
    if sorted(names) != list(range(config.num_labels)):
        raise ConversionError(
            f"id2label has the ids {sorted(names)[:10]}, expected 0 to {config.num_labels - 1}"
        )
    labels = tuple(str(names[index]) for index in range(config.num_labels))
    if len(set(labels)) != len(labels) or "" in labels:
        raise ConversionError(
            f"id2label has the names {labels[:10]}, expected each once, none empty"
        )
    return labels


def _classification_head(model: Any) -> ClassificationHead:
    """The parts between the first token and the logits, in each family's own arrangement."""
    family, base = model.config.model_type, model.base_model
    if family in ("roberta", "xlm-roberta", "electra"):
        name = "gelu" if family == "electra" else "tanh"
        dense = nn.Sequential(model.classifier.dense, activation(name))
        return ClassificationHead(dense, model.classifier.out_proj)
    if family == "distilbert":
        return ClassificationHead(nn.Sequential(model.pre_classifier, nn.ReLU()), model.classifier)
    if family == "albert":
        return ClassificationHead(nn.Sequential(base.pooler, nn.Tanh()), model.classifier)
    if family == "mobilebert" and not model.config.classifier_activation:
        return ClassificationHead(nn.Sequential(), model.classifier)
    return ClassificationHead(nn.Sequential(base.pooler.dense, nn.Tanh()), model.classifier)
