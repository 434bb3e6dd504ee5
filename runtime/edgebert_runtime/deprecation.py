"""How something public is announced to go. The policy is docs/stability.md."""

from __future__ import annotations

import warnings


class EdgeBertDeprecationWarning(DeprecationWarning):
    """Something of EdgeBERT that still works and will go; the message says what to use instead."""


def warn_deprecated(what: str, *, since: str, gone_in: str, instead: str) -> None:
    """Warn the caller of whoever calls this, in one line.

    Args:
        what: the public name, argument, command or option.
        since: version that announces it.
        gone_in: first version without it.
        instead: what to use from now on.
    """
    warnings.warn(
        f"{what} is deprecated since edgebert {since} and will be gone in {gone_in}; use {instead}",
        EdgeBertDeprecationWarning,
        stacklevel=3,
    )
