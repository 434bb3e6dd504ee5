"""What each stage minimises: a batch in, losses by name out, "loss" their sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from edgebert.distillation import activations, losses, regularization
from edgebert.distillation.activations import Activations
from edgebert_runtime.errors import InputError

ATTENTION_LOSSES = ("auto", "scores", "relations", "none")


@dataclass(frozen=True)
class Penalties:
    """Strengths of what is added to every loss (see `regularization`)."""

    l1: float = 0.0
    group_lasso: float = 0.0


@dataclass(frozen=True)
class Targets:
    """What the prediction stage aims at."""

    temperature: float = 1.0
    hard_labels: float = 0.0
    """Share of the true labels' loss; the rest is the teacher's."""


class Penalized(nn.Module):
    """A model that learns, and the penalties on its heads and neurons."""

    def __init__(self, model: Any, penalties: Penalties) -> None:
        super().__init__()
        self.model = model
        self._penalties = penalties
        wanted = penalties.l1 or penalties.group_lasso
        # In a list of its own, so that the parameters are not counted twice.
        self._layers = (regularization.layers_of(model) if wanted else None,)

    def total(self, parts: dict[str, Tensor]) -> dict[str, Tensor]:
        """The parts, penalties among them, with their sum as "loss"."""
        if (layers := self._layers[0]) is not None:
            if self._penalties.l1:
                parts["l1"] = self._penalties.l1 * regularization.l1(layers)
            if self._penalties.group_lasso:
                parts["group_lasso"] = self._penalties.group_lasso * regularization.group_lasso(
                    layers
                )
        return {"loss": torch.stack(list(parts.values())).sum(), **parts}


class FineTuning(Penalized):
    """True labels only."""

    def __init__(self, model: Any, task: str, penalties: Penalties) -> None:
        super().__init__(model, penalties)
        self.task = task

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
        logits = self.model(**inputs).logits
        return self.total({"labels": losses.hard_loss(self.task, logits, batch["labels"])})


class Teacher:
    """A model that answers and does not learn: no dropout, no gradient, no part of a checkpoint."""

    def __init__(self, model: Any, device: torch.device) -> None:
        self.model = model.to(device).eval().requires_grad_(False)

    @torch.no_grad()
    def activations(self, inputs: dict[str, Tensor]) -> Activations:
        """Everything it does on the way."""
        return activations.forward(self.model, inputs)

    @torch.no_grad()
    def logits(self, inputs: dict[str, Tensor]) -> Tensor:
        """[B, outputs]."""
        logits: Tensor = self.model(**inputs).logits
        return logits


class Intermediate(Penalized):
    """Embeddings, hidden states and attention of mapped layers (TinyBERT, eq. 7 to 9).

    A projection for the embeddings and one for each mapped layer where widths differ.
    """

    def __init__(
        self,
        model: Any,
        teacher: Teacher,
        mapping: tuple[int, ...],
        attention: str,
        penalties: Penalties,
    ) -> None:
        super().__init__(model, penalties)
        self._teacher = teacher
        self.mapping = mapping
        self.attention = attention_loss(attention, model, teacher.model)
        ours, theirs = activations.width(model), activations.width(teacher.model)
        self.projections = nn.ModuleList(
            nn.Identity() if ours == theirs else nn.Linear(ours, theirs, bias=False)
            for _ in range(len(mapping) + 1)
        )

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
        mask = batch["attention_mask"]
        theirs = self._teacher.activations(inputs)
        ours = activations.forward(self.model, inputs)
        pairs = [(0, 0), *enumerate(self.mapping, start=1)]
        matched = [
            losses.hidden_loss(projection(ours.hidden[mine]), theirs.hidden[given], mask)
            for projection, (mine, given) in zip(self.projections, pairs, strict=True)
        ]
        parts = {"embedding": matched[0], "hidden": torch.stack(matched[1:]).sum()}
        if self.attention != "none":
            parts["attention"] = torch.stack(
                [
                    self._attention(ours, theirs, mine, given, mask)
                    for mine, given in enumerate(self.mapping, start=1)
                ]
            ).sum()
        return self.total(parts)

    def _attention(
        self, ours: Activations, theirs: Activations, mine: int, given: int, mask: Tensor
    ) -> Tensor:
        if self.attention == "scores":
            heads = activations.heads(self.model)[0]
            return losses.score_loss(
                losses.attention_scores(ours.queries[mine - 1], ours.keys[mine - 1], heads),
                losses.attention_scores(theirs.queries[given - 1], theirs.keys[given - 1], heads),
                mask,
            )
        kinds = (
            (ours.queries, theirs.queries),
            (ours.keys, theirs.keys),
            (ours.values, theirs.values),
        )
        total = torch.zeros((), device=mask.device)
        for student, teacher in kinds:
            vectors, wanted = student[mine - 1], teacher[given - 1]
            heads = losses.relation_heads(vectors.shape[-1], wanted.shape[-1])
            total = total + losses.relation_loss(vectors, wanted, mask, heads)
        return total


def attention_loss(name: str, student: Any, teacher: Any) -> str:
    """Which attention loss a name means for a pair: "auto" is scores where head counts are equal.

    Raises:
        InputError: for another name, or scores of models whose numbers of heads differ.
    """
    if name not in ATTENTION_LOSSES:
        raise InputError(
            f"attention loss: got {name!r}, expected one of {', '.join(ATTENTION_LOSSES)}"
        )
    ours, theirs = set(activations.heads(student)), set(activations.heads(teacher))
    equal = len(ours | theirs) == 1
    if name == "scores" and not equal:
        raise InputError(
            f"attention loss 'scores': the student has {_listed(ours)} heads, the teacher "
            f"{_listed(theirs)}; use 'relations', which needs no equal numbers"
        )
    if name == "auto":
        return "scores" if equal else "relations"
    return name


def _listed(numbers: set[int]) -> str:
    return " or ".join(map(str, sorted(numbers)))


class Prediction(Penalized):
    """The teacher's logits (TinyBERT, eq. 10), and a share of true labels."""

    def __init__(
        self,
        model: Any,
        teacher: Teacher,
        task: str,
        targets: Targets,
        penalties: Penalties,
    ) -> None:
        super().__init__(model, penalties)
        self._teacher = teacher
        self.task = task
        self.targets = targets

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
        wanted = self._teacher.logits(inputs)
        logits = self.model(**inputs).logits
        share = self.targets.hard_labels
        parts = {"teacher": (1.0 - share) * self._soft(logits, wanted)}
        if share:
            parts["labels"] = share * losses.hard_loss(self.task, logits, batch["labels"])
        return self.total(parts)

    def _soft(self, logits: Tensor, wanted: Tensor) -> Tensor:
        if self.task == "regression":
            return nn.functional.mse_loss(logits.float(), wanted.float())
        kind = (
            losses.soft_cross_entropy
            if self.task == "classification"
            else losses.soft_binary_cross_entropy
        )
        return kind(logits, wanted, self.targets.temperature)
