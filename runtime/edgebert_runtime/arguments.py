"""Kinds of command-line arguments that the device's command and the workstation's share."""

from __future__ import annotations

import argparse
import math
import re

from edgebert_runtime.errors import shortened


def whole_number(text: str) -> int:
    """An argument that is a whole number of at least 1."""
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise argparse.ArgumentTypeError(
            f"got {shortened(text)}, expected a whole number of at least 1"
        )
    return int(text)


def whole_numbers(text: str) -> tuple[int, ...]:
    """An argument of whole numbers with commas between them, in the order given."""
    return tuple(whole_number(part.strip()) for part in text.split(","))


def add_measuring(parser: argparse.ArgumentParser) -> None:
    """How much is measured, and how well."""
    parser.add_argument(
        "--batches",
        type=whole_numbers,
        default=(1,),
        metavar="SIZES",
        help="texts in one call, such as 1,8; default: 1",
    )
    parser.add_argument(
        "--budget",
        type=seconds,
        default=5.0,
        metavar="SECONDS",
        help="at most, for the repeated runs of each artifact and thread count; default: 5",
    )
    parser.add_argument(
        "--precision",
        type=share,
        default=0.02,
        metavar="SHARE",
        help="runs end early once the median is known this well, with 95 %% confidence; default: "
        "0.02",
    )
    parser.add_argument(
        "--minutes",
        type=minutes,
        default=0.0,
        help="of running without rest afterwards, to see what heat does, for each artifact and "
        "thread count; default: none",
    )
    parser.add_argument(
        "--operators", action="store_true", help="measure the operators of the model, too"
    )


def seconds(text: str) -> float:
    """An argument that is a duration above zero."""
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number of seconds above 0")
    return value


def minutes(text: str) -> float:
    """An argument that is a duration, or zero for none."""
    value = _number(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number of minutes")
    return value


def share(text: str) -> float:
    """An argument between 0 and 1."""
    value = _number(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a share such as 0.02")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
