"""The agent by itself, run here as ssh runs it there."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import ssh_server

from edgebert.profiler import ssh_agent
from edgebert_runtime.measurement import PROGRESS

QUICK = "import sys, runpy; from edgebert.profiler import ssh_agent; ssh_agent.SILENCE_S = 0.5; "
RUN = "sys.exit(ssh_agent.main(sys.argv[1:]))"
SLEEP = "import subprocess, sys; subprocess.run([sys.executable, '-c', '{}', '{}'])"
NAP = "import time; time.sleep(600)"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "edgebert"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-I", ssh_agent.__file__, *arguments]


def ask(task: str, content: bytes = b"", **details: object) -> Any:
    done = subprocess.run(
        command(task, json.dumps(details)), input=content, capture_output=True, check=False
    )
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr.decode()


def file(path: str, content: bytes) -> tuple[str, str, int]:
    return path, hashlib.sha256(content).hexdigest(), len(content)


def napping(cache: Path) -> list[str]:
    """A command that naps, and so does a process that it starts; both name the folder."""
    return [sys.executable, "-c", SLEEP.format(NAP, cache)]


def wait_for(count: int, cache: Path) -> None:
    patience = time.monotonic() + ssh_server.PATIENCE_S
    while len(found := ssh_server.running_in(cache)) != count:
        assert time.monotonic() < patience, f"{found}, expected {count}"
        time.sleep(0.05)


def test_progress_has_one_prefix() -> None:
    assert ssh_agent._PROGRESS == PROGRESS


def test_files_arrive_in_their_places(cache: Path) -> None:
    files = [file("wheels/a/one", b"1" * 3_000_000), file("wheels/b/two", b"2")]
    pairs = [each[:2] for each in files]
    assert ask("look", files=pairs, environment="x")["missing"] == ["wheels/a/one", "wheels/b/two"]
    assert ask("receive", b"1" * 3_000_000 + b"2", files=files) is None
    assert (cache / "wheels/b/two").read_bytes() == b"2"
    assert ask("look", files=pairs, environment="x") == {"missing": [], "python": None}
    (cache / "wheels/b/two").write_bytes(b"3")
    assert ask("look", files=pairs, environment="x")["missing"] == ["wheels/b/two"]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"12", "the connection was lost while copying"), (b"124", "one arrived altered")],
)
def test_what_arrives_cut_or_altered_is_not_kept(content: bytes, message: str, cache: Path) -> None:
    assert message in ask("receive", content, files=[file("wheels/a/one", b"123")])
    assert not list((cache / "wheels/a").iterdir())


def test_what_killed_copies_left_is_removed_by_who_is_alone(cache: Path) -> None:
    with subprocess.Popen(
        command("receive", json.dumps({"files": [file("bundles/a/one", b"123")]})),
        stdin=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        while not (parts := list(cache.glob("bundles/a/*.part"))):
            time.sleep(0.05)
        environment = cache / "environments" / "begun"
        environment.mkdir(parents=True)
        ask("look", files=[], environment="x", clean=True)
        assert list(cache.glob("bundles/a/*.part")) == parts, "it is still being written"
        assert environment.exists()
        process.kill()
    ask("look", files=[], environment="x")
    assert environment.exists(), "nobody asked for it"
    ask("look", files=[], environment="x", clean=True)
    assert not list(cache.glob("bundles/a/*"))
    assert not environment.exists()


def test_what_nobody_used_for_a_month_is_removed(cache: Path) -> None:
    for name, days in (("old", 31), ("new", 29)):
        for kind in ("wheels", "bundles", "environments"):
            folder = cache / kind / name
            folder.mkdir(parents=True)
            (folder / "complete").touch()
            then = time.time() - days * 24 * 3600
            os.utime(folder, (then, then))
    ask("look", files=[], environment="x", clean=True)
    assert {path.name for path in cache.glob("*/*")} == {"new"}


def test_an_environment_whose_interpreter_is_gone_is_none(cache: Path) -> None:
    folder = cache / "environments" / f"x-onnx-{ssh_agent._PYTHON}"
    (folder / "bin").mkdir(parents=True)
    (folder / "complete").touch()
    (folder / "bin" / "python").symlink_to(cache / "gone")
    assert ask("state", environment="x")["libraries"] == {}
    assert ask("look", files=[], environment="x-onnx")["python"] is None


def test_a_state_changes_nothing(cache: Path) -> None:
    state = ask("state", environment="x")
    assert state["free_bytes"] > 0
    assert not cache.exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path, cache: Path) -> None:
    cache.write_text("a file")
    message = ask("look", files=[], environment="x")
    assert message.startswith("edgebert: error: ")
    assert f"expected a folder {cache} there that can be written" in message


def test_the_end_of_standard_input_ends_all(cache: Path) -> None:
    with subprocess.Popen(command("run", *napping(cache)), stdin=subprocess.PIPE) as process:
        wait_for(3, cache)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == 1
    wait_for(0, cache)


def test_silence_ends_all_and_a_heartbeat_does_not(cache: Path) -> None:
    run = [sys.executable, "-c", QUICK + RUN, "run", *napping(cache)]
    with subprocess.Popen(run, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for _ in range(10):
            process.stdin.write(b"\n")
            process.stdin.flush()
            time.sleep(0.1)
        wait_for(3, cache)
        assert process.wait() == 1
    wait_for(0, cache)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all(number: signal.Signals, cache: Path) -> None:
    with subprocess.Popen(command("run", *napping(cache)), stdin=subprocess.PIPE) as process:
        wait_for(3, cache)
        process.send_signal(number)
        assert process.wait() == 128 + number
    wait_for(0, cache)


def test_a_command_keeps_its_status_and_output(cache: Path) -> None:
    script = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)"
    with subprocess.Popen(
        command("run", sys.executable, "-c", script),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read() == b"out\n"
        assert process.stderr.read() == b"err\n"
        assert process.wait() == 7


def test_an_environment_waits_for_who_makes_it(cache: Path) -> None:
    folder = cache / "environments" / f"x-{ssh_agent._PYTHON}"
    folder.mkdir(parents=True)
    details = json.dumps({"environment": "x", "extra": "onnx", "wheel": "none", "links": []})
    with (
        (cache / "lock").open("w") as working,
        folder.with_name(f"{folder.name}.lock").open("w") as making,
    ):
        fcntl.flock(working, fcntl.LOCK_SH)
        fcntl.flock(making, fcntl.LOCK_EX)
        with subprocess.Popen(
            command("environment", details), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            time.sleep(0.5)
            assert process.poll() is None
            (folder / "bin").mkdir()
            (folder / "bin" / "python").symlink_to(sys.executable)
            (folder / "complete").touch()
            fcntl.flock(making, fcntl.LOCK_UN)
            assert process.stdout is not None
            answer = json.loads(process.stdout.read())
    assert answer == {"python": str(folder / "bin" / "python")}
