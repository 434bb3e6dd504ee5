"""What stages minimise: what a teacher is left alone with, and what of it a student must match."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import students
import torch
import transformers
from torch import Tensor, nn

from edgebert.distillation import activations, losses
from edgebert.distillation.objectives import (
    FineTuning,
    Intermediate,
    Penalties,
    Prediction,
    Targets,
    Teacher,
    attention_loss,
)
from edgebert.distillation.shapes import Shape, random_student
from edgebert_converters import families
from edgebert_runtime import InputError

CPU = torch.device("cpu")
NONE = Penalties()


def inputs(family: str = "bert", rows: int = 4) -> dict[str, Tensor]:
    """Sentences of different lengths, padded at their ends."""
    fast = students.tokenizer(family)
    batch = dict(
        fast(
            list(students.SENTENCES[:rows]),
            padding=True,
            truncation=True,
            max_length=48,
            return_tensors="pt",
        )
    )
    assert int(batch["attention_mask"].min()) == 0
    if family in ("roberta", "xlm-roberta", "distilbert"):
        batch.pop("token_type_ids", None)
    return batch


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of four layers whose dropout would be seen."""
    return students.checkpoint(
        tmp_path_factory.mktemp("objectives") / "teacher",
        num_hidden_layers=4,
        hidden_dropout_prob=0.5,
        attention_probs_dropout_prob=0.5,
    )


@pytest.fixture
def model(folder: Path) -> Any:
    return transformers.AutoModelForSequenceClassification.from_pretrained(folder)


@pytest.fixture
def teacher(model: Any) -> Teacher:
    """Given in train mode, as a model that was just trained is."""
    return Teacher(model.train(), CPU)


def small(teacher: Teacher, sizes: Shape | None = None) -> Any:
    """A student of two layers, half as wide, with as many heads."""
    torch.manual_seed(1)
    student = random_student(sizes or Shape(2, 16, 4, 24), teacher.model)
    students.spread(student)
    return student


def every_objective(teacher: Teacher) -> Iterator[nn.Module]:
    for attention in ("scores", "relations", "none"):
        yield Intermediate(small(teacher), teacher, (2, 4), attention, NONE)
    yield Prediction(small(teacher), teacher, "classification", Targets(2.0, 0.5), NONE)


def labelled(rows: int = 4) -> dict[str, Tensor]:
    return {**inputs(rows=rows), "labels": torch.tensor([[0.0], [1.0], [1.0], [0.0]][:rows])}


# The teacher


def test_a_teacher_has_no_dropout_while_its_student_learns(teacher: Teacher) -> None:
    batch = inputs()
    expected = teacher.model.eval()(**batch).logits
    for objective in every_objective(teacher):
        objective.train()
        assert objective.model.training
        assert not any(each.training for each in teacher.model.modules())
        assert torch.equal(teacher.logits(batch), expected)
        first, second = (teacher.activations(batch) for _ in range(2))
        assert torch.equal(first.logits, expected)
        assert all(map(torch.equal, first.hidden, second.hidden))


def test_a_teacher_has_no_gradient(teacher: Teacher) -> None:
    before = {name: each.clone() for name, each in teacher.model.state_dict().items()}
    for objective in every_objective(teacher):
        optimizer = torch.optim.SGD(objective.parameters(), lr=0.1)
        objective(labelled())["loss"].backward()
        optimizer.step()
    found = teacher.activations(inputs())
    tensors = [found.logits, *found.hidden, *found.queries, *found.keys, *found.values]
    assert not any(each.requires_grad for each in tensors)
    assert not any(each.requires_grad for each in teacher.model.parameters())
    assert all(each.grad is None for each in teacher.model.parameters())
    after = teacher.model.state_dict()
    assert all(torch.equal(each, after[name]) for name, each in before.items())


def test_a_teacher_is_no_part_of_what_is_saved_or_learnt(teacher: Teacher) -> None:
    theirs = {id(each) for each in teacher.model.parameters()}
    for objective in every_objective(teacher):
        assert not theirs & {id(each) for each in objective.parameters()}
        assert not theirs & {id(each) for each in objective.buffers()}
        names = {name.split(".")[0] for name in objective.state_dict()}
        assert names <= {"model", "projections"}
        ours = {name for name in objective.state_dict() if name.startswith("model.")}
        assert ours == {f"model.{name}" for name in objective.model.state_dict()}


