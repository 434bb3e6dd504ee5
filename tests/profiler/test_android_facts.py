"""What an Android device says of itself, in the formats of its getprop and dumpsys."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgebert.profiler.android_facts import (
    Snapshot,
    doubts,
    energy,
    everything,
    facts,
    heat,
    moment,
    read,
)

_THERMAL = "dumpsys thermalservice"
_CHARGE = "/sys/class/power_supply/battery/charge_counter"
_VOLTAGE = "/sys/class/power_supply/battery/voltage_now"
_ZONE = "/sys/class/thermal/thermal_zone{}/{}"


def _snapshot(**texts: str) -> Snapshot:
    return Snapshot({name.replace("_", " ", 1): text for name, text in texts.items()})


def _battery(**values: object) -> Snapshot:
    lines = [f"  {name.replace('_', ' ')}: {value}" for name, value in values.items()]
    return _snapshot(dumpsys_battery="\n".join(["Current Battery Service state:", *lines]))


def test_reads_this_machine_by_the_same_script() -> None:
    """A Linux shell stands in for the device's; it has no getprop and no dumpsys."""
    ran = subprocess.run(["sh", "-c", everything()], capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    snapshot = read(ran.stdout)
    found = facts(snapshot)
    assert found.memory_bytes is not None
    assert found.memory_bytes > 2**28
    assert found.available_processors >= 1
    assert (
        found.kernel
        == subprocess.run(
            ["uname", "-r"], capture_output=True, text=True, check=True
        ).stdout.strip()
    )
    assert (found.python, found.throttling, snapshot.abi) == ("", None, None)
    light = read(
        subprocess.run(["sh", "-c", heat()], capture_output=True, text=True, check=True).stdout
    )
    assert light.texts.keys() <= snapshot.texts.keys()


@pytest.mark.parametrize(
    ("properties", "board"),
    [
        ({"ro.product.model": "Pixel 8", "ro.product.manufacturer": "Google"}, "Google Pixel 8"),
        ({"ro.product.model": "OnePlus 9", "ro.product.manufacturer": "oneplus"}, "OnePlus 9"),
        ({"ro.product.model": "A", "ro.soc.model": "SM8550"}, "A (SM8550)"),
        ({}, None),
    ],
)
def test_names_the_device(properties: dict[str, str], board: str | None) -> None:
    text = "\n".join(f"[{name}]: [{value}]" for name, value in properties.items())
    assert facts(_snapshot(getprop=text)).board == board


def test_prefers_what_android_measures_now_to_what_it_remembers() -> None:
    text = (
        "Cached temperatures:\n\tTemperature{mValue=90.0, mType=0, mName=CPU0, mStatus=0}\n"
        "Current temperatures from HAL:\n\tTemperature{mValue=41.0, mType=0, mName=CPU0, mStatus=0}"
    )
    zones = {_ZONE.format(0, "type"): "cpu-0-0-usr", _ZONE.format(0, "temp"): "55000"}
    assert moment(Snapshot({_THERMAL: text, **zones}), 1.0).temperature_celsius == 41
    assert moment(Snapshot(zones), 1.0).temperature_celsius == 55
    odd = {_ZONE.format(1, "type"): "cpu-1", _ZONE.format(1, "temp"): "55"}
    assert moment(Snapshot(odd), 1.0).temperature_celsius is None
    other = {_ZONE.format(2, "type"): "battery", _ZONE.format(2, "temp"): "33000"}
    assert moment(Snapshot(other), 1.0).temperature_celsius is None


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("0", ()),
        ("1", ("thermal status light",)),
        ("6", ("thermal status shutdown",)),
        ("7", None),
        ("", None),
    ],
)
def test_says_thermal_status_in_words(status: str, words: tuple[str, ...] | None) -> None:
    snapshot = Snapshot({_THERMAL: f"IsStatusOverride: false\nThermal Status: {status}\n"})
    assert moment(snapshot, 0.0).throttling == words


def test_marks_what_makes_figures_doubtful() -> None:
    idle = _battery(AC_powered="false", status=3, level=80, scale=100, temperature=300)
    assert doubts((), idle, idle) == ()
    low = _battery(AC_powered="false", status=3, level=30, scale=200, temperature=300)
    assert doubts((), idle, low) == ("on battery at 15 %",)
    charging = _battery(USB_powered="true", status=2, level=15, scale=100, temperature=405)
    assert doubts((), idle, charging) == ("charging", "battery at 40 °C")
    full = _battery(USB_powered="true", status=5, level=100, scale=100)
    assert doubts((), full, full) == ()
    emulator = _snapshot(getprop="[ro.kernel.qemu]: [1]")
    assert doubts((), emulator, idle) == ("an emulator, not a phone",)
    hot = replace(moment(idle, 0.0), throttling=("thermal status severe",))
    assert doubts((moment(idle, 0.0), hot), idle, idle) == ("thermal status severe",)


def test_counts_energy_only_while_the_battery_gives_it() -> None:
    before = Snapshot({_CHARGE: "3000000", _VOLTAGE: "4100000"})
    after = Snapshot({_CHARGE: "2990000", _VOLTAGE: "3900000"})
    found = energy(before, after, 30.0, 500)
    assert found is not None
    assert found.joules == pytest.approx(0.01 * 3600 * 4)
    assert (found.seconds, found.sentences) == (30, 500)
    assert energy(after, before, 30.0, 500) is None
    assert energy(before, before, 30.0, 500) is None
    assert energy(before, Snapshot({_CHARGE: "1", _VOLTAGE: "x"}), 30.0, 500) is None
    powered = Snapshot({**after.texts, **_battery(USB_powered="true").texts})
    assert energy(before, powered, 30.0, 500) is None


@pytest.mark.parametrize(
    ("text", "count"), [("0-7", 8), ("0,2-3", 3), ("5", 1), ("", 1), ("7-0", 1), ("0-99999", 1)]
)
def test_counts_processors(text: str, count: int) -> None:
    assert facts(Snapshot({"/sys/devices/system/cpu/online": text})).available_processors == count


@settings(max_examples=50, deadline=None)
@given(st.text(), st.text(), st.text())
def test_stays_calm_whatever_a_device_prints(first: str, second: str, third: str) -> None:
    names = ("getprop", "/proc/cpuinfo", "/proc/meminfo", "/../../etc/passwd", "dumpsys battery")
    output = "".join(f"==edgebert=={name}\n{text}\n" for name in names for text in (first, second))
    snapshot = read(third + output)
    assert facts(snapshot).python == ""
    doubts((moment(snapshot, 0.0),) * 3, snapshot, snapshot)
    assert energy(snapshot, snapshot, 1.0, 1) is None
    assert snapshot.api_level >= 0
