"""Sizes of students by name and by numbers, and students that start from their teacher's layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import students
import torch
import transformers
from torch import Tensor

from edgebert.distillation import shapes
from edgebert.distillation.shapes import SHAPES, Shape, random_student, shape, student_from_layers
from edgebert_converters import families
from edgebert_converters.encoder import BertEncoder
from edgebert_runtime import InputError

# ELECTRA has no projection where its embeddings are as wide as its layers.
LIKE_BERT: dict[str, dict[str, Any]] = {
    "bert": {},
    "distilbert": {},
    "roberta": {"layer_norm_eps": 1e-2},
    "xlm-roberta": {},
    "electra": {"embedding_size": 32},
}
UNLIKE_BERT = {"albert": {}, "albert of one width": {"embedding_size": 32}, "electra": {}}


def loaded(folder: Path, family: str, **config: Any) -> Any:
    students.checkpoint(folder, family, **config)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    return model.eval()


def inputs(family: str, *, token_types: bool = False) -> dict[str, Tensor]:
    """Five sentences of different lengths, padded at their ends."""
    fast = students.tokenizer(family)
    batch = dict(
        fast(
            list(students.SENTENCES[:5]),
            padding=True,
            truncation=True,
            max_length=48,
            return_tensors="pt",
        )
    )
    assert int(batch["attention_mask"].min()) == 0
    batch.pop("token_type_ids", None)
    if token_types:
        batch["token_type_ids"] = (
            torch.arange(batch["input_ids"].shape[1]).remainder(2).expand(5, -1)
        )
    return batch


def hidden_states(model: Any, batch: dict[str, Tensor]) -> list[Tensor]:
    """After the embeddings and after each layer, rows of real tokens only."""
    with torch.no_grad():
        result = model(**batch, output_hidden_states=True)
    real = batch["attention_mask"].bool()
    return [each[real] for each in result.hidden_states]


# By name and by numbers


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tinybert-4l-312", (4, 312, 12, 1200)),
        ("tinybert-6l-768", (6, 768, 12, 3072)),
        ("minilm-3l-384", (3, 384, 12, 1536)),
        ("simd-4l-320", (4, 320, 10, 1280)),
        ("4x312x12x1200", (4, 312, 12, 1200)),
        ("1x1x1x1", (1, 1, 1, 1)),
        ("99999x99999x1x99999", (99999, 99999, 1, 99999)),
    ],
)
def test_shapes(name: str, expected: tuple[int, int, int, int]) -> None:
    given = shape(name)
    assert (given.layers, given.hidden, given.heads, given.feed_forward) == expected


@pytest.mark.parametrize("name", SHAPES)
def test_heads_of_named_shapes_divide_their_width(name: str) -> None:
    given = SHAPES[name]
    assert shape(f"{given.layers}x{given.hidden}x{given.heads}x{given.feed_forward}") == given


REFUSED = {
    "nothing": ("", "got '', expected a checkpoint folder, tinybert-4l-312, "),
    "another name": ("tinybert", "got 'tinybert', expected a checkpoint folder"),
    "upper case": ("TinyBERT-4L-312", "expected a checkpoint folder"),
    "three numbers": ("4x312x12", "or numbers such as 4x312x12x1200"),
    "five numbers": ("4x312x12x1200x1", "expected a checkpoint folder"),
    "zero layers": ("0x312x12x1200", "expected a checkpoint folder"),
    "zero heads": ("4x312x0x1200", "expected a checkpoint folder"),
    "a sign": ("4x-312x12x1200", "expected a checkpoint folder"),
    "a space": ("4x312x12x1200 ", "expected a checkpoint folder"),
    "a line break": ("4x312x12x1200\n", "expected a checkpoint folder"),
    "other digits": ("٤x312x12x1200", "expected a checkpoint folder"),
    "too many digits": ("4x312x12x120000", "expected a checkpoint folder"),
    "heads that do not divide": ("4x312x7x1200", "7 heads do not divide the hidden width 312"),
    "more heads than width": ("4x2x4x8", "4 heads do not divide the hidden width 2"),
}


@pytest.mark.parametrize(("text", "match"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_shape(text: str, match: str) -> None:
    with pytest.raises(InputError, match=match) as caught:
        shape(text)
    assert "\n" not in str(caught.value)


def test_a_folder_is_a_checkpoint_and_a_shape_is_not(checkpoint: Path, tmp_path: Path) -> None:
    assert shapes.is_checkpoint(str(checkpoint))
    assert not shapes.is_checkpoint(str(tmp_path))
    assert not shapes.is_checkpoint("tinybert-4l-312")
    (tmp_path / "modules.json").write_text("[]")
    assert shapes.is_checkpoint(str(tmp_path))


# From random weights


@pytest.mark.parametrize("family", students.CONFIGURATIONS)
def test_a_random_student_reads_and_answers_as_its_teacher(family: str, tmp_path: Path) -> None:
    teacher = loaded(tmp_path, family, labels=("a, b", "🙂", "好"))
    student = random_student(Shape(3, 24, 6, 40), teacher)
    assert shapes.of(student) == Shape(3, 24, 6, 40)
    assert student.config.id2label == {0: "a, b", 1: "🙂", 2: "好"}
    assert student.config.label2id == {"a, b": 0, "🙂": 1, "好": 2}
    assert student.config.vocab_size == teacher.config.vocab_size
    assert student.config.pad_token_id == teacher.config.pad_token_id
    limit = families.position_limit(teacher.config)
    assert families.position_limit(student.config) == limit
    ids = torch.full((1, limit), 7)
    assert student(ids, torch.ones_like(ids)).logits.shape == (1, 3)


@pytest.mark.parametrize("family", students.CONFIGURATIONS)
def test_sizes_of_every_family(family: str, tmp_path: Path) -> None:
    assert shapes.of(loaded(tmp_path, family)) == Shape(2, 32, 4, 64)


def test_a_random_student_keeps_the_kind_of_problem(tmp_path: Path) -> None:
    teacher = loaded(tmp_path, "bert", problem_type="multi_label_classification")
    student = random_student(Shape(1, 8, 2, 8), teacher)
    assert student.config.problem_type == "multi_label_classification"


def test_random_students_follow_from_the_seed(tmp_path: Path) -> None:
    teacher = loaded(tmp_path, "bert")

    def embeddings(seed: int) -> Tensor:
        torch.manual_seed(seed)
        student = random_student(Shape(1, 8, 2, 8), teacher)
        weight: Tensor = student.bert.embeddings.word_embeddings.weight
        return weight

    assert torch.equal(embeddings(1), embeddings(1))
    assert not torch.equal(embeddings(1), embeddings(2))


# From the teacher's layers


@pytest.mark.parametrize("family", LIKE_BERT)
def test_all_layers_make_the_teacher_again(family: str, tmp_path: Path) -> None:
    teacher = loaded(tmp_path, family, **LIKE_BERT[family])
    student = student_from_layers(teacher, [1, 2]).eval()
    assert student.config.model_type == "bert"
    batch = inputs(family)
    expected = hidden_states(teacher, batch)
    assert float((expected[1] - expected[2]).abs().mean()) > 0.1
    for given, wanted in zip(hidden_states(student, batch), expected, strict=True):
        torch.testing.assert_close(given, wanted, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("token_types", [False, True])
def test_all_layers_of_a_bert_answer_as_it_does(tmp_path: Path, token_types: bool) -> None:
    teacher = loaded(tmp_path, "bert", hidden_act="relu", layer_norm_eps=1e-2)
    student = student_from_layers(teacher, [1, 2]).eval()
    batch = inputs("bert", token_types=token_types)
    with torch.no_grad():
        torch.testing.assert_close(student(**batch).logits, teacher(**batch).logits)


def test_a_lone_token_type_is_not_added_twice(tmp_path: Path) -> None:
    teacher = loaded(tmp_path, "bert", type_vocab_size=1)
    assert float(teacher.bert.embeddings.token_type_embeddings.weight.detach().abs().min()) > 0
    student = student_from_layers(teacher, [1, 2]).eval()
    batch = inputs("bert")
    with torch.no_grad():
        torch.testing.assert_close(student(**batch).logits, teacher(**batch).logits)


@pytest.mark.parametrize("layers", [[2, 4], [4], [3, 3, 1]])
def test_chosen_layers_in_their_order(tmp_path: Path, layers: list[int]) -> None:
    teacher = loaded(tmp_path, "bert", num_hidden_layers=4)
    student = student_from_layers(teacher, layers)
    assert student.config.num_hidden_layers == len(layers)
    for mine, given in zip(student.bert.encoder.layer, layers, strict=True):
        wanted = teacher.bert.encoder.layer[given - 1].state_dict()
        assert mine.state_dict().keys() == wanted.keys()
        assert all(torch.equal(each, wanted[name]) for name, each in mine.state_dict().items())


def test_a_student_has_weights_of_its_own(tmp_path: Path) -> None:
    teacher = loaded(tmp_path, "bert")
    before = {name: each.clone() for name, each in teacher.state_dict().items()}
    student = student_from_layers(teacher, [1, 1])
    places = [each.data_ptr() for each in student.parameters()]
    assert len(set(places)) == len(places)
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.fill_(7.0)
    assert all(torch.equal(each, before[name]) for name, each in teacher.state_dict().items())
    assert all(each.requires_grad for each in student.parameters())


def test_a_frozen_teacher_makes_a_student_that_learns(tmp_path: Path) -> None:
    teacher = loaded(tmp_path, "bert").requires_grad_(False)
    student = student_from_layers(teacher, [2])
    student(**inputs("bert")).logits.sum().backward()
    assert student.bert.encoder.layer[0].output.dense.weight.grad is not None


@pytest.mark.parametrize("family", LIKE_BERT)
def test_a_student_converts(family: str, tmp_path: Path) -> None:
    teacher = loaded(tmp_path, family, **LIKE_BERT[family])
    student = student_from_layers(teacher, [2]).eval()
    plain = families.encoder(student.base_model, first_token_only=False, token_types=False)
    assert isinstance(plain, BertEncoder)
    batch = inputs(family)
    real = batch["attention_mask"].bool()
    with torch.no_grad():
        given = plain(batch["input_ids"], batch["attention_mask"], None)[real]
    torch.testing.assert_close(given, hidden_states(student, batch)[-1], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("family", LIKE_BERT)
def test_a_student_that_was_saved_is_the_same(family: str, tmp_path: Path) -> None:
    teacher = loaded(tmp_path / "teacher", family, **LIKE_BERT[family])
    student = student_from_layers(teacher, [2, 1]).eval()
    student.save_pretrained(tmp_path / "student")
    again = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "student")
    batch = inputs(family)
    with torch.no_grad():
        assert torch.equal(again.eval()(**batch).logits, student(**batch).logits)


@pytest.mark.parametrize(
    ("layers", "match"),
    [
        ([], "student from layers none: expected layers of 1 to 2"),
        ([0, 1], "student from layers 0, 1: expected layers of 1 to 2"),
        ([3], "student from layers 3: expected layers of 1 to 2"),
        ([-1], "student from layers -1: expected layers of 1 to 2"),
    ],
)
def test_layers_that_the_teacher_does_not_have(
    tmp_path: Path, layers: list[int], match: str
) -> None:
    with pytest.raises(InputError, match=match):
        student_from_layers(loaded(tmp_path, "bert"), layers)


@pytest.mark.parametrize("name", [*UNLIKE_BERT, "mobilebert"])
def test_a_teacher_of_other_layers_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    family = name.split()[0]
    teacher = loaded(tmp_path, family, **UNLIKE_BERT.get(name, {}))
    with pytest.raises(InputError, match=f"a {family} teacher's layers are not a BERT's") as caught:
        student_from_layers(teacher, [1])
    assert "\n" not in str(caught.value)
