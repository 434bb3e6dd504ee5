"""The versions of gradle/libs.versions.toml: one place for builds with Gradle and without."""

from __future__ import annotations

import re
from pathlib import Path

_CATALOG = Path(__file__).parent.parent / "gradle" / "libs.versions.toml"


def versions() -> dict[str, str]:
    """Name → version."""
    return dict(re.findall(r'^(\w+) = "([^"]+)"$', _CATALOG.read_text(), re.MULTILINE))
