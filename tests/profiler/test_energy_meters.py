"""Meters in trees written as Linux writes them; this machine's own is tried where it has one."""

import time
from pathlib import Path

import pytest
from test_hardware import write_tree

from edgebert_runtime.energy import find_meter


def test_no_meter(tmp_path: Path) -> None:
    assert find_meter(tmp_path) is None


def test_a_counter_of_a_processor_goes_round(tmp_path: Path) -> None:
    package = "sys/class/powercap/intel-rapl:0"
    files = {f"{package}/name": "package-0\n", f"{package}/max_energy_range_uj": "10000000\n"}
    write_tree(tmp_path, {**files, f"{package}/energy_uj": "9000000\n"})
    meter = find_meter(tmp_path)
    assert meter is not None
    assert meter.name == "RAPL package-0"
    assert meter.joules() == 0
    write_tree(tmp_path, {f"{package}/energy_uj": "500000\n"})
    assert meter.joules() == pytest.approx(1.5)
    write_tree(tmp_path, {f"{package}/energy_uj": "1500000\n"})
    assert meter.joules() == pytest.approx(2.5)


def test_the_platform_counts_its_processor_too(tmp_path: Path) -> None:
    """On laptops: psys holds package-0. Neither says its range here, and both begin anew."""
    folder = "sys/class/powercap"
    names = {f"{folder}/intel-rapl:0/name": "package-0\n", f"{folder}/intel-rapl:1/name": "psys\n"}
    counters = [f"{folder}/intel-rapl:{number}/energy_uj" for number in (0, 1)]
    write_tree(tmp_path, {**names, **dict.fromkeys(counters, "5000000\n")})
    meter = find_meter(tmp_path)
    assert meter is not None
    assert meter.name == "RAPL package-0"
    write_tree(tmp_path, dict.fromkeys(counters, "15000000\n"))
    assert meter.joules() == pytest.approx(10)
    write_tree(tmp_path, dict.fromkeys(counters, "1000000\n"))
    assert meter.joules() == pytest.approx(10)


@pytest.mark.parametrize(
    ("files", "name", "watts"),
    [
        ({"hwmon/hwmon3/name": "ina226\n", "hwmon/hwmon3/power1_input": "2500000\n"},
         "hwmon ina226", 2.5),
        ({"power_supply/BAT0/type": "Battery\n", "power_supply/BAT0/status": "Discharging\n",
          "power_supply/BAT0/power_now": "7000000\n"}, "battery BAT0", 7.0),
        ({"power_supply/battery/type": "Battery\n", "power_supply/battery/status": "Discharging\n",
          "power_supply/battery/current_now": "-500000\n",
          "power_supply/battery/voltage_now": "4000000\n"}, "battery battery", 2.0),
    ],
)  # fmt: skip
def test_power_is_summed_over_time(
    files: dict[str, str], name: str, watts: float, tmp_path: Path
) -> None:
    write_tree(tmp_path, {f"sys/class/{path}": text for path, text in files.items()})
    start = time.perf_counter()
    meter = find_meter(tmp_path)
    assert meter is not None
    assert meter.name == name
    time.sleep(0.1)
    joules = meter.joules()
    assert watts * 0.1 <= joules <= watts * (time.perf_counter() - start)


def test_a_battery_that_is_charged_tells_nothing(tmp_path: Path) -> None:
    folder = "sys/class/power_supply/BAT0"
    files = {"type": "Battery\n", "status": "Charging\n", "power_now": "7000000\n"}
    write_tree(tmp_path, {f"{folder}/{name}": text for name, text in files.items()})
    assert find_meter(tmp_path) is None


def test_a_sensor_that_fails_for_a_moment(tmp_path: Path) -> None:
    chip = "sys/class/hwmon/hwmon0"
    write_tree(tmp_path, {f"{chip}/name": "ina219\n", f"{chip}/power1_input": "1000000\n"})
    meter = find_meter(tmp_path)
    assert meter is not None
    (tmp_path / chip / "power1_input").unlink()
    assert meter.joules() == 0
