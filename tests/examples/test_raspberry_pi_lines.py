"""The example answers lines: rightly, whatever they hold, and stops when it is told to."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import environments
import pytest
import students
from answering import Answerer
from device_service import EXAMPLE, PATIENCE_S, Start
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import edgebert


def answers(service: subprocess.Popen[bytes], lines: bytes) -> list[dict[str, Any]]:
    output, _ = service.communicate(lines, timeout=PATIENCE_S)
    assert service.returncode == 0
    return [json.loads(line) for line in output.splitlines()]


def test_needs_no_torch(device_python: Path) -> None:
    assert not environments.installed(device_python) & {"torch", "transformers", "edgebert"}


def test_same_answers_as_the_model(start: Start, onnx_bundle: Path) -> None:
    texts = list(students.SENTENCES)
    answered = answers(start(), "\n".join(texts).encode())
    with edgebert.load(onnx_bundle, backend="onnx", threads=1) as model:
        expected = model.predict(texts)
    assert [each["id"] for each in answered] == list(range(1, len(texts) + 1))
    for ours, theirs in zip(answered, expected, strict=True):
        assert ours["label"] == theirs.label
        assert ours["score"] == pytest.approx(theirs.score, abs=1e-6)
        assert ours["truncated"] == theirs.truncated
        assert ours["latency_ms"] > 0


def test_objects_carry_ids_and_pairs(start: Start, onnx_bundle: Path) -> None:
    pair = ("Is it open?", "The museum is closed on Mondays.")
    requests = [
        {"id": "a7", "text": pair[0], "pair": pair[1]},
        {"id": 12, "text": "Schön, 很好 👍"},
        {"text": '{"a text": "in braces"}'},
    ]
    answered = answers(start(), "\r\n".join(map(json.dumps, requests)).encode())
    assert [each["id"] for each in answered] == ["a7", 12, 3]
    with edgebert.load(onnx_bundle, threads=1) as model:
        assert answered[0]["score"] == pytest.approx(model.predict(pair).score, abs=1e-6)


BAD = [
    (b"", "empty"),
    (b"   \t", "empty"),
    (b"caf\xe9", "not UTF-8"),
    (b"\xed\xa0\x80", "not UTF-8"),
    (b"a\0b", "NUL"),
    (b"{", "no JSON object"),
    (b'{"text": ' + b"[" * 5000, "no JSON object"),
    (b'{"text": "a", "id": ' + b"9" * 5000 + b"}", "no JSON object"),
    (b'{"text": "a", "id": "' + b"i" * 500 + b'"}', "id: expected"),
    (b'{"text": "a", "id": true}', "id: expected"),
    (b'{"text": ["a"]}', "text: expected a string"),
    (b'{"pair": "a"}', "text: expected a string"),
    (b'{"text": "a", "pair": null}', "text: expected a string"),
    (b'{"text": "a", "texts": "b"}', "'texts'"),
    (b'{"text": "\\u0000"}', "NUL"),
    (b"word " * 200_000, "65536 bytes"),
]


def test_bad_lines_are_answered_with_an_error(start: Start) -> None:
    lines = b"".join(line + b"\nGood.\n" for line, _ in BAD)
    answered = answers(start(), lines)
    assert len(answered) == 2 * len(BAD)
    for (_, reason), bad, good in zip(BAD, answered[::2], answered[1::2], strict=True):
        assert reason in bad["error"]
        assert "label" not in bad
        assert good["label"] in ("negative", "positive")


@given(payload=st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_payload_has_one_answer(onnx_bundle: Path, payload: bytes) -> None:
    with edgebert.load(onnx_bundle, backend="onnx", threads=1) as model:
        answer = Answerer(model, 200).answer(payload, time.monotonic())
    assert answer.isascii()
    assert b"\n" not in answer
    assert len({"label", "error"} & set(json.loads(answer))) == 1


def test_metrics_count(start: Start) -> None:
    service = start()
    output, errors = service.communicate(b"Good.\n\nNever again.\n", timeout=PATIENCE_S)
    latencies = sorted(json.loads(line)["latency_ms"] for line in output.splitlines())
    metrics = json.loads(errors.splitlines()[-1])
    assert (metrics["messages"], metrics["errors"], metrics["dropped"]) == (3, 1, 0)
    assert metrics["p50_ms"] == pytest.approx(latencies[1], abs=0.01)
    assert metrics["p90_ms"] == pytest.approx(latencies[2], abs=0.01)
    assert 10e6 < metrics["resident_bytes"] < 1e9
    assert metrics["uptime_s"] >= 0


def test_metrics_on_demand_while_idle(start: Start) -> None:
    service = start()
    assert service.stdin
    assert service.stdout
    assert service.stderr
    service.stdin.write(b"Good.\n")
    service.stdin.flush()
    service.stdout.readline()
    service.send_signal(signal.SIGUSR1)
    assert json.loads(service.stderr.readline())["messages"] == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_while_idle(start: Start, number: signal.Signals) -> None:
    service = start()
    assert service.stdin
    assert service.stdout
    service.stdin.write(b"Good.\n")
    service.stdin.flush()
    service.stdout.readline()
    service.send_signal(number)
    assert service.wait(PATIENCE_S) == 0
    assert service.stderr
    assert json.loads(service.stderr.read())["messages"] == 1


def test_stops_while_nobody_reads_its_answers(start: Start) -> None:
    service = start()
    assert service.stdin
    assert service.stdout
    service.stdin.write(b"\n" * 5000)
    service.stdin.flush()
    first = service.stdout.readline()
    assert json.loads(first)["id"] == 1
    time.sleep(2)
    service.send_signal(signal.SIGTERM)
    assert service.wait(PATIENCE_S) == 0


def test_a_reader_that_goes_away_ends_it_quietly(start: Start) -> None:
    service = start()
    assert service.stdin
    assert service.stdout
    service.stdin.write(b"Good.\n")
    service.stdin.flush()
    service.stdout.readline()
    service.stdout.close()
    service.stdin.write(b"Good.\n")
    service.stdin.flush()
    assert service.wait(PATIENCE_S) == 0
    assert service.stderr
    assert b"Traceback" not in service.stderr.read()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--backend", "tflite"], "tflite"),
        (["--mqtt", "localhost", "--username", "me", "--password-file", "/nowhere"], "/nowhere"),
        (["--mqtt", "localhost", "--ca-file", "/nowhere"], "No such file"),
        (["--mqtt", "localhost", "--topic", "every/#"], "without wildcards"),
        (["--limit", "0"], "from 1 to 1000"),
    ],
)
def test_mistakes_end_it_with_status_2(start: Start, options: list[str], reason: str) -> None:
    service = start(*options)
    _, errors = service.communicate(timeout=PATIENCE_S)
    assert service.returncode == 2
    assert reason in errors.decode().splitlines()[-1]
    assert b"Traceback" not in errors


def test_lines_work_without_paho(device_python: Path, onnx_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "paho.py").write_text(
        "raise ModuleNotFoundError('No module named paho', name='paho')", encoding="utf-8"
    )
    command = [str(device_python), str(EXAMPLE / "service.py"), str(onnx_bundle)]
    environment = {"PYTHONPATH": f"{tmp_path}:{environments.ROOT / 'runtime'}"}
    done = subprocess.run(command, input=b"Good.\n", env=environment, capture_output=True)
    assert b'"label"' in done.stdout
    done = subprocess.run([*command, "--mqtt", "localhost"], env=environment, capture_output=True)
    assert done.returncode == 2
    assert b"pip install paho-mqtt" in done.stderr
