"""The example answers a real broker's messages, through restarts of either side."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import mosquitto
import pytest
import students
import this_machine
from device_service import PATIENCE_S, Start, last_line

import edgebert


def options(broker: mosquitto.Broker, *more: str) -> list[str]:
    return ["--mqtt", "127.0.0.1", "--port", str(broker.port), "--client-id", "test", *more]


def requests(count: int, first: int = 0) -> bytes:
    texts = students.SENTENCES
    ids = range(first, first + count)
    lines = [json.dumps({"id": i, "text": texts[i % len(texts)]}) for i in ids]
    return "\n".join(lines).encode()


def next_answer(answers: mosquitto.Listener) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(answers.next())
    return answer


def test_a_hundred_in_order(start: Start, broker: mosquitto.Broker, onnx_bundle: Path) -> None:
    answers, state = broker.listen("edgebert/answers"), broker.listen("edgebert/state")
    service = start(*options(broker))
    state.wait_for("online")
    broker.publish("-l", "-q", "1", lines=requests(100))
    got = [next_answer(answers) for _ in range(100)]
    assert [each["id"] for each in got] == list(range(100))
    texts = [students.SENTENCES[i % len(students.SENTENCES)] for i in range(100)]
    with edgebert.load(onnx_bundle, threads=1) as model:
        assert [each["label"] for each in got] == [each.label for each in model.predict(texts)]
    service.send_signal(signal.SIGTERM)
    state.wait_for("offline")
    assert service.wait(PATIENCE_S) == 0
    metrics = json.loads(last_line(service))
    assert (metrics["messages"], metrics["errors"], metrics["dropped"]) == (100, 0, 0)


def test_hostile_messages(start: Start, broker: mosquitto.Broker, tmp_path: Path) -> None:
    answers, state = broker.listen("edgebert/answers"), broker.listen("edgebert/state")
    start(*options(broker))
    state.wait_for("online")
    hostile = {
        "not UTF-8": b"caf\xe9",
        "NUL": b"a\0b",
        "not UTF-8 ": b"\x80" + os.urandom(3000),
        "65536 bytes": b"a" * (1 << 20),
        "no JSON object": b'{"text":' + b"[" * 60000,
        "empty": b"",
    }
    for reason, payload in hostile.items():
        (tmp_path / "payload").write_bytes(payload)
        broker.publish("-q", "1", "-f", str(tmp_path / "payload"))
        answer = next_answer(answers)
        assert reason.strip() in answer["error"]
        assert "label" not in answer
    # More than the service lets the broker send: it never comes, and does no harm.
    (tmp_path / "payload").write_bytes(b"a" * (5 << 20))
    broker.publish("-q", "1", "-f", str(tmp_path / "payload"))
    broker.publish("-q", "1", "-m", "Good.")
    assert next_answer(answers)["label"] in ("negative", "positive")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_lost_when_the_service_ends(
    start: Start, broker: mosquitto.Broker, number: signal.Signals
) -> None:
    """Stopped or killed among 200 messages; the next start answers the rest."""
    answers, state = broker.listen("edgebert/answers"), broker.listen("edgebert/state")
    service = start(*options(broker))
    state.wait_for("online")
    broker.publish("-l", "-q", "1", lines=requests(200))
    ids = [next_answer(answers)["id"] for _ in range(20)]
    service.send_signal(number)
    assert service.wait(PATIENCE_S) == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    # The last will of the killed one says so too.
    state.wait_for("offline")
    broker.publish("-l", "-q", "1", lines=requests(20, first=200))
    start(*options(broker))
    while len(set(ids)) < 220:
        ids.append(next_answer(answers)["id"])
    assert set(ids) == set(range(220))
    if number == signal.SIGTERM:
        assert ids == list(range(220))


def test_a_broker_that_comes_late_and_goes_away(start: Start, broker: mosquitto.Broker) -> None:
    broker.stop()
    service = start(*options(broker))
    assert service.stderr
    while b"no connection" not in service.stderr.readline():
        pass
    broker.start()
    answers, state = broker.listen("edgebert/answers"), broker.listen("edgebert/state")
    for _ in range(2):
        state.wait_for("online")
        broker.publish("-q", "1", "-m", '{"id": "here", "text": "Good."}')
        assert next_answer(answers)["id"] == "here"
        broker.stop()
        while b"connect" not in service.stderr.readline():
            pass
        broker.start()
    service.send_signal(signal.SIGTERM)
    assert service.wait(PATIENCE_S) == 0


def test_stops_while_the_broker_is_away(start: Start, broker: mosquitto.Broker) -> None:
    state = broker.listen("edgebert/state")
    service = start(*options(broker))
    state.wait_for("online")
    broker.stop()
    service.send_signal(signal.SIGTERM)
    assert service.wait(PATIENCE_S) == 0


def test_a_flood_without_acknowledgement_is_bounded_and_counted(
    start: Start, broker: mosquitto.Broker
) -> None:
    answers, state = broker.listen("edgebert/answers"), broker.listen("edgebert/state")
    service = start(*options(broker, "--limit", "2"))
    state.wait_for("online")
    broker.publish("-l", "-q", "0", lines=requests(1000))
    broker.publish("-q", "1", "-m", '{"id": "last", "text": "Good."}')
    ids = [next_answer(answers)["id"]]
    while ids[-1] != "last":
        ids.append(next_answer(answers)["id"])
    assert ids[:-1] == sorted(ids[:-1])
    service.send_signal(signal.SIGTERM)
    assert service.wait(PATIENCE_S) == 0
    metrics = json.loads(last_line(service))
    assert metrics["messages"] == len(ids)
    assert metrics["messages"] + metrics["dropped"] == 1001


def test_tells_systemd_how_it_is(start: Start, broker: mosquitto.Broker, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE_S)
        service = start(*options(broker), NOTIFY_SOCKET=str(tmp_path / "notify"))
        assert manager.recv(100) == b"READY=1"
        heard = set()
        while heard != {"WATCHDOG=1", "STATUS=connected to 127.0.0.1"}:
            heard.add(manager.recv(100).decode())
        # Alive while nothing comes.
        assert [manager.recv(100) for _ in range(2)] == [b"WATCHDOG=1"] * 2
        service.send_signal(signal.SIGTERM)
        while manager.recv(100) != b"STOPPING=1":
            pass
    assert service.wait(PATIENCE_S) == 0


def test_metrics_are_published_on_demand(start: Start, broker: mosquitto.Broker) -> None:
    answers, metrics = broker.listen("edgebert/answers"), broker.listen("edgebert/metrics")
    state = broker.listen("edgebert/state")
    service = start(*options(broker))
    state.wait_for("online")
    broker.publish("-q", "1", "-m", "Good.")
    next_answer(answers)
    service.send_signal(signal.SIGUSR1)
    assert next_answer(metrics)["messages"] == 1


def test_password_and_certificate(start: Start, broker: mosquitto.Broker, tmp_path: Path) -> None:
    this_machine.need("openssl", "openssl")
    broker.stop()
    key, certificate = broker.folder / "key.pem", broker.folder / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*request, *names, *files], check=True, capture_output=True)
    accounts = broker.folder / "accounts"
    make = ["mosquitto_passwd", "-b", "-c", str(accounts), "me", "right password"]
    subprocess.run(make, check=True, capture_output=True)
    broker.access = (
        f"allow_anonymous false\npassword_file {accounts}\n"
        f"certfile {certificate}\nkeyfile {key}\ncafile {certificate}"
    )
    broker.client_options = ["-u", "me", "-P", "right password", "--cafile", str(certificate)]
    broker.start()
    answers, state = broker.listen("edgebert/answers"), broker.listen("edgebert/state")
    password = tmp_path / "password"
    secure = ["--username", "me", "--password-file", str(password), "--ca-file", str(certificate)]
    password.write_text("wrong password\n", encoding="utf-8")
    refused = start(*options(broker, *secure))
    assert refused.stderr
    while b"refuses us" not in refused.stderr.readline():
        pass
    refused.send_signal(signal.SIGTERM)
    assert refused.wait(PATIENCE_S) == 0
    password.write_text("right password\n", encoding="utf-8")
    start(*options(broker, *secure))
    state.wait_for("online")
    broker.publish("-q", "1", "-m", "Good.")
    assert next_answer(answers)["label"] in ("negative", "positive")
