"""Distil a teacher into a student, stage by stage (TinyBERT, arXiv 1909.10351, section 3)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from torch import nn

from edgebert.distillation import activations, models, shapes
from edgebert.distillation.checking import check_types
from edgebert.distillation.claim import claimed
from edgebert.distillation.data import TokenizedFile
from edgebert.distillation.devices import devices
from edgebert.distillation.fake_quantization import KINDS, fake_quantize
from edgebert.distillation.mapping import layer_mapping
from edgebert.distillation.models import Classifier
from edgebert.distillation.objectives import (
    Intermediate,
    Prediction,
    Teacher,
    attention_loss,
)
from edgebert.distillation.options import STAGES, DistillOptions, check_run, record
from edgebert.distillation.run import RECORD, Run
from edgebert.distillation.session import Session, set_dropout
from edgebert.labels import LabelSpace
from edgebert_converters.publish import as_path
from edgebert_converters.sentence_transformers import read_json
from edgebert_runtime.errors import InputError, shortened

_HOTTEST = 1000.0


def distill(
    teacher: str | os.PathLike[str],
    student: str | os.PathLike[str] | None,
    output: str | os.PathLike[str],
    options: DistillOptions | None = None,
) -> dict[str, Any]:
    """Distil `teacher` (a classifier's folder) into a checkpoint folder at `output`.

    `student` is a shape by name or numbers (see `shapes`), or a checkpoint folder with the
    teacher's tokenizer; None with `options.initial_layers`. Returns the record of the run, which
    is in `output`/run.json too. An unfinished run is continued with `options.run.resume`.

    Raises:
        InputError: for files, shapes or options that cannot be used.
        ConversionError: for a checkpoint that cannot be read.
        TrainingError: if training cannot go on; the message names the last good checkpoint.
    """
    options = DistillOptions() if options is None else options
    check_types(options, DistillOptions)
    source, target = as_path(teacher, "teacher"), as_path(output, "output")
    shape = None if student is None else str(as_path(student, "student"))
    _check(options, shape)
    data = options.data
    with devices(options.run) as accelerate:
        given = models.load(source)
        assert given.labels is not None
        learner = _student(shape, given, given.labels, options)
        _check_pair(learner.model, given.model, options)
        _prepare(learner.model, options)
        named = _named(shape, learner, options)
        run = Run(target, record(options, teacher=given.identity(), student=named))
        start = Path(shape) if shape is not None and shapes.is_checkpoint(shape) else None
        inputs = [source, start, data.train, data.dev, options.text]
        with claimed(accelerate, run, options.run, inputs):
            if run.finished:
                return run.record
            run.record["student_run"] = _earlier_run(start)
            if (done := run.stage_model()) is not None:
                learner = models.load(done)
                _prepare(learner.model, options)
            session = Session(run, accelerate, data, given, given.labels)
            _learn(session, learner, Teacher(given.model, accelerate.device), options)
            if accelerate.is_main_process:
                run.finish()
    return run.record


def _learn(
    session: Session, learner: Classifier, teacher: Teacher, options: DistillOptions
) -> None:
    development = session.development()
    # All of them before the first stage: a bad row must not show after hours.
    datasets = {name: _rows(session, name, options) for name in options.stages}
    for name in options.stages[session.run.finished_stages() :]:
        session.learn(
            name,
            objective(name, learner.model, teacher, session.labels, options),
            datasets[name],
            options.schedule(name),
            seed=options.run.seed,
            # A head that has learnt nothing has no figures.
            development=development if name == "prediction" else None,
        )


def _prepare(model: Any, options: DistillOptions) -> None:
    set_dropout(model, options.run.dropout)
    fake_quantize(model, options.fake_quantize)


def _rows(session: Session, stage: str, options: DistillOptions) -> TokenizedFile:
    if stage == "general":
        return session.rows(options.text, "text", labelled=False)
    labelled = options.targets.hard_labels > 0
    dataset = session.rows(options.data.train, "train", labelled=labelled)
    if labelled and dataset.unlabelled() == len(dataset):
        raise InputError(
            f"{str(options.data.train)!r} has no labels to take a share of; leave --hard-labels out"
        )
    return dataset


def objective(
    name: str, model: Any, teacher: Teacher, labels: LabelSpace, options: DistillOptions
) -> nn.Module:
    """What a stage minimises."""
    if name == "prediction":
        return Prediction(model, teacher, labels.task, options.targets, options.run.penalties)
    layers = activations.layers(model), activations.layers(teacher.model)
    return Intermediate(
        model,
        teacher,
        layer_mapping(options.mapping, *layers),
        options.attention,
        options.run.penalties,
    )


def _student(
    student: str | None, teacher: Classifier, labels: LabelSpace, options: DistillOptions
) -> Classifier:
    if student is not None and shapes.is_checkpoint(student):
        learner = models.load(Path(student), labels)
        models.check_same_tokenizer(teacher, learner)
        return learner
    if options.initial_layers is not None:
        model = shapes.student_from_layers(teacher.model, options.initial_layers)
    else:
        assert student is not None
        model = shapes.random_student(shapes.shape(student), teacher.model)
    return Classifier(model, teacher.folder, teacher.tokenizer, labels)


def _earlier_run(start: Path | None) -> Any:
    """The record of the run that made the student's checkpoint: stages run singly add up."""
    path = (start or Path()) / RECORD
    return read_json(path) if start is not None and path.is_file() else None


def _named(student: str | None, learner: Classifier, options: DistillOptions) -> Any:
    """For the record: a checkpoint with the hash of its weights, a shape, or layers."""
    if student is None:
        return f"layers {', '.join(map(str, options.initial_layers or ()))} of the teacher"
    return learner.identity() if shapes.is_checkpoint(student) else student


def _check(options: DistillOptions, student: str | None) -> None:
    order = [STAGES.index(name) for name in options.stages if name in STAGES]
    if not options.stages or len(order) < len(options.stages) or sorted(set(order)) != order:
        raise InputError(
            f"stages: got {', '.join(options.stages)!r}, expected some of {', '.join(STAGES)}, in "
            "this order"
        )
    if (student is None) == (options.initial_layers is None):
        raise InputError(
            "expected either a student (a shape or a checkpoint) or the teacher's layers that it "
            "starts from; got " + ("both" if student else "neither")
        )
    needed = {"text": options.text if "general" in options.stages else True}
    needed["train"] = options.data.train if set(options.stages) - {"general"} else True
    for name, path in needed.items():
        if path is None:
            raise InputError(f"the stages {', '.join(options.stages)} need a file: --{name} FILE")
    targets = options.targets
    if not 0 < targets.temperature <= _HOTTEST or not 0 <= targets.hard_labels <= 1:
        raise InputError(
            f"got temperature {targets.temperature} and hard labels {targets.hard_labels}, "
            f"expected a temperature above 0, at most {_HOTTEST}, and a share from 0 to 1"
        )
    if options.fake_quantize not in KINDS:
        raise InputError(
            f"fake_quantize: got {options.fake_quantize!r}, expected one of {', '.join(KINDS)}"
        )
    if unknown := set(options.schedules) - set(STAGES):
        raise InputError(
            f"schedules: got {shortened(min(unknown))}, expected stages of {', '.join(STAGES)}"
        )
    for name in options.stages:
        options.schedule(name).check()
    check_run(options.data, options.run)


def _check_pair(student: Any, teacher: Any, options: DistillOptions) -> None:
    """Fail on a mapping or a loss that does not fit before anything is written."""
    layer_mapping(options.mapping, activations.layers(student), activations.layers(teacher))
    attention_loss(options.attention, student, teacher)
