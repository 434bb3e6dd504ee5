"""The `edgebert` command. Exit status: 0 done, 1 a check failed, 2 a mistake in what was given."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from edgebert_runtime.errors import AccuracyError, EdgeBertError, InputError

_COMMANDS = ("convert", "predict", "embed", "evaluate", "inspect", "verify", "profile")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see '{self.prog} --help'")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        parsed = _parser().parse_args(arguments)
        status: int = importlib.import_module(f"edgebert.commands.{parsed.command}").run(parsed)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader of our output is gone; Python would complain once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except (EdgeBertError, OSError, MemoryError) as error:
        print(f"edgebert: error: {_one_line(error)}", file=sys.stderr)
        return 1 if isinstance(error, AccuracyError) else 2


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="edgebert",
        description="Small BERT models on phones and single-board computers.",
        allow_abbrev=False,
    )
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
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _terminate(number: int, frame: FrameType | None) -> None:
    """SIGTERM unwinds like Ctrl-C, so that whatever cleans up after itself does."""
    raise KeyboardInterrupt
