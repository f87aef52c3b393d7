"""Cutovers and rollbacks that are disturbed, on servers of their own: a hundred moves out of MongoDB, fifty out of
PostgreSQL. `python tests/live/run_switches.py PAIR --seeds 1-100` runs as many as one wants.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from run_switches import one, servers

SEEDS = {"mongodb-postgresql": 100, "postgresql-postgresql": 50}
PLACES = 4
"""Into how many tests these are divided."""


@pytest.mark.torture
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(PLACES))
@pytest.mark.parametrize("pair", SEEDS)
def test_cut_over_and_rolled_back(pair: str, part: int, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with servers(pair, tmp_path) as urls:
        for seed in range(part, SEEDS[pair], PLACES):
            result = one(urls, tmp_path / str(seed), seed)
            assert result.problems == [], f"seed {seed}: {result.happened}"
