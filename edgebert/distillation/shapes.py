"""Students: named shapes, and where their first weights come from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import BertConfig, BertForSequenceClassification

from edgebert_converters import families, pruning
from edgebert_converters.encoder import BertEncoder
from edgebert_runtime.errors import InputError


@dataclass(frozen=True)
class Shape:
    """Sizes of a BERT encoder."""

    layers: int
    hidden: int
    heads: int
    feed_forward: int


SHAPES = {
    "tinybert-4l-312": Shape(4, 312, 12, 1200),
    "tinybert-6l-768": Shape(6, 768, 12, 3072),
    "minilm-3l-384": Shape(3, 384, 12, 1536),
    # Heads of 32 and sizes that are multiples of 64 fill vector registers; 312 / 12 = 26 does not.
    "simd-4l-320": Shape(4, 320, 10, 1280),
}
"""TinyBERT's two (arXiv 1909.10351, section 4.1), MiniLM's width, and one made for registers."""


def shape(text: str) -> Shape:
    """A shape by name, or by numbers: `4x312x12x1200` is layers x hidden x heads x feed-forward.

    Raises:
        InputError: for another name, or heads that do not divide the hidden width.
    """
    if text in SHAPES:
        return SHAPES[text]
    if not re.fullmatch(r"[1-9][0-9]{0,4}(x[1-9][0-9]{0,4}){3}", text):
        raise InputError(
            f"student: got {text!r}, expected a checkpoint folder, {', '.join(SHAPES)}, or numbers "
            "such as 4x312x12x1200 (layers x hidden x heads x feed-forward)"
        )
    given = Shape(*map(int, text.split("x")))
    if given.hidden % given.heads:
        raise InputError(
            f"student {text!r}: {given.heads} heads do not divide the hidden width {given.hidden}"
        )
    return given


def of(model: Any) -> Shape:
    """The shape of a model as far as these four numbers tell it."""
    config = model.config
    return Shape(
        config.num_hidden_layers,
        config.hidden_size,
        config.num_attention_heads,
        pruning.feed_forward_width(config),
    )


def random_student(sizes: Shape, teacher: Any, activation: str = "gelu") -> Any:
    """A BERT classifier of the given sizes with the teacher's vocabulary, limit and labels."""
    theirs = teacher.config
    config = BertConfig(
        vocab_size=theirs.vocab_size,
        hidden_size=sizes.hidden,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        intermediate_size=sizes.feed_forward,
        hidden_act=activation,
        layer_norm_eps=getattr(theirs, "layer_norm_eps", 1e-12),
        max_position_embeddings=families.position_limit(theirs),
        type_vocab_size=max(1, getattr(theirs, "type_vocab_size", 2)),
        pad_token_id=theirs.pad_token_id,
        id2label=theirs.id2label,
        label2id=theirs.label2id,
        problem_type=theirs.problem_type,
    )
    try:
        return BertForSequenceClassification(config)
    except (RuntimeError, MemoryError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"a student of {sizes} cannot be made ({reason})") from None


def student_from_layers(teacher: Any, layers: Sequence[int]) -> Any:
    """A BERT classifier made of the teacher's embeddings, head and chosen layers, from 1.

    Raises:
        InputError: if the teacher's layers or embeddings are of another kind than BERT's.
    """
    depth = int(teacher.config.num_hidden_layers)
    if not layers or not all(1 <= layer <= depth for layer in layers):
        raise InputError(
            f"student from layers {', '.join(map(str, layers)) or 'none'}: expected layers of 1 to "
            f"{depth}"
        )
    theirs = families.encoder(teacher.base_model, first_token_only=False, token_types=True)
    if not isinstance(theirs, BertEncoder) or theirs.embeddings.projection is not None:
        raise InputError(
            f"a {teacher.config.model_type} teacher's layers are not a BERT's, so a student cannot "
            "start from them; name a shape to start from random weights"
        )
    sizes = of(teacher)
    sizes = Shape(len(layers), sizes.hidden, sizes.heads, sizes.feed_forward)
    student = random_student(sizes, teacher, _activation(teacher))
    if (pruned := pruning.read(teacher.config)) is not None:
        widths = tuple(pruned.layers[layer - 1] for layer in layers)
        before = pruning.parameters(student)
        pruning.narrow(student, replace(pruned, layers=widths, parameters_before=before))
    ours = families.encoder(student.base_model, first_token_only=False, token_types=True)
    assert isinstance(ours, BertEncoder)
    mine, given = [*ours.layers, ours.last_layer], [*theirs.layers, theirs.last_layer]
    for target, layer in zip(mine, layers, strict=True):
        target.load_state_dict(given[layer - 1].state_dict())
    _copy_embeddings(student, theirs.embeddings)
    _copy_head(student, teacher)
    return student


def _activation(teacher: Any) -> str:
    config = teacher.config
    return str(getattr(config, "hidden_act", None) or config.activation)


def _copy_embeddings(student: Any, given: Any) -> None:
    """Position rows of real tokens only; a lone token type is part of them already."""
    parts = student.base_model.embeddings
    with torch.no_grad():
        parts.word_embeddings.weight.copy_(given.tokens.weight)
        parts.position_embeddings.weight.copy_(given.positions.weight)
        if given.token_types is None:
            parts.token_type_embeddings.weight.zero_()
        else:
            parts.token_type_embeddings.weight.copy_(given.token_types.weight)
    parts.LayerNorm.load_state_dict(given.norm.state_dict())


def _copy_head(student: Any, teacher: Any) -> None:
    """Pooler and classifier, where the teacher has them as BERT does."""
    pooler = getattr(teacher.base_model, "pooler", None)
    if pooler is None or not isinstance(getattr(teacher, "classifier", None), nn.Linear):
        return
    student.base_model.pooler.load_state_dict(pooler.state_dict())
    student.classifier.load_state_dict(teacher.classifier.state_dict())


def is_checkpoint(text: str) -> bool:
    """Whether a student is named by a folder, not by a shape."""
    try:
        return any((Path(text) / name).is_file() for name in ("config.json", "modules.json"))
    except (OSError, ValueError):
        return False
