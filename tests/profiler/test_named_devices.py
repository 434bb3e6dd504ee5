"""Devices by address and by name."""

import json
from pathlib import Path

import pytest

from edgebert.cli import main
from edgebert.profiler.adb import Adb
from edgebert.profiler.devices import Entry, find, read_entries
from edgebert.profiler.local import Local
from edgebert.profiler.ssh import Ssh
from edgebert_runtime import InputError


def test_addresses() -> None:
    found = find(["local", "ssh://pi@kitchen:2222", "adb:0123ABC", "local"], {})
    assert [name for name, _ in found] == ["local", "ssh://pi@kitchen:2222", "adb:0123ABC"]
    assert [type(device) for _, device in found] == [Local, Ssh, Adb]


def test_names_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "devices.toml"
    path.write_text(
        '[kitchen]\naddress = "ssh://pi@kitchen.local"\n\n'
        '[phone]\naddress = "adb:0123ABC"\ntool = "tools/benchmark_model"\nremark = "hot"\n'
    )
    entries = read_entries(path)
    assert entries == {
        "kitchen": Entry("kitchen", "ssh://pi@kitchen.local"),
        "phone": Entry("phone", "adb:0123ABC", None, tmp_path / "tools/benchmark_model", "hot"),
    }
    (found,) = find(["kitchen"], entries)
    assert (found[0], found[1].name) == ("kitchen", "ssh://pi@kitchen.local")
    with pytest.raises(InputError, match=r"got 'kitchn', .* did you mean 'kitchen'"):
        find(["kitchn"], entries)
    with pytest.raises(InputError, match=r"'kitchen' and 'ssh://pi@kitchen\.local' are one"):
        find(["kitchen", "ssh://pi@kitchen.local"], entries)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a", "cannot be read as TOML"),
        ("a = 1", "expected a table with address"),
        ("[a]\nport = 1", "expected a table with address"),
        ('[a]\naddress = "kitchen"', "got address 'kitchen', expected one of local, ssh://"),
        ("[a]\naddress = 1", "got address = 1, expected texts of address, wheelhouse"),
        ('[a]\naddress = "local"\nuser = "x"', "got user = 'x', expected texts"),
        ('[local]\naddress = "local"', "a name that is an address already"),
        ("\ud800", "cannot be read as TOML"),
    ],
)
def test_a_file_that_says_something_else(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "devices.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(InputError, match=message):
        read_entries(path)


def test_one_phone_with_two_tools_is_listed_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "devices.toml"
    path.write_text('[one]\naddress = "local"\n[two]\naddress = "local"\n')
    assert main(["devices", "--devices-file", str(path)]) == 0
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split()[:2] for row in rows] == [
        ["local", "local"],
        ["one", "local"],
        ["two", "local"],
    ]
    path.write_text('[one]\naddress = "ssh://x"\nwheelhouse = "~nobodyofthisname/wheels"\n')
    assert main(["devices", "one", "--devices-file", str(path)]) == 2
    assert "nobodyofthisname" in capsys.readouterr().err


def test_a_file_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert read_entries() == {}
    with pytest.raises(InputError, match="no file of devices at"):
        read_entries(tmp_path / "devices.toml")


def test_command_tells_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Port 9 of this machine is closed."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert main(["devices"]) == 0
    assert capsys.readouterr().out.splitlines()[2].split()[:3] == ["local", "local", "yes"]
    path = tmp_path / "edgebert/devices.toml"
    path.parent.mkdir()
    path.write_text('[kitchen]\naddress = "ssh://127.0.0.1:9"\n')
    assert main(["devices", "--json"]) == 1
    local, kitchen = json.loads(capsys.readouterr().out)
    assert local["reachable"] is True
    assert "onnxruntime" in local["libraries"]
    assert kitchen["reachable"] is False
    assert "refused" in kitchen["error"]
    assert main(["devices", "attic"]) == 2
    assert "device: got 'attic'" in capsys.readouterr().err