# A student that is its teacher


@pytest.mark.parametrize("attention", ["auto", "scores", "relations", "none"])
def test_a_student_equal_to_its_teacher_has_nothing_to_learn(
    teacher: Teacher, attention: str
) -> None:
    student = copy.deepcopy(teacher.model).requires_grad_(True)
    objective = Intermediate(student, teacher, (1, 2, 3, 4), attention, NONE).eval()
    parts = objective(inputs())
    parts["loss"].backward()
    for part in parts.values():
        assert part.item() == pytest.approx(0.0, abs=1e-5)
    slopes = [each.grad.abs().max() for each in student.parameters() if each.grad is not None]
    assert len(slopes) > 20
    assert float(torch.stack(slopes).max()) < 1e-4


def test_dropout_of_the_student_is_its_own(teacher: Teacher) -> None:
    student = copy.deepcopy(teacher.model).requires_grad_(True)
    objective = Intermediate(student, teacher, (1, 2, 3, 4), "scores", NONE).train()
    assert objective(inputs())["loss"].item() > 0.1


def test_equal_answers_have_no_gradient(teacher: Teacher) -> None:
    student = copy.deepcopy(teacher.model).requires_grad_(True)
    objective = Prediction(student, teacher, "classification", Targets(2.0), NONE).eval()
    objective(inputs())["loss"].backward()
    assert float(student.classifier.weight.grad.abs().max()) < 1e-5


# What is matched


def mean_square(given: Tensor, wanted: Tensor, mask: Tensor) -> float:
    """Over real tokens, in numpy and one after the other."""
    rows = []
    for text in range(len(mask)):
        length = int(mask[text].sum())
        difference = given[text, :length].numpy() - wanted[text, :length].numpy()
        rows += np.square(difference).mean(axis=-1).tolist()
    return float(np.mean(rows))


def test_parts_of_the_intermediate_loss(teacher: Teacher) -> None:
    objective = Intermediate(small(teacher), teacher, (2, 4), "scores", NONE).eval()
    batch = inputs()
    mask = batch["attention_mask"]
    with torch.no_grad():
        parts = objective(batch)
        ours = objective.model(**batch, output_hidden_states=True).hidden_states
        theirs = teacher.model(**batch, output_hidden_states=True).hidden_states
        projected = [
            project(each) for project, each in zip(objective.projections, ours, strict=True)
        ]
        scores = [activations.forward(each, batch) for each in (objective.model, teacher.model)]
    assert set(parts) == {"loss", "embedding", "hidden", "attention"}
    assert parts["embedding"].item() == pytest.approx(
        mean_square(projected[0], theirs[0], mask), rel=1e-4
    )
    assert parts["hidden"].item() == pytest.approx(
        mean_square(projected[1], theirs[2], mask) + mean_square(projected[2], theirs[4], mask),
        rel=1e-4,
    )
    expected = 0.0
    for mine, given in ((0, 1), (1, 3)):
        pairs = []
        for text in range(len(mask)):
            length = int(mask[text].sum())
            tables = []
            for found, layer in zip(scores, (mine, given), strict=True):
                query, key = (
                    each[layer][text, :length].numpy().reshape(length, 4, -1)
                    for each in (found.queries, found.keys)
                )
                tables.append(np.einsum("qnd,knd->nqk", query, key) / np.sqrt(query.shape[-1]))
            pairs += np.square(tables[0] - tables[1]).mean(axis=0).flatten().tolist()
        expected += float(np.mean(pairs))
    assert parts["attention"].item() == pytest.approx(expected, rel=1e-4)
    total = parts["embedding"] + parts["hidden"] + parts["attention"]
    assert parts["loss"].item() == pytest.approx(total.item(), rel=1e-5)


def test_relations_are_those_of_queries_keys_and_values(teacher: Teacher) -> None:
    student = small(teacher, Shape(2, 24, 3, 24))
    objective = Intermediate(student, teacher, (1, 4), "auto", NONE).eval()
    assert objective.attention == "relations"
    batch = inputs()
    with torch.no_grad():
        ours, theirs = activations.forward(student, batch), teacher.activations(batch)
        expected = sum(
            # Of widths 24 and 32, 8 is the greatest common divisor.
            losses.relation_loss(mine[layer], given[place - 1], batch["attention_mask"], 8).item()
            for mine, given in (
                (ours.queries, theirs.queries),
                (ours.keys, theirs.keys),
                (ours.values, theirs.values),
            )
            for layer, place in enumerate((1, 4))
        )
        assert objective(batch)["attention"].item() == pytest.approx(expected, rel=1e-5)


