"""Arguments of `prune` that `distill` and `convert` take too."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edgebert_runtime.arguments import whole_number, whole_numbers
from edgebert_runtime.errors import InputError

_NAMES = ("heads", "neurons", "layers", "target", "sparsity", "multiple", "importance", "backend")


def add(parser: argparse.ArgumentParser, prefix: str = "") -> None:
    """What to keep and how to choose it; `prefix` stands before each name, such as "prune-"."""
    group = parser.add_argument_group("pruning") if prefix else parser
    amount = "a share of all layers' together (0.5), or how many in each layer (6, or 6,4,8)"
    group.add_argument(f"--{prefix}heads", type=_amount, metavar="KEEP", help=amount)
    group.add_argument(
        f"--{prefix}neurons", type=_amount, metavar="KEEP", help="feed-forward neurons, likewise"
    )
    group.add_argument(
        f"--{prefix}layers",
        type=_layers,
        metavar="N|N,N…",
        help="how many layers to keep, or which, counted from 1",
    )
    group.add_argument(
        f"--{prefix}target",
        type=_target,
        metavar="KIND=N",
        help="parameters, macs or latency, below 1 as a share of the whole model's: searches how "
        "many heads and neurons to keep for it",
    )
    group.add_argument(
        f"--{prefix}sparsity",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="of linear weights to set to zero, the smallest first; default: 0",
    )
    group.add_argument(
        f"--{prefix}multiple",
        type=whole_number,
        default=16,
        metavar="N",
        help="keep neurons in groups of so many; default: 16",
    )
    group.add_argument(
        f"--{prefix}importance",
        default="taylor",
        metavar="NAME",
        help="taylor (gradients on labelled rows), l1 or l2 (norms of weights); default: taylor",
    )
    group.add_argument(
        f"--{prefix}backend",
        default="tflite",
        metavar="NAME",
        help="what a latency is measured on; default: tflite",
    )
    group.add_argument(
        f"--{prefix}data", type=Path, metavar="FILE", help="labelled rows for --importance taylor"
    )


def given(arguments: argparse.Namespace, prefix: str = "") -> bool:
    """Whether anything is to be pruned.

    Raises:
        InputError: if nothing is, and there are labelled rows to choose it by.
    """
    names = ("heads", "neurons", "layers", "target")
    wanted = any(_value(arguments, prefix, name) is not None for name in names)
    if wanted or _value(arguments, prefix, "sparsity") != 0:
        return True
    if _value(arguments, prefix, "data") is not None:
        raise InputError(
            f"--{prefix}data has rows to choose by, and nothing is to be pruned: add "
            f"--{prefix}heads or the like"
        )
    return False


def settings(arguments: argparse.Namespace, prefix: str = "") -> dict[str, Any]:
    """The fields of `PruneOptions` that the arguments of `add` name."""
    from edgebert.compression.options import Target

    values = {name: _value(arguments, prefix, name) for name in _NAMES}
    if values["target"] is not None:
        values["target"] = Target(*values["target"])
    return {**values, "labelled": _value(arguments, prefix, "data")}


def _value(arguments: argparse.Namespace, prefix: str, name: str) -> Any:
    return getattr(arguments, f"{prefix}{name}".replace("-", "_"))


def _amount(text: str) -> float | int | tuple[int, ...]:
    numbers = text.split(",")
    try:
        if len(numbers) > 1:
            return whole_numbers(text)
        return whole_number(text) if text.strip().isdecimal() else float(text)
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(
            f"got {text!r}, expected a share such as 0.5, or whole numbers such as 6 or 6,4,8"
        ) from None


def _layers(text: str) -> int | tuple[int, ...]:
    return whole_numbers(text.rstrip(",")) if "," in text else whole_number(text)


def _target(text: str) -> tuple[str, float]:
    kind, equals, number = text.partition("=")
    try:
        if equals:
            return kind.strip(), float(number)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(
        f"got {text!r}, expected parameters=N, macs=N or latency=N, such as latency=0.5"
    )
