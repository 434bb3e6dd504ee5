"""What every test that learns needs."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Small models gain nothing from more, and sums in one order are equal to the last bit."""
    torch.set_num_threads(1)
