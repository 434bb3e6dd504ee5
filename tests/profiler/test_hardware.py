"""Facts of this machine, and of trees written as Raspberry Pis write theirs."""

import platform
import sys
from pathlib import Path

import numpy
import pytest

from edgebert_runtime.hardware import facts

PI_5_FEATURES = (
    "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop "
    "asimddp"
)
PI_4_FEATURES = "fp asimd evtstrm crc32 cpuid"


def write_tree(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def arm_processor(number: int, part: str, features: str, implementer: str = "0x41") -> str:
    return (
        f"processor\t: {number}\nBogoMIPS\t: 108.00\nFeatures\t: {features}\n"
        f"CPU implementer\t: {implementer}\nCPU architecture: 8\nCPU variant\t: 0x4\n"
        f"CPU part\t: {part}\nCPU revision\t: 1\n\n"
    )


@pytest.fixture
def pi_5(tmp_path: Path) -> Path:
    cores = "".join(arm_processor(number, "0xd0b", PI_5_FEATURES) for number in range(4))
    cpufreq = "sys/devices/system/cpu/cpu0/cpufreq"
    return write_tree(
        tmp_path,
        {
            "proc/cpuinfo": cores
            + "Revision\t: c04170\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n",
            "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
            "proc/meminfo": "MemTotal:        4139344 kB\nMemAvailable:    3600000 kB\n",
            "proc/sys/kernel/osrelease": "6.6.31+rpt-rpi-2712\n",
            "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
            f"{cpufreq}/scaling_governor": "ondemand\n",
            f"{cpufreq}/scaling_cur_freq": "1500000\n",
            f"{cpufreq}/cpuinfo_max_freq": "2400000\n",
            "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
            "sys/class/thermal/thermal_zone0/temp": "61250\n",
            "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled": "0\n",
        },
    )


@pytest.fixture
def pi_4(tmp_path: Path) -> Path:
    """Hot, on a weak power supply, and without a device tree to read."""
    cores = "".join(arm_processor(number, "0xd08", PI_4_FEATURES) for number in range(4))
    return write_tree(
        tmp_path,
        {
            "proc/cpuinfo": cores
            + "Hardware\t: BCM2835\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n",
            "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
            "sys/class/thermal/thermal_zone0/temp": "80342\n",
            "sys/devices/platform/soc/soc:firmware/get_throttled": "50004\n",
        },
    )


def test_raspberry_pi_5(pi_5: Path) -> None:
    found = facts(pi_5)
    assert found.board == "Raspberry Pi 5 Model B Rev 1.0"
    assert found.cpu == "Cortex-A76"
    assert found.cores == 4
    assert (found.dot_product, found.i8mm, found.sve) == (True, False, False)
    assert found.governor == "ondemand"
    assert (found.frequency_mhz, found.max_frequency_mhz) == (1500, 2400)
    assert found.temperature_celsius == 61.25
    assert found.throttling == ()
    assert found.memory_bytes == 4139344 * 1024
    assert found.available_memory_bytes == 3600000 * 1024
    assert found.operating_system == "Debian GNU/Linux 12 (bookworm)"
    assert found.kernel == "6.6.31+rpt-rpi-2712"


def test_raspberry_pi_4(pi_4: Path) -> None:
    found = facts(pi_4)
    assert found.board == "Raspberry Pi 4 Model B Rev 1.4"
    assert found.cpu == "Cortex-A72"
    assert found.dot_product is False
    assert found.temperature_celsius == 80.342
    assert found.throttling == (
        "throttled",
        "under-voltage since boot",
        "throttled since boot",
    )
    assert found.governor is None
    assert found.memory_bytes is None


def test_raspberry_pi_with_a_32_bit_kernel(tmp_path: Path) -> None:
    cpuinfo = (
        "processor\t: 0\nmodel name\t: ARMv7 Processor rev 3 (v7l)\nFeatures\t: half thumb neon\n"
        "CPU implementer\t: 0x41\nCPU part\t: 0xd08\n\n"
        "Hardware\t: BCM2711\n"
    )
    found = facts(write_tree(tmp_path, {"proc/cpuinfo": cpuinfo}))
    assert (found.board, found.cpu, found.cores) == ("BCM2711", "Cortex-A72", 1)


def test_kinds_of_cores_are_counted(tmp_path: Path) -> None:
    parts = ["0xd05", "0xd05", "0xd41", "0xd44"]
    cpuinfo = "".join(
        arm_processor(number, part, "asimddp i8mm sve") for number, part in enumerate(parts)
    )
    found = facts(write_tree(tmp_path, {"proc/cpuinfo": cpuinfo}))
    assert found.cpu == "2 × Cortex-A55 + 1 × Cortex-A78 + 1 × Cortex-X1"
    assert (found.dot_product, found.i8mm, found.sve) == (True, True, True)


def test_a_core_of_another_company_keeps_its_numbers(tmp_path: Path) -> None:
    cpuinfo = arm_processor(0, "0xd08", "asimd", implementer="0x51")
    found = facts(write_tree(tmp_path, {"proc/cpuinfo": cpuinfo}))
    assert found.cpu == "CPU implementer 0x51 part 0xd08"


def test_processors_that_share_a_core_count_once(tmp_path: Path) -> None:
    cpuinfo = "".join(
        f"processor\t: {number}\nmodel name\t: Some CPU\nflags\t: avx2 avx_vnni\n"
        f"physical id\t: 0\ncore id\t: {number // 2}\n\n"
        for number in range(4)
    )
    found = facts(write_tree(tmp_path, {"proc/cpuinfo": cpuinfo}))
    assert (found.cpu, found.cores, found.dot_product) == ("Some CPU", 2, True)


def test_the_hottest_sensor_of_the_processor_counts(tmp_path: Path) -> None:
    zones = {"battery": "30000", "cpu-0-0-usr": "50000", "cpu_1_0": "55000", "soc": "99000"}
    files = {}
    for number, (kind, temperature) in enumerate(zones.items()):
        files[f"sys/class/thermal/thermal_zone{number}/type"] = kind
        files[f"sys/class/thermal/thermal_zone{number}/temp"] = temperature
    assert facts(write_tree(tmp_path, files)).temperature_celsius == 55


def test_an_empty_tree_tells_nothing(tmp_path: Path) -> None:
    found = facts(tmp_path)
    assert (found.board, found.cpu, found.cores) == (None, None, None)
    assert (found.dot_product, found.i8mm, found.sve) == (None, None, None)
    assert found.temperature_celsius is None
    assert found.throttling is None
    assert found.memory_bytes is None


def test_files_without_sense_tell_nothing(tmp_path: Path) -> None:
    files = {
        "proc/cpuinfo": "processor\t: zero\n\n:::\n",
        "proc/meminfo": "MemTotal: many kB\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "<unknown>",
        "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
        "sys/class/thermal/thermal_zone0/temp": "warm",
        "sys/devices/platform/soc/soc:firmware/get_throttled": "no",
    }
    found = facts(write_tree(tmp_path, files))
    assert (found.cpu, found.memory_bytes, found.frequency_mhz) == (None, None, None)
    assert (found.temperature_celsius, found.throttling) == (None, None)


def test_this_machine() -> None:
    found = facts()
    assert found.architecture == platform.machine()
    assert found.python == platform.python_version()
    assert found.python_bits == (64 if sys.maxsize > 2**32 else 32)
    assert found.available_processors >= 1
    assert found.libraries["numpy"] == numpy.__version__


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_this_machine_on_linux() -> None:
    found = facts()
    assert found.memory_bytes is not None
    assert found.available_memory_bytes is not None
    assert 0 < found.available_memory_bytes < found.memory_bytes
    assert found.cores is not None
    assert found.cores >= 1
    assert found.kernel == platform.release()
