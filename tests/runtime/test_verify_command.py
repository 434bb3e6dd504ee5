"""`edgebert verify` and `edgebert inspect`: 0 for a bundle that is whole, 1 for one that is not."""

from __future__ import annotations

import json
import os
import zipfile
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
    with zipfile.ZipFile(zipped) as archive:
        held = {name: archive.getinfo(name).compress_size for name in FILES}
    report = json.loads(terminal.output("inspect", bundle, "--json"))
    order = [each["file"] for each in report.pop("auto")]
    assert sorted(order) == sorted(each["file"] for each in manifest["artifacts"])
    assert report == manifest | {"compressed_bytes": held}
    for size in held.values():
        assert f" {size:,}" in shown


def test_inspect_tells_how_the_artifacts_came_about(copy: Path, explained: str) -> None:
    (copy / "manifest.json").write_text(explained, encoding="utf-8")
    shown = terminal.output("inspect", copy)
    assert "pruned from   400,000 parameters" in shown
    assert "1, 2 by layer" in shown
    assert "30, 64 by layer" in shown
    layers = "left in float32: encoder.layers.0.value, encoder.layers.1.value"
    assert shown.count(layers) == len(FILES) - 1
    ranges = "ranges by percentile on 256 sentences; agreement: largest 0.5000, percentile 0.7500"
    assert shown.count(ranges) == len(FILES) - 1
    for part in ("dev.tsv", "0.9000", "2.5", "300", "int8_static", "0.8750"):
        assert part in shown
    report = json.loads(terminal.output("inspect", copy, "--json"))
    del report["compressed_bytes"], report["auto"]
    assert report == json.loads(explained)


def test_inspect_of_what_wants_to_command_the_terminal(forge: Forge, explained: str) -> None:
    def hostile(_: Path, manifest: dict[str, Any]) -> None:
        text = "\x1b]0;title\x07\x9b2J\u202e"
        manifest.update(json.loads(explained))
        manifest["labels"] = [text, "b"]
        manifest["source"].update(checkpoint=text, family=text, parameters={text: 1})
        for artifact in manifest["artifacts"]:
            artifact.update(recipe=text, float_layers=[text])
            artifact["calibration"].update(method=text, agreement={text: 1.0})
        manifest["search"].update(data=text)
        for trial in manifest["search"]["trials"]:
            trial.update(backend=text, recipe=text, float_layers=[text])

    path = forge(hostile)
    for arguments in (["inspect", path], ["inspect", path, "--json"], ["verify", path]):
        shown = terminal.output(*arguments)
        assert all(each.isprintable() or each == "\n" for each in shown)
    answer = terminal.output("predict", path, "a", "--backend", "onnx", "--top-k", "2")
    assert all(each.isprintable() or each == "\n" for each in answer)
