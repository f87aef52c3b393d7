"""Time stands still for the code that is stepped: what it does once in some seconds would be steps of their own, and
which order they belong to would be for the speed of the machine to say.
"""

from __future__ import annotations

import math

import pytest

from crossfade.pipeline import follow
from crossfade.verify import follower


@pytest.fixture(autouse=True)
def _timeless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "TOLD_EVERY", math.inf)
    monkeypatch.setattr(follower, "_TOLD", math.inf)
