"""A payload in, an answer as JSON out, whatever the payload holds; and figures of how it went."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import time
import traceback
from collections import deque
from pathlib import Path
from typing import Any

from edgebert_runtime import EdgeBertError, Model

LATENCIES = 1000
"""Answers that the percentiles look back at."""
MAX_ID = 200
"""Characters of an id: it is sent back as it came."""


class Answerer:
    """Answers payloads one at a time, and counts."""

    def __init__(self, model: Model, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.dropped = 0
        """Messages that were taken in and never answered; counted by whoever drops them."""
        self._model = model
        self._messages = 0
        self._errors = 0
        self._latencies: deque[float] = deque(maxlen=LATENCIES)
        self._start = time.monotonic()

    def answer(self, payload: bytes, received: float) -> bytes:
        """One JSON object in ASCII: the answer to a payload, or the reason why there is none.

        `received` is what time.monotonic() said when the payload came; `latency_ms` counts from
        there, waiting included.
        """
        self._messages += 1
        answer: dict[str, Any] = {"id": self._messages}
        try:
            request = _read(payload, self.max_bytes)
            answer["id"] = request.pop("id", self._messages)
            result = self._model.predict(_text(request))
            answer |= _fields(result)
        except (ValueError, EdgeBertError) as error:
            answer["error"] = str(error)
        except Exception as error:
            # One message must not end the service: the broker would send it again at each start.
            traceback.print_exc()
            answer["error"] = f"internal error: {type(error).__name__}"
        latency = (time.monotonic() - received) * 1000
        self._errors += "error" in answer
        self._latencies.append(latency)
        answer["latency_ms"] = round(latency, 2)
        return json.dumps(answer).encode("ascii")

    def metrics(self) -> bytes:
        """One JSON object in ASCII; percentiles are of the last 1,000 answers."""
        ordered = sorted(self._latencies)
        figures = {
            "messages": self._messages,
            "errors": self._errors,
            "dropped": self.dropped,
            "p50_ms": _percentile(ordered, 0.5),
            "p90_ms": _percentile(ordered, 0.9),
            "resident_bytes": _resident_bytes(),
            "uptime_s": round(time.monotonic() - self._start, 1),
        }
        return json.dumps(figures).encode("ascii")


def _read(payload: bytes, max_bytes: int) -> dict[str, Any]:
    """A payload that starts with a brace is a JSON object; any other is the text itself."""
    if len(payload) > max_bytes:
        raise ValueError(f"got more than {max_bytes} bytes; send a shorter text")
    try:
        content = payload.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise ValueError(f"got a byte at {error.start} that is not UTF-8") from None
    if not content.startswith("{"):
        return {"text": content}
    try:
        request: dict[str, Any] = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError('got "{" and no JSON object; expected {"id": ..., "text": ...}') from None
    given = request.get("id", "")
    if isinstance(given, bool) or not isinstance(given, str | int) or len(str(given)) > MAX_ID:
        raise ValueError(f"id: expected a string or a whole number of at most {MAX_ID} characters")
    return request


def _text(request: dict[str, Any]) -> str | tuple[str, str]:
    unknown = sorted(set(request) - {"text", "pair"})
    if unknown:
        raise ValueError(f"got a field {unknown[0][:40]!r}, expected id, text and pair")
    parts = [request[name] for name in ("text", "pair") if name in request]
    if "text" not in request or not all(isinstance(part, str) for part in parts):
        raise ValueError("text: expected a string; pair, where a second text belongs to it, too")
    if not all(part.strip() for part in parts):
        raise ValueError("got an empty text")
    if any("\0" in part for part in parts):
        raise ValueError("got a NUL character, which no text has")
    return parts[0] if len(parts) == 1 else (parts[0], parts[1])


def _fields(result: Any) -> dict[str, Any]:
    """A result as JSON fields; for one label of many, without the scores of the others."""
    fields = dataclasses.asdict(result)
    if "label" in fields:
        fields.pop("scores")
    fields.pop("top", None)
    return fields


def _percentile(ordered: list[float], share: float) -> float | None:
    """Nearest rank: the smallest value that at least `share` of them do not exceed."""
    if not ordered:
        return None
    return round(ordered[math.ceil(share * len(ordered)) - 1], 2)


def _resident_bytes() -> int | None:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
