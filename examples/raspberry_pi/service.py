"""A service that answers texts with a bundle: lines of standard input, or messages of a broker.

    python service.py BUNDLE < texts.txt
    python service.py BUNDLE --mqtt localhost --topic edgebert

Status 2 is a mistake in what was given, which starting again won't mend.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import lines
from answering import Answerer
from lifecycle import Lifecycle, notify

from edgebert_runtime import EdgeBertError, load

if TYPE_CHECKING:
    from mqtt import BrokerService


def main() -> int:
    """Load, answer until told to stop, and say how it went."""
    arguments = _arguments()
    lifecycle = Lifecycle(arguments.metrics_every)
    try:
        model = load(arguments.bundle, backend=arguments.backend, threads=arguments.threads)
        # The first run is slow and takes the most memory; whoever waits for us should not wait.
        if model.manifest.task != "masked-lm":
            asks = model.manifest.task == "question-answering"
            model.predict(("ready?", "ready") if asks else "ready")
        answerer = Answerer(model, arguments.max_bytes)
        broker = _broker(arguments, answerer, lifecycle) if arguments.mqtt else None
    except (EdgeBertError, ValueError, OSError) as error:
        print(f"edgebert: {error}", file=sys.stderr)
        return 2
    notify("READY=1")
    try:
        if broker is None:
            lines.serve(answerer, lifecycle)
        else:
            broker.serve()
    except BrokenPipeError:
        # Or Python would complain once more when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    finally:
        notify("STOPPING=1")
        model.close()
    return 0


def _broker(
    arguments: argparse.Namespace, answerer: Answerer, lifecycle: Lifecycle
) -> BrokerService:
    try:
        from mqtt import BrokerOptions, BrokerService
    except ModuleNotFoundError as error:
        raise ValueError(f"--mqtt needs {error.name}; run: pip install paho-mqtt") from None
    options = BrokerOptions(
        host=arguments.mqtt,
        port=arguments.port,
        topic=arguments.topic,
        client_id=arguments.client_id,
        limit=arguments.limit,
        username=arguments.username,
        password_file=arguments.password_file,
        ca_file=arguments.ca_file,
    )
    return BrokerService(options, answerer, lifecycle)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    add = parser.add_argument
    add("bundle", type=Path, help="a bundle folder or .edgebert file")
    add("--backend", default="auto", help="tflite or onnx; by default the first installed")
    add("--threads", type=_whole(1, 64), help="threads to compute with; by default all processors")
    add("--max-bytes", type=_whole(1, 1 << 20), default=65536, help="longest message (%(default)s)")
    add("--metrics-every", type=_whole(1, 86400), default=300, help="seconds (%(default)s)")
    add("--mqtt", metavar="HOST", help="answer messages of this broker; without it lines")
    add("--port", type=_whole(1, 65535), default=1883, help="of the broker (%(default)s)")
    add("--topic", type=_topic, default="edgebert", help="start of our topics (%(default)s)")
    add("--client-id", default=f"edgebert-{socket.gethostname()}", help="(%(default)s)")
    add("--limit", type=_whole(1, 1000), default=20, help="messages in hand at once (%(default)s)")
    add("--username")
    add("--password-file", type=Path)
    add("--ca-file", type=Path, help="certificates to trust: connect with TLS")
    return parser.parse_args()


def _whole(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least} to {most}")
        return int(text)

    return number


def _topic(text: str) -> str:
    if not text or len(text) > 200 or set(text) & set("+#\0") or text.startswith("$"):
        raise argparse.ArgumentTypeError("expected the start of a topic, without wildcards")
    return text.rstrip("/")


if __name__ == "__main__":
    sys.exit(main())
