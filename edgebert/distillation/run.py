"""The folder of one training run: what was asked for, how it goes, and what to continue from.

OUT/run.json            options, finished stages, figures
OUT/metrics.jsonl       a line for every few steps and for every evaluation
OUT/run.png             the same as a plot
OUT/checkpoints/        the last checkpoint of the stage that runs, whole or not at all
OUT/stages/             the model after each finished stage
OUT/data/               tokenized texts
OUT/config.json, …      the finished model, put here last; then the three folders go
"""

from __future__ import annotations

import datetime
import functools
import json
import os
import shutil
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from edgebert_runtime.errors import InputError, TrainingError

_RECORD = "run.json"
_WORK = ("checkpoints", "stages", "data")
_LIBRARIES = ("edgebert", "torch", "transformers", "accelerate")


class Run:
    """One run's folder. Every write goes beside its place and is renamed."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        """A run that is asked for; `claim` takes the folder."""
        self.folder = folder
        self.record: dict[str, Any] = {
            "options": options,
            "made_with": {name: metadata.version(name) for name in _LIBRARIES},
            "started": datetime.date.today().isoformat(),
            "finished": False,
            "stages": [],
        }

    def claim(self, *, resume: bool, force: bool, main: bool) -> None:
        """Take the folder: a new one, or with `resume` a run of the same options that is there.

        Raises:
            InputError: if something is there that would be lost, or its options are others.
        """
        if not self.folder.parent.is_dir():
            raise InputError(
                f"output {str(self.folder)!r}: the folder to write it in does not exist; create it"
            )
        path = self.folder / _RECORD
        if resume and path.is_file():
            self._continue(json.loads(path.read_text(encoding="utf-8")))
            return
        if self.folder.exists() and any(self.folder.iterdir()):
            if not path.is_file():
                raise InputError(
                    f"output {str(self.folder)!r} exists and is no training run; choose another"
                )
            if not force:
                raise InputError(
                    f"output {str(self.folder)!r} holds a run already; add --resume to continue "
                    "it, --force to replace it, or choose another"
                )
            if main:
                shutil.rmtree(self.folder)
        if main:
            self.folder.mkdir(exist_ok=True)
            self.write_record()

    def _continue(self, record: dict[str, Any]) -> None:
        wanted, given = record["options"], json.loads(json.dumps(self.record["options"]))
        different = [name for name in wanted if wanted[name] != given.get(name)]
        if different or set(wanted) != set(given):
            name = different[0] if different else "options"
            raise InputError(
                f"the run in {str(self.folder)!r} was started with {name} {wanted.get(name)!r}, "
                f"now it is {given.get(name)!r}; resume with the same options"
            )
        self.record = record

    def write_record(self) -> None:
        """Bring run.json up to date."""
        text = json.dumps(self.record, indent=2, ensure_ascii=False) + "\n"
        replace(self.folder / _RECORD, lambda path: path.write_text(text, encoding="utf-8"))

    # Stages

    def finished_stages(self) -> int:
        """Number of stages that are done."""
        return len(self.record["stages"])

    def stage_model(self) -> Path | None:
        """The model after the last finished stage."""
        done = self.record["stages"]
        return self.folder / "stages" / f"{len(done)}-{done[-1]['stage']}" if done else None

    def finish_stage(self, summary: dict[str, Any], save: Callable[[Path], Any]) -> None:
        """Keep the model of a stage and what the stage reached; its checkpoints go."""
        path = self.folder / "stages" / f"{self.finished_stages() + 1}-{summary['stage']}"
        path.parent.mkdir(exist_ok=True)
        replace(path, save)
        self.record["stages"].append(summary)
        self.write_record()
        shutil.rmtree(self.folder / "checkpoints", ignore_errors=True)

    @property
    def finished(self) -> bool:
        """Whether the model is in its place."""
        return bool(self.record["finished"])

    def finish(self) -> None:
        """Put the last stage's model in its place, its configuration last of all."""
        model = self.stage_model()
        assert model is not None
        files = sorted(model.iterdir(), key=lambda path: (path.name == "config.json", path.name))
        for file in files:
            replace(self.folder / file.name, functools.partial(shutil.copyfile, file))
        self.record["finished"] = True
        self.write_record()
        for name in _WORK:
            shutil.rmtree(self.folder / name, ignore_errors=True)

    # Checkpoints

    def last_checkpoint(self) -> Path | None:
        """The newest whole checkpoint of the stage that is running."""
        found = sorted((self.folder / "checkpoints").glob("step-*[0-9]"))
        return found[-1] if found else None

    def checkpoint_path(self, step: int) -> tuple[Path, Path]:
        """Where the checkpoint of a step is written, and where it goes when it is whole."""
        final = self.folder / "checkpoints" / f"step-{step:09}"
        return final.with_name(f"{final.name}.partial"), final

    def commit_checkpoint(self, partial: Path, final: Path) -> None:
        """Make a checkpoint that is written the one to continue from."""
        synchronize(partial)
        partial.rename(final)
        synchronize(final.parent)
        for other in final.parent.iterdir():
            if other != final:
                shutil.rmtree(other)

    def where_to_resume(self) -> str:
        """For messages: the last good checkpoint, and how to go on from it."""
        last = self.last_checkpoint() or self.stage_model()
        if last is None:
            return "there is no checkpoint yet: start again with --force"
        return f"the last good checkpoint is {str(last)!r}: continue with --resume"

    # Metrics

    def log(self, line: dict[str, Any]) -> None:
        """Append a line to metrics.jsonl."""
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """Every whole line of metrics.jsonl."""
        path = self.folder / "metrics.jsonl"
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        return [json.loads(line) for line in lines]

    def forget_after(self, stage: int, step: int) -> None:
        """Drop the lines that were logged after the checkpoint that the run goes on from."""
        kept = [
            each for each in self.metrics() if (each["stage_number"], each["step"]) <= (stage, step)
        ]
        text = "".join(json.dumps(each) + "\n" for each in kept)
        replace(self.folder / "metrics.jsonl", lambda path: path.write_text(text, encoding="utf-8"))


def replace(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file or folder beside its place, then put it there whole.

    Raises:
        TrainingError: if it cannot be written; what was there before stays.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        write(partial)
        synchronize(partial)
        if path.is_dir():
            shutil.rmtree(path)
        partial.replace(path)
    except Exception as error:
        raise TrainingError(
            f"{str(path)!r} could not be written ({' '.join(str(error).split())[:200]}); check "
            "free space and permissions, then continue with --resume"
        ) from error
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)


def synchronize(path: Path) -> None:
    """Wait until a file, or a folder and all in it, is on the disk."""
    for each in [*path.rglob("*"), path] if path.is_dir() else [path]:
        descriptor = os.open(each, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