def test_another_mapping_is_another_loss(teacher: Teacher) -> None:
    student = small(teacher)
    objective = Intermediate(student, teacher, (2, 4), "scores", NONE).eval()
    other = Intermediate(student, teacher, (1, 4), "scores", NONE).eval()
    other.load_state_dict(objective.state_dict())
    batch = inputs()
    assert objective(batch)["embedding"].item() == other(batch)["embedding"].item()
    for part in ("hidden", "attention"):
        difference = objective(batch)[part].item() / other(batch)[part].item()
        assert difference != pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("attention", ["scores", "relations", "none"])
def test_padding_and_labels_count_in_nothing(teacher: Teacher, attention: str) -> None:
    objective = Intermediate(small(teacher), teacher, (2, 4), attention, NONE).eval()
    batch = inputs()
    longer = {name: nn.functional.pad(each, (0, 9)) for name, each in batch.items()}
    # Other ids in place of padding.
    longer["input_ids"][longer["attention_mask"] == 0] = 7
    longer["labels"] = torch.full((4, 1), torch.nan)
    given, wanted = objective(longer), objective(batch)
    assert given.keys() == wanted.keys()
    for name, part in wanted.items():
        assert given[name].item() == pytest.approx(part.item(), rel=1e-4)


@pytest.mark.parametrize("attention", ["scores", "relations", "none"])
def test_every_part_of_a_student_learns(teacher: Teacher, attention: str) -> None:
    student = small(teacher)
    objective = Intermediate(student, teacher, (2, 4), attention, NONE)
    batch = inputs()
    objective.eval()
    before = objective(batch)["loss"].item()
    objective.train()(batch)["loss"].backward()
    for name, parameter in objective.named_parameters():
        # Nothing asks for the pooler and the classifier yet.
        if "pooler" in name or "classifier" in name:
            assert parameter.grad is None or float(parameter.grad.abs().max()) == 0
        else:
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            # A bias of keys moves all scores of a query alike, which softmax does not see.
            assert float(parameter.grad.abs().max()) > 0 or name.endswith("key.bias"), name
    optimizer = torch.optim.Adam(objective.parameters(), lr=1e-3)
    for _ in range(15):
        optimizer.zero_grad()
        objective.eval()(batch)["loss"].backward()
        optimizer.step()
    assert objective(batch)["loss"].item() < before * 0.95


# Projections


@pytest.mark.parametrize(("layers", "mapping"), [(2, (2, 4)), (3, (1, 2, 4)), (1, (4,))])
def test_a_projection_for_each_mapped_layer_and_the_embeddings(
    teacher: Teacher, layers: int, mapping: tuple[int, ...]
) -> None:
    student = small(teacher, Shape(layers, 16, 4, 24))
    objective = Intermediate(student, teacher, mapping, "none", NONE)
    assert len(objective.projections) == layers + 1
    for projection in objective.projections:
        assert isinstance(projection, nn.Linear)
        assert projection.weight.shape == (32, 16)
        assert projection.bias is None
    assert len({id(each.weight) for each in objective.projections}) == layers + 1
    assert len(objective.state_dict()) == len(student.state_dict()) + layers + 1


def test_equal_widths_need_no_projection(teacher: Teacher) -> None:
    student = small(teacher, Shape(2, 32, 4, 24))
    objective = Intermediate(student, teacher, (2, 4), "none", NONE)
    assert list(objective.projections.parameters()) == []
    assert len(objective.state_dict()) == len(student.state_dict())


# Names of attention losses


