"""Workers here load what they need themselves, as those of a library's caller do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crossfade.runtime.processes import are_forked, fork_workers


@pytest.fixture(autouse=True)
def _spawned() -> Iterator[None]:
    before = are_forked()
    fork_workers(False)
    yield
    fork_workers(before)
