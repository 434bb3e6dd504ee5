from pathlib import Path

import pytest

from edgebert.profiler.ssh import Ssh
from edgebert.profiler.ssh_address import Address, parse
from edgebert_runtime import InputError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ssh://kitchen", Address(None, "kitchen", None)),
        ("ssh://pi@192.0.2.7", Address("pi", "192.0.2.7", None)),
        ("ssh://pi@kitchen.example:2222", Address("pi", "kitchen.example", 2222)),
        ("ssh://pi@[2001:db8::7]:22", Address("pi", "2001:db8::7", 22)),
        ("ssh://[fe80::1%eth0]", Address(None, "fe80::1%eth0", None)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert parse(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kitchen",
        "ssh://",
        "ssh://@kitchen",
        "ssh://pi@",
        "ssh://-oProxyCommand=reboot",
        "ssh://-l@kitchen",
        "ssh://pi@-kitchen",
        "ssh://pi:secret@kitchen",
        "ssh://kitchen/",
        "ssh://kitchen/home",
        "ssh://kitchen:",
        "ssh://kitchen:0",
        "ssh://kitchen:022",
        "ssh://kitchen:65536",
        "ssh://kitchen:+22",
        "ssh://kitchen:22 ",
        "ssh://kitchen\n",
        "ssh://kit;chen",
        "ssh://kit chen",
        "ssh://$(reboot)@kitchen",
        "ssh://2001:db8::7",
        "ssh://[2001:db8::7",
        "ssh://[2001:db8::7::]",
        "ssh://[kitchen]",
        "ssh://kitchen:٢٢",
        "SSH://kitchen",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"expected ssh://HOST"):
        Ssh(text)


def test_advice_can_be_typed() -> None:
    assert parse("ssh://pi@kitchen:2222").command == "-p 2222 pi@kitchen"
    assert parse("ssh://pi@kitchen:2222").known_as == "'[kitchen]:2222'"
    assert parse("ssh://kitchen").command == parse("ssh://kitchen").known_as == "kitchen"


def test_a_wheelhouse_without_wheels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no wheels; make it by 'edgebert wheelhouse'"):
        Ssh("ssh://kitchen", tmp_path)
    with pytest.raises(InputError, match=r"holds no wheels"):
        Ssh("ssh://kitchen", tmp_path / "nowhere")