@pytest.mark.parametrize(
    ("name", "heads", "expected"),
    [
        ("auto", 4, "scores"),
        ("auto", 2, "relations"),
        ("scores", 4, "scores"),
        ("relations", 4, "relations"),
        ("relations", 2, "relations"),
        ("none", 4, "none"),
        ("none", 2, "none"),
    ],
)
def test_what_a_name_means(teacher: Teacher, name: str, heads: int, expected: str) -> None:
    student = small(teacher, Shape(1, 16, heads, 24))
    assert attention_loss(name, student, teacher.model) == expected
    objective = Intermediate(student, teacher, (4,), name, NONE)
    assert objective.attention == expected
    assert ("attention" in objective(inputs())) == (expected != "none")


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("scores", "the student has 2 heads, the teacher 4; use 'relations'"),
        ("values", "got 'values', expected one of auto, scores, relations, none"),
        ("", "got '', expected one of auto"),
    ],
)
def test_attention_losses_that_cannot_be(teacher: Teacher, name: str, match: str) -> None:
    student = small(teacher, Shape(1, 16, 2, 24))
    with pytest.raises(InputError, match=match) as caught:
        Intermediate(student, teacher, (4,), name, NONE)
    assert "\n" not in str(caught.value)


# Answers


TASKS = {
    "classification": ("single_label_classification", [[0.0], [1.0], [1.0], [0.0]]),
    "multi-label-classification": (
        "multi_label_classification",
        [[0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]],
    ),
    "regression": ("regression", [[0.5, 1.0], [-1.0, 2.0], [0.0, 0.0], [3.0, 1.0]]),
}
by_task = pytest.mark.parametrize(("task", "labels"), [(each, TASKS[each][1]) for each in TASKS])


@by_task
def test_fine_tuning_is_the_loss_of_transformers(
    model: Any, task: str, labels: list[list[float]]
) -> None:
    model.eval()
    model.config.problem_type = TASKS[task][0]
    batch = inputs()
    wanted = torch.tensor(labels)
    own = wanted[:, 0].long() if task == "classification" else wanted
    expected = model(**batch, labels=own).loss
    parts = FineTuning(model, task, NONE)({**batch, "labels": wanted})
    assert set(parts) == {"loss", "labels"}
    assert parts["loss"].item() == pytest.approx(expected.item(), rel=1e-5)


@by_task
def test_a_share_of_true_labels(teacher: Teacher, task: str, labels: list[list[float]]) -> None:
    student = small(teacher)
    batch = {**inputs(), "labels": torch.tensor(labels)}

    def parts(share: float) -> dict[str, float]:
        objective = Prediction(student, teacher, task, Targets(2.0, share), NONE).eval()
        return {name: part.item() for name, part in objective(batch).items()}

    soft, hard, mixed = parts(0.0), parts(1.0), parts(0.25)
    assert set(soft) == {"loss", "teacher"}
    assert set(mixed) == {"loss", "teacher", "labels"}
    assert soft["loss"] > 0
    tuned = FineTuning(student, task, NONE).eval()(batch)["loss"].item()
    assert hard["loss"] == pytest.approx(tuned)
    assert mixed["teacher"] == pytest.approx(0.75 * soft["loss"])
    assert mixed["labels"] == pytest.approx(0.25 * tuned)
    assert mixed["loss"] == pytest.approx(0.75 * soft["loss"] + 0.25 * tuned)


@by_task
def test_answers_of_the_teacher_need_no_labels(
    teacher: Teacher, task: str, labels: list[list[float]]
) -> None:
    student = small(teacher)
    objective = Prediction(student, teacher, task, Targets(2.0), NONE).eval()
    batch = inputs()
    expected = objective({**batch, "labels": torch.tensor(labels)})["loss"].item()
    assert objective(batch)["loss"].item() == expected
    unlabelled = torch.full((4, len(labels[0])), torch.nan)
    half = Prediction(student, teacher, task, Targets(2.0, 0.5), NONE).eval()
    parts = half({**batch, "labels": unlabelled})
    assert parts["loss"].item() == pytest.approx(expected / 2)


def test_regression_aims_at_the_values_of_the_teacher(teacher: Teacher) -> None:
    student = small(teacher)
    objective = Prediction(student, teacher, "regression", Targets(5.0), NONE).eval()
    batch = inputs()
    with torch.no_grad():
        difference = (student(**batch).logits - teacher.model(**batch).logits).numpy()
        assert objective(batch)["loss"].item() == pytest.approx(np.square(difference).mean())


# What happens inside, of every family


@pytest.fixture(scope="module")
def inside(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = students.checkpoint(tmp_path_factory.mktemp("inside") / "model", request.param)
    return transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, attn_implementation="eager"
    ).eval()


