"""A Hugging Face folder → a student, the float model it must equal, a tokenizer, a task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

from edgebert_converters import components, families, family_heads, pruning, sentence_transformers
from edgebert_converters.fast_tokenizer import FastTokenizer, read_tokenizer
from edgebert_converters.float_model import FloatModel
from edgebert_converters.heads import EmbeddingHead, Student, TokenHead
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

_CLASSIFIER = "ForSequenceClassification"


@dataclass(frozen=True)
class _TokenTask:
    """A task with a row for each token."""

    name: str
    models: Any
    """transformers' class that reads such checkpoints."""
    head: Callable[[Any], TokenHead]


_TOKEN_TASKS = {
    "ForTokenClassification": _TokenTask(
        "token-classification",
        AutoModelForTokenClassification,
        family_heads.token_classification,
    ),
    "ForQuestionAnswering": _TokenTask(
        "question-answering", AutoModelForQuestionAnswering, family_heads.question_answering
    ),
    "ForMaskedLM": _TokenTask("masked-lm", AutoModelForMaskedLM, family_heads.masked_lm),
}
"""By the end of the architecture's name."""


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
        sentence_transformers.check_prompt(folder)
        folder = sentence.transformer
    config = read_json(folder / "config.json")
    family = config.get("model_type") if isinstance(config, dict) else None
    if family not in families.SUPPORTED:
        raise ConversionError(
            f"model_type {family!r} is not supported; supported: {', '.join(families.SUPPORTED)}"
        )
    architecture = str((config.get("architectures") or [""])[0])
    # Encoders are often published with the masked-LM head that they were pretrained with.
    task = next((each for end, each in _TOKEN_TASKS.items() if architecture.endswith(end)), None)
    says = architecture.endswith(_CLASSIFIER) or (task is not None and task.name != "masked-lm")
    if pooling is not None and (sentence or says):
        raise ConversionError(
            f"got pooling {pooling!r}, but {str(folder)!r} says itself what to do with its hidden "
            "states; leave --pooling out"
        )
    if architecture.endswith(_CLASSIFIER):
        return _classifier(folder, sentence)
    if sentence is None and pooling is not None:
        sentence = SentenceEncoder(folder, pooling=pooling, normalize=True)
    if sentence is not None:
        return _sentence_encoder(folder, sentence)
    if task is not None:
        return _token_model(folder, task)
    raise ConversionError(
        f"architecture {architecture!r} without sentence-transformers files is not supported; "
        f"supported: ...{', ...'.join((_CLASSIFIER, *_TOKEN_TASKS))}, sentence-transformers "
        "folders, and bare encoders with --pooling mean or cls"
    )


def _classifier(folder: Path, sentence: SentenceEncoder | None) -> Checkpoint:
    """`sentence` is what sentence-transformers' CrossEncoder says of it."""
    model = _pretrained(AutoModelForSequenceClassification, folder)
    config = model.config
    task, labels = task_of(config, sentence)
    tokenizer = read_tokenizer(folder, config.vocab_size)
    checkpoint = _checkpoint(
        folder,
        classifier_student(model, token_types=tokenizer.gives_token_types),
        FloatModel(model, None).eval(),
        tokenizer,
        task=task,
        labels=labels,
    )
    return _limited(checkpoint, sentence)


def classifier_student(model: Any, *, token_types: bool) -> Student:
    """The module to export, over the weights of a transformers sequence classifier."""
    encoder = families.encoder(model.base_model, first_token_only=True, token_types=token_types)
    return Student(encoder, family_heads.classification(model)).eval()


def _token_model(folder: Path, task: _TokenTask) -> Checkpoint:
    model = _pretrained(task.models, folder)
    tokenizer = read_tokenizer(folder, model.config.vocab_size)
    encoder = families.encoder(
        model.base_model, first_token_only=False, token_types=tokenizer.gives_token_types
    )
    return _checkpoint(
        folder,
        Student(encoder, task.head(model)).eval(),
        FloatModel(model, None).eval(),
        tokenizer,
        task=task.name,
        labels=_labels(model.config) if task.name == "token-classification" else (),
    )


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
    return _limited(checkpoint, sentence)


def _limited(checkpoint: Checkpoint, sentence: SentenceEncoder | None) -> Checkpoint:
    """Down to the length that sentence-transformers cuts at."""
    if sentence is None or sentence.max_length is None:
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


def task_of(config: Any, sentence: SentenceEncoder | None = None) -> tuple[str, tuple[str, ...]]:
    """Task and labels of a sequence classifier's configuration.

    `sentence` is what sentence-transformers says of it.

    Raises:
        ConversionError: for a kind of problem, or labels, that nothing here answers.
    """
    labels = _labels(config)
    problem = config.problem_type or (
        "regression" if len(labels) == 1 else "single_label_classification"
    )
    if problem == "regression" and len(labels) == 1 and _gives_a_probability(config, sentence):
        problem = "multi_label_classification"
    if problem not in _PROBLEMS:
        raise ConversionError(
            f"problem_type {problem!r} is not supported; supported: {', '.join(_PROBLEMS)}"
        )
    return _PROBLEMS[problem], labels


def _gives_a_probability(config: Any, sentence: SentenceEncoder | None) -> bool:
    """Whether sentence-transformers' CrossEncoder takes the sigmoid of the one output."""
    # Since its version 5.7 in a file of its own, before in the model's.
    name = None if sentence is None else sentence.activation
    settings = getattr(config, "sentence_transformers", None)
    name = name or (settings.get("activation_fn") if isinstance(settings, dict) else None)
    # Before its version 4 the name stood by itself.
    name = name or getattr(config, "sbert_ce_default_activation_function", None)
    return str(name).rpartition(".")[2] == "Sigmoid"


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
