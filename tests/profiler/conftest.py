from __future__ import annotations

from pathlib import Path

import profiles
import pytest

from edgebert.profiler.profile import Profile


@pytest.fixture(scope="session")
def profile(bundle: Path) -> Profile:
    """What this machine really measured."""
    return profiles.measured(bundle)


@pytest.fixture(scope="session")
def full_profile(profile: Profile) -> Profile:
    """The same with what is rare put in: see profiles.py."""
    return profiles.with_everything(profile)
