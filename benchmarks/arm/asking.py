"""A bundle asked in an emulated machine and in this one, by the same wheel and library versions."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]
from arm_roots import (  # noqa: E402
    ROOT,
    Machine,
    Processor,
    environment,
    inside,
    packages,
    root,
    wheel,
)

sys.path[:0] = [str(ROOT / "tests")]
import environments  # noqa: E402

LIBRARIES = ("numpy", "tokenizers", "onnxruntime", "ai-edge-litert", "tflite-runtime")
Answers = list[dict[str, Any]]
"""Of each text, what `edgebert predict --json` says."""


@dataclass(frozen=True)
class Installation:
    """How a user installs on an architecture."""

    venv: tuple[str, ...]
    """Options of `python3 -m venv`."""
    pip: tuple[str, ...]
    """Arguments of `pip install`, with the wheel's place in braces."""


INSTALLATIONS = {
    "arm64": Installation((), ("{wheel}[onnx,tflite]",)),
    # numpy is Debian's: examples/raspberry_pi/README.md says why.
    "armhf": Installation(
        ("--system-site-packages",),
        ("--no-deps", "{wheel}", "tokenizers", "tqdm", "tflite-runtime==2.14.0"),
    ),
}


class Emulated:
    """An environment in a Debian root for ARM: this tree's wheel from PyPI's wheels, and a bundle.

    Args:
        bundle: a folder.
        texts: what will be asked, without line ends.
    """

    def __init__(self, machine: Machine, bundle: Path, texts: list[str]) -> None:
        self._machine = machine
        self._folder = root(machine)
        self.given = self._folder / "root" / "asked"
        """The bundle, the texts and the wheel."""
        shutil.rmtree(self.given, ignore_errors=True)
        self.given.mkdir()
        shutil.copytree(bundle, self.given / "bundle")
        (self.given / "texts.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
        self.wheel = wheel(self.given)
        self._install()
        self.versions = packages(self._python(machine), environment(machine))

    def ask(self, processor: Processor, backend: str, recipe: str) -> Answers:
        """What a processor answers, of this architecture."""
        machine = dataclasses.replace(self._machine, processor=processor)
        artifact = (backend, recipe)
        return _ask(self._python(machine), environment(machine), self._given_inside(), artifact)

    def wheels(self, names: Iterable[str]) -> dict[str, str | None]:
        """Of each package the newest version that pip finds a wheel of, if any."""
        return {name: self._newest_wheel(name) for name in names}

    def _install(self) -> None:
        installation = INSTALLATIONS[self._machine.debian]
        python = self._python(self._machine)
        if (self._folder / "opt" / "answers" / "complete").exists():
            # The same version may hold other code than the last time.
            self._run([*python, "-m", "pip", "uninstall", "--quiet", "--yes", "edgebert"])
        else:
            make = ["python3", "-m", "venv", "--clear", *installation.venv, "/opt/answers"]
            self._run([*inside(self._machine, self._folder), *make])
            (self._folder / "opt" / "answers" / "complete").touch()
        shutil.copy(ROOT / "constraints.txt", self.given)
        # What is imported is compiled then; to compile all of it takes as long as the rest.
        pip = ["-m", "pip", "install", "--quiet", "--no-compile", "--only-binary=:all:"]
        given = self._given_inside()
        requirements = [each.format(wheel=given / self.wheel.name) for each in installation.pip]
        self._run([*python, *pip, "-c", f"{given}/constraints.txt", *requirements])

    def _newest_wheel(self, name: str) -> str | None:
        look = ["-m", "pip", "install", "--dry-run", "--quiet", "--no-deps", "--ignore-installed"]
        report = ["--only-binary=:all:", "--report", "-", name]
        done = subprocess.run(
            [*self._python(self._machine), *look, *report],
            env=environment(self._machine),
            capture_output=True,
            text=True,
        )
        if "No matching distribution" in done.stderr:
            return None
        if done.returncode:
            raise RuntimeError(done.stderr)
        (found,) = json.loads(done.stdout)["install"]
        version: str = found["metadata"]["version"]
        return version

    def _given_inside(self) -> Path:
        return Path("/", self.given.relative_to(self._folder))

    def _python(self, machine: Machine) -> list[str]:
        return [*inside(machine, self._folder), "/opt/answers/bin/python"]

    def _run(self, command: list[str]) -> None:
        subprocess.run(command, env=environment(self._machine), check=True, stdout=sys.stderr)


class Here:
    """This machine, with the wheel, the bundle and the libraries' versions of an emulated one.

    Raises:
        RuntimeError: if this interpreter's versions are others.
    """

    def __init__(self, emulated: Emulated) -> None:
        self._emulated = emulated
        self._python = sys.executable
        if "tflite-runtime" in emulated.versions:
            names = [name for name in (*LIBRARIES, "tqdm") if name in emulated.versions]
            pinned = [f"{name}=={emulated.versions[name]}" for name in names]
            self._python = str(environments.environment("arm-answers", pinned))
        ours = packages([self._python])
        for name in LIBRARIES:
            if ours.get(name) != emulated.versions.get(name):
                there = emulated.versions.get(name)
                raise RuntimeError(f"{name} is {ours.get(name)} here and {there} there")

    def ask(self, backend: str, recipe: str) -> Answers:
        """What this machine answers."""
        # A wheel can be imported as it is.
        variables = {**os.environ, "PYTHONPATH": str(self._emulated.wheel)}
        return _ask([self._python], variables, self._emulated.given, (backend, recipe))


def _ask(
    python: list[str], variables: dict[str, str], given: Path, artifact: tuple[str, str]
) -> Answers:
    backend, recipe = artifact
    options = ["--backend", backend, "--recipe", recipe, "--threads", "1", "--json"]
    command = ["-m", "edgebert", "predict", f"{given}/bundle", *options]
    done = subprocess.run(
        [*python, *command, "--input", f"{given}/texts.txt"],
        env=variables,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    answers: Answers = json.loads(done.stdout)
    return answers
