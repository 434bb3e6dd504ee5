"""`edgebert verify` and `edgebert inspect`: 0 for a bundle that is whole, 1 for one that is not."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import terminal

FILES = ("tokenizer.json", "int8_dynamic.onnx", "int8_dynamic.tflite", "int8_dynamic.pt")
Forge = Callable[[Callable[[Path, dict[str, Any]], None]], Path]


def verified(path: Path) -> tuple[int, dict[str, Any]]:
    done = terminal.run("verify", path, "--json")
    assert done.stderr == b""
    return done.returncode, json.loads(done.stdout)


def test_a_whole_bundle(bundle: Path, zipped: Path) -> None:
    for path in (bundle, zipped):
        assert verified(path) == (
            0,
            {"ok": True, "problems": dict.fromkeys(FILES), "unlisted": []},
        )
    table = terminal.output("verify", bundle).splitlines()
    assert [line.split()[-1] for line in table[2:]] == ["ok"] * 4


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["altered", "cut", "missing", "pipe"])
def test_a_damaged_file(copy: Path, name: str, damage: str) -> None:
    path = copy / name
    content = path.read_bytes()
    path.unlink()
    if damage == "altered":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "cut":
        path.write_bytes(content[:-1])
    elif damage == "pipe":
        os.mkfifo(path)
    status, report = verified(copy)
    assert (status, report["ok"]) == (1, False)
    assert [each for each, problem in report["problems"].items() if problem] == [name]
    assert "copy the bundle anew" in report["problems"][name]


def test_a_table_of_failures(copy: Path) -> None:
    (copy / FILES[1]).write_bytes(b"x")
    done = terminal.run("verify", copy)
    assert (done.returncode, done.stderr) == (1, b"")
    lines = done.stdout.decode().splitlines()
    assert [line.split()[-1] for line in lines[2:6]] == ["ok", "FAILED", "ok", "ok"]
    assert "the file was altered or cut short" in lines[6]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"schema_version": 2}', None])
def test_a_manifest_that_cannot_be_read_is_a_failed_check(
    copy: Path, content: bytes | None
) -> None:
    (copy / "manifest.json").unlink()
    if content is not None:
        (copy / "manifest.json").write_bytes(content)
    status, report = verified(copy)
    assert (status, report["ok"], [*report["problems"]]) == (1, False, ["manifest.json"])
    assert "manifest" in report["problems"]["manifest.json"]


def test_a_truncated_zip_file(zipped: Path, tmp_path: Path) -> None:
    (tmp_path / "x.edgebert").write_bytes(zipped.read_bytes()[:-10])
    assert verified(tmp_path / "x.edgebert")[0] == 1


def test_nothing_there_is_a_mistake(tmp_path: Path) -> None:
    assert "no bundle at" in terminal.mistake("verify", tmp_path / "nowhere")


def test_files_that_are_not_listed(copy: Path) -> None:
    (copy / "notes").mkdir()
    (copy / "notes/\x1b[31m").touch()
    (copy / os.fsdecode(b"\xff")).touch()
    status, report = verified(copy)
    assert (status, report["ok"]) == (0, True)
    assert report["unlisted"] == ["notes/\x1b[31m", "\udcff"]
    table = terminal.output("verify", copy)
    assert table.endswith("never opened: notes/\\x1b[31m, \\udcff\n")


def test_inspect(bundle: Path, zipped: Path) -> None:
    shown = terminal.output("inspect", bundle)
    assert shown == terminal.output("inspect", zipped)
    for part in ("classification", "'negative', 'positive'", "64 tokens", *FILES[1:]):
        assert part in shown
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    assert json.loads(terminal.output("inspect", bundle, "--json")) == manifest


def test_inspect_of_what_wants_to_command_the_terminal(forge: Forge) -> None:
    def hostile(_: Path, manifest: dict[str, Any]) -> None:
        text = "\x1b]0;title\x07\x9b2J\u202e"
        manifest["labels"] = [text, "b"]
        manifest["source"].update(checkpoint=text, family=text, parameters={text: 1})
        for artifact in manifest["artifacts"]:
            artifact.update(recipe=text)

    path = forge(hostile)
    for arguments in (["inspect", path], ["inspect", path, "--json"], ["verify", path]):
        shown = terminal.output(*arguments)
        assert all(each.isprintable() or each == "\n" for each in shown)
    answer = terminal.output("predict", path, "a", "--backend", "onnx", "--top-k", "2")
    assert all(each.isprintable() or each == "\n" for each in answer)
