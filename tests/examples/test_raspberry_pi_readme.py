"""The example's README shows the measured figures, and installs what install.sh installs."""

from __future__ import annotations

import json
import re
import sys

import environments
from device_service import EXAMPLE

sys.path.insert(0, str(environments.ROOT / "benchmarks"))
import raspberry_pi

README = (EXAMPLE / "README.md").read_text(encoding="utf-8")


def test_the_table_is_the_measured_one() -> None:
    measured = json.loads(raspberry_pi.FIGURES.read_text(encoding="utf-8"))
    assert set(measured) == {"x86-64", "arm64", "armhf"}
    assert raspberry_pi.section(measured) in README


def test_both_install_the_same_packages() -> None:
    """First on 64-bit systems, then on 32-bit ones."""
    script = (EXAMPLE / "install.sh").read_text(encoding="utf-8").replace("\\\n", " ")
    commands = re.compile(r"""pip"? install (?:--only-binary=:all: )?(.*)""")

    def installed(text: str) -> list[str]:
        bare = re.sub(r"""["']""", "", re.sub(r"\\\n\s*", "", text))
        return [re.sub(r"\S+?\.whl|\$wheel", "WHEEL", each) for each in commands.findall(bare)]

    script = (EXAMPLE / "install.sh").read_text(encoding="utf-8")
    assert installed(README) == installed(script)[:2]
    assert len(installed(README)) == 2
