"""The `edgebert` command. Exit status: 0 done, 1 a check failed, 2 a mistake in what was given."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import NoReturn

from edgebert.commands.arguments import writing
from edgebert.escaping import printable
from edgebert_runtime.errors import AccuracyError, EdgeBertError, InputError
from edgebert_runtime.process import abandon_if_full

_COMMANDS = (
    "train",
    "distill",
    "augment",
    "prune",
    "convert",
    "predict",
    "embed",
    "search",
    "summarize",
    "evaluate",
    "inspect",
    "verify",
    "profile",
    "compare",
    "choose",
    "devices",
    "wheelhouse",
)
_SEVERAL = ("texts", "bundles", "devices")
"""Positional arguments of which there may be several; no command has two of them."""
_LONGEST_LINE = 2000


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see '{self.prog} --help'")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    signal.signal(signal.SIGTERM, _terminate)
    # A terminal that is closed; nohup has it ignored.
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _terminate)
    try:
        return _run(arguments)
    except KeyboardInterrupt as interrupt:
        # Nobody waits for a word after Ctrl-C, unless there is something to go on from.
        if str(interrupt):
            with contextlib.suppress(OSError):
                print(f"edgebert: interrupted {_one_line(interrupt)}", file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:
        abandon_if_full(sys.stdout)
        return 128 + signal.SIGPIPE
    except (EdgeBertError, OSError, MemoryError) as error:
        abandon_if_full(sys.stdout)
        with contextlib.suppress(OSError):
            print(f"edgebert: error: {_one_line(error)}", file=sys.stderr)
        abandon_if_full(sys.stderr)
        return 1 if isinstance(error, AccuracyError) else 2


def _run(arguments: Sequence[str] | None) -> int:
    if sys.stderr is None:
        # Closed by the caller: the next file opened would take its place, and messages with it.
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    if sys.stdout is None:
        raise InputError("standard output is closed; redirect it to a file, or to /dev/null")
    try:
        parsed = _parse(arguments)
        status: int = importlib.import_module(f"edgebert.commands.{parsed.command}").run(parsed)
        return status
    finally:
        # While Python exits it would be too late to report that the disk is full.
        with writing():
            sys.stdout.flush()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse; texts and bundles may stand before, between and behind options.

    argparse takes them from one place only, and hands back those behind an option as unknown.
    """
    parsed, rest = _parser().parse_known_args(arguments)
    dashes = rest.index("--") if "--" in rest else len(rest)
    given = next((getattr(parsed, name) for name in _SEVERAL if hasattr(parsed, name)), None)
    unknown = [
        word
        for word in rest[:dashes]
        if given is None or (word.startswith("-") and word != "-" and " " not in word)
    ]
    if unknown:
        raise InputError(
            f"got {', '.join(unknown)}, which 'edgebert {parsed.command}' does not take; "
            f"see 'edgebert {parsed.command} --help'"
        )
    if given is not None:
        given += rest[:dashes] + rest[dashes + 1 :]
    return parsed


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="edgebert",
        description="Small BERT models on phones and single-board computers.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"edgebert {version('edgebert')}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=_Parser
    )
    for name in _COMMANDS:
        module = importlib.import_module(f"edgebert.commands.{name}")
        module.configure(
            commands.add_parser(name, help=module.HELP, description=module.HELP, allow_abbrev=False)
        )
    return parser


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, MemoryError):
        text = "out of memory; use a smaller model, or shorter --lengths"
    text = printable(text)
    return text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}…"


def _terminate(number: int, frame: FrameType | None) -> None:
    """SIGTERM unwinds like Ctrl-C, so that whatever cleans up after itself does."""
    raise KeyboardInterrupt
