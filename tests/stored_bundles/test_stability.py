"""What docs/stability.md and SECURITY.md promise in numbers and names."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import edgebert
import edgebert_runtime
from edgebert_runtime import zip_reading
from edgebert_runtime.deprecation import EdgeBertDeprecationWarning, warn_deprecated

ROOT = Path(edgebert.__file__).parent.parent


def _old_name() -> int:
    warn_deprecated("old_name()", since="1.2", gone_in="2.0", instead="new_name()")
    return 1


def test_a_deprecated_name_warns_where_it_is_called() -> None:
    with pytest.warns(EdgeBertDeprecationWarning) as caught:
        assert _old_name() == 1
    (warning,) = caught
    assert warning.filename == __file__
    assert str(warning.message) == (
        "old_name() is deprecated since edgebert 1.2 and will be gone in 2.0; use new_name()"
    )
    assert issubclass(EdgeBertDeprecationWarning, DeprecationWarning)


def test_nothing_public_is_deprecated_as_it_is_imported() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", EdgeBertDeprecationWarning)
        for module in (edgebert, edgebert_runtime):
            assert all(hasattr(module, name) for name in module.__all__)


def test_bounds_in_the_security_policy() -> None:
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    hostile = (ROOT / "tests" / "hostile" / "test_memory_bounds.py").read_text("utf-8")
    assert "Opening takes at most 96 MiB" in text
    assert "\nOPENING_MIB = 96\n" in hostile
    assert "at most 16 MiB. A file that is held whole" in text.replace("\n  ", " ")
    assert "\nSTREAMING_MIB = 16\n" in hostile
    assert f"at most {zip_reading.MOST_RATIO} times what it takes in the file" in text
