"""`edgebert wheelhouse`."""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from edgebert import table
from edgebert.commands import arguments as common
from edgebert.profiler.wheelhouse import PLATFORMS, build
from edgebert_runtime.manifest import BACKENDS

HELP = "download all wheels that a device without a package index needs"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert wheelhouse`."""
    parser.add_argument("--platform", required=True, choices=PLATFORMS, help="the device's")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FOLDER", help="to make; must not exist"
    )
    parser.add_argument(
        "--python", default="3.11", metavar="VERSION", help="the device's; default: 3.11"
    )
    parser.add_argument(
        "--backend",
        type=common.names,
        default=("onnx", "tflite"),
        metavar="NAMES",
        help=f"of {', '.join(BACKENDS)}; default: onnx,tflite",
    )
    parser.add_argument(
        "--extra-index-url", metavar="URL", help="package index to use beside pip's own"
    )
    common.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Fill the folder, or leave nothing.

    Raises:
        InputError: for a folder that can't be made, or wheels that can't be had.
    """
    with tqdm(disable=None, leave=False, bar_format="{desc}") as line:
        wheels = build(
            arguments.output,
            arguments.platform,
            arguments.python,
            arguments.backend,
            extra_index_url=arguments.extra_index_url,
            progress=line.set_description_str,
        )
    sizes = {wheel.name: wheel.stat().st_size for wheel in wheels}
    if arguments.json:
        common.print_json(
            {
                "folder": str(arguments.output),
                "platform": arguments.platform,
                "python": arguments.python,
                "backends": list(arguments.backend),
                "wheels": [{"file": name, "bytes": size} for name, size in sizes.items()],
            }
        )
        return 0
    rows = [[name, f"{size:,}"] for name, size in sizes.items()]
    common.write(table.render(["wheel", "bytes"], [*rows, ["all", f"{sum(sizes.values()):,}"]]))
    return 0
