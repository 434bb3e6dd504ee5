"""The folder of one training run: what was asked for, how it goes, and what to continue from.

OUT/run.json            options, finished stages, figures
OUT/metrics.jsonl       a line for every few steps and for every evaluation
OUT/run.png             the same as a plot
OUT/checkpoints/N/      the last checkpoint of stage N, whole or not at all
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

RECORD = "run.json"
_WORK = ("checkpoints", "stages", "data")
_LIBRARIES = ("edgebert", "torch", "transformers", "accelerate")


class Run:
    """One run's folder. Every write goes beside its place and is renamed."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        """A run that is asked for; `claim.claimed` takes the folder."""
        self.folder = folder
        self.record: dict[str, Any] = {
            "options": options,
            "made_with": {name: metadata.version(name) for name in _LIBRARIES},
            "started": datetime.date.today().isoformat(),
            "finished": False,
            "stages": [],
        }

    def write_record(self) -> None:
        """Bring run.json up to date."""
        text = json.dumps(self.record, indent=2, ensure_ascii=False) + "\n"
        replace(self.folder / RECORD, lambda path: path.write_text(text, encoding="utf-8"))

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
        """Whether the model is in its place.

        Raises:
            InputError: if it was there, and is gone.
        """
        if self.record["finished"] and not (self.folder / "config.json").is_file():
            raise InputError(
                f"the run in {str(self.folder)!r} was finished, but its model is gone; start it "
                "again with --force"
            )
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

    def _checkpoints(self) -> Path:
        """Of the stage that is running: another's must not be taken for them."""
        return self.folder / "checkpoints" / str(self.finished_stages() + 1)

    def last_checkpoint(self) -> Path | None:
        """The newest whole checkpoint of the stage that is running."""
        found = sorted(self._checkpoints().glob("step-*[0-9]"))
        return found[-1] if found else None

    def checkpoint_path(self, step: int) -> tuple[Path, Path]:
        """Where the checkpoint of a step is written, and where it goes when it is whole."""
        final = self._checkpoints() / f"step-{step:09}"
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
            return "there was no checkpoint yet: start again"
        return f"the last good checkpoint is {str(last)!r}: continue with --resume"

    # Metrics

    def log(self, line: dict[str, Any]) -> None:
        """Append a line to metrics.jsonl."""
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """Every whole line of metrics.jsonl."""
        path = self.folder / "metrics.jsonl"
        found = []
        for line in path.read_text(encoding="utf-8").split("\n") if path.exists() else []:
            try:
                found.append(json.loads(line))
            except ValueError:
                # The last line, if the process died while writing it.
                continue
        return found

    def forget_after(self, stage: int, step: int) -> None:
        """Drop the lines that were logged after the place that the run goes on from."""
        if not (self.folder / "metrics.jsonl").exists():
            return
        place = (stage, step)
        kept = [each for each in self.metrics() if (each["stage_number"], each["step"]) <= place]
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