every_family = pytest.mark.parametrize(
    ("inside", "family"), [(each, each) for each in students.CONFIGURATIONS], indirect=["inside"]
)


@every_family
def test_scores_are_those_before_softmax(inside: Any, family: str) -> None:
    batch = inputs(family)
    with torch.no_grad():
        found = activations.forward(inside, batch)
        own = inside(**batch, output_attentions=True, output_hidden_states=True)
    assert activations.layers(inside) == 2
    assert len(found.hidden) == 3
    assert len(found.queries) == len(found.keys) == len(found.values) == 2
    assert torch.equal(found.logits, own.logits)
    for given, wanted in zip(found.hidden, own.hidden_states, strict=True):
        assert given.shape[-1] == activations.width(inside)
        assert torch.equal(given, wanted)
    masked = batch["attention_mask"][:, None, None, :] == 0
    assert len(own.attentions) == 2
    for query, key, wanted in zip(found.queries, found.keys, own.attentions, strict=True):
        assert query.shape[-1] == key.shape[-1] == activations.attention_width(inside)
        scores = losses.attention_scores(query, key, activations.heads(inside)[0])
        assert float(scores.std()) > 0.01
        given = torch.softmax(scores.masked_fill(masked, -torch.inf), dim=-1)
        torch.testing.assert_close(given, wanted, atol=1e-5, rtol=1e-4)


@every_family
def test_values_are_those_of_each_layer_in_turn(inside: Any, family: str) -> None:
    with torch.no_grad():
        found = activations.forward(inside, inputs(family))
        projections = list(families.attentions(inside.base_model))
        for index, projection in enumerate(projections):
            expected = projection["value"](found.hidden[index])
            torch.testing.assert_close(found.values[index], expected)
            assert not torch.equal(found.values[index], found.keys[index])


@every_family
def test_the_kernel_of_attention_does_not_matter(inside: Any, family: str, tmp_path: Path) -> None:
    inside.save_pretrained(tmp_path)
    other = transformers.AutoModelForSequenceClassification.from_pretrained(
        tmp_path, attn_implementation="sdpa"
    ).eval()
    batch = inputs(family)
    real = batch["attention_mask"].bool()
    with torch.no_grad():
        expected, found = activations.forward(inside, batch), activations.forward(other, batch)
    for name in ("queries", "keys", "values", "hidden"):
        pairs = zip(getattr(found, name), getattr(expected, name), strict=True)
        for given, wanted in pairs:
            torch.testing.assert_close(given[real], wanted[real], atol=1e-4, rtol=1e-3)


@every_family
def test_a_student_of_a_teacher_of_every_family(inside: Any, family: str) -> None:
    teacher = Teacher(copy.deepcopy(inside), CPU)
    for attention in ("scores", "relations"):
        objective = Intermediate(small(teacher), teacher, (1, 2), attention, NONE).train()
        parts = objective(inputs(family))
        assert parts["attention"].item() > 0
        parts["loss"].backward()
        slopes = [each.grad for each in objective.parameters() if each.grad is not None]
        assert all(bool(torch.isfinite(each).all()) for each in slopes)
    prediction = Prediction(small(teacher), teacher, "classification", Targets(), NONE)
    assert prediction(inputs(family))["loss"].item() > 0


@every_family
def test_a_student_of_every_family(inside: Any, family: str) -> None:
    teacher = Teacher(copy.deepcopy(inside), CPU)
    student = copy.deepcopy(inside).requires_grad_(True)
    for attention in ("scores", "relations"):
        objective = Intermediate(student, teacher, (1, 2), attention, NONE).eval()
        assert objective(inputs(family))["loss"].item() == pytest.approx(0.0, abs=1e-5)


def hooks(model: Any) -> int:
    return sum(len(each._forward_hooks) for each in model.modules())


def test_no_hook_is_left(model: Any) -> None:
    model.eval()
    activations.forward(model, inputs())
    before = hooks(model)
    for _ in range(2):
        assert len(activations.forward(model, inputs()).queries) == 4
    assert hooks(model) == before
    with pytest.raises(IndexError):
        activations.forward(model, {"input_ids": torch.tensor([[10**6]])})
    assert hooks(model) == before
