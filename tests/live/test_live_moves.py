"""Moves of a source that is written to all the time: copied, followed, disturbed, and held against the oracle.

The short ones share the suite's servers; the long ones have servers of their own, which are restarted too. `python
tests/live/run_seeds.py PAIR --seeds 1-200` runs as many as one wants, and says how to repeat one that fails.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import faults
import pytest
from ground import Ground, ground, servers
from live_run import Load, one_run

SHORT = Load(seconds=6, rate=250, people=150, faults=faults.ON_SHARED_SERVERS, often=0.4)
SHORTEST = Load(
    seconds=2, rate=60, people=30, workers=1, faults=("kill_all", "cut_source", "cut_target"), often=0.8, in_copy=1
)
PAIRS = {"mongodb-postgresql": 200, "postgresql-postgresql": 50, "postgresql-mongodb": 50}
"""The pair -> how many long runs it has."""
PLACES = 4
"""Into how many tests these are divided."""


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Iterator[Ground]:
    urls = [request.getfixturevalue(f"{kind}_url") for kind in request.param.split("-")]
    with ground(urls, "cf_" + secrets.token_hex(4)) as made:
        yield made


@pytest.mark.parametrize("place", PAIRS, indirect=True)
def test_a_short_live_move(place: Ground, tmp_path: Path) -> None:
    """What happens is decided by the seed; when it happens, by the machine."""
    result = one_run(place, tmp_path / "p", 1, SHORTEST)
    assert result.problems == []
    assert result.written > 30
    assert any(kind != "|" for kind in result.happened.split())


@pytest.mark.torture
@pytest.mark.parametrize("place", PAIRS, indirect=True)
def test_a_live_move(place: Ground, tmp_path: Path) -> None:
    seed = secrets.randbits(24)
    print(f"seed {seed}")
    result = one_run(place, tmp_path / "p", seed, SHORT)
    assert result.problems == []


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PLACES))
@pytest.mark.parametrize("pair", PAIRS)
def test_many_live_moves(pair: str, part: int, tmp_path: Path) -> None:
    with servers(pair, tmp_path) as running:
        for seed in range(1 + part, PAIRS[pair] + 1, PLACES):
            with ground(running, f"live{seed}") as place:
                result = one_run(place, tmp_path / str(seed), seed, Load())
                assert result.problems == [], f"seed {seed}: {result.happened}"
