"""Who is in quarantine at the end: of the records that can be in, the one with the least key keeps a value.

Regions <- customers <- orders <- lines, each with a value that no two may have. Whoever lacks a parent stays out, and
frees its value for the next; that one's children come in, and take values from others.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import shop
from crossfade.journal import journal
from crossfade.move import Move
from crossfade.stores.memory.database import forget
from outcome import open_move
from scratch import PostgresScratch

LEVELS = ("a_regions", "b_customers", "c_orders", "d_lines")
SCHEMA = "CREATE TABLE a_regions (id int PRIMARY KEY, code text UNIQUE);" + "".join(
    f"CREATE TABLE {own} (id int PRIMARY KEY, code text UNIQUE, up int NOT NULL REFERENCES {up} (id));"
    for up, own in pairwise(LEVELS)
)
MAPPING = {LEVELS[0]: f"SELECT r._id AS id, r.code AS code FROM {LEVELS[0]} AS r"} | {
    own: f"SELECT r._id AS id, r.code AS code, r.up AS up FROM {own} AS r" for own in LEVELS[1:]
}
WIDTH = 100
"""Keys of a world: what happens in one has no bearing on another, so that many are tried with one copy."""

World = list[list[tuple[str | None, int]]]
"""For each level the records in the order of their keys: the code, and the number of the parent."""
HELD_BY_NULL: World = [
    [("y", 1), (None, 3), ("y", 3)],
    [("x", 0), ("y", 2), (None, 3), (None, 1), (None, 4)],
    [("x", 2), (None, 1), ("x", 0)],
    [("x", 3), (None, 2), ("x", 2), (None, 2), ("x", 0)],
]
"""Two rows without a code lose their parent, and it comes back."""
CODES = st.sampled_from([None, "x", "y"])
WORLD: st.SearchStrategy[World] = st.tuples(
    *(st.lists(st.tuples(CODES, st.integers(0, 4)), min_size=1, max_size=5) for _ in LEVELS)
).map(list)


def expected(world: World) -> list[set[int]]:
    """The keys that come in, level by level: parents first, and then by key."""
    out: list[set[int]] = []
    for level in world:
        taken, inside = set[str](), set[int]()
        for key, (code, up) in enumerate(level):
            if (not out or up in out[-1]) and code not in taken:
                inside.add(key)
                taken |= {code} if code is not None else set()
        out.append(inside)
    return out


def documents(worlds: list[World]) -> dict[str, list[dict[str, Any]]]:
    out: dict[str, list[dict[str, Any]]] = {name: [] for name in LEVELS}
    for number, world in enumerate(worlds):
        base = number * WIDTH
        for name, level in zip(LEVELS, world, strict=True):
            for key, (code, up) in enumerate(level):
                record = {"_id": base + key, "code": code and f"{code}{number}", "pad": "." * 300}
                out[name].append(record if name == LEVELS[0] else {**record, "up": base + up})
    return {name: records[::-1] for name, records in out.items()}  # a dump is read from its beginning


def copied(worlds: list[World], target: str, chunk_mb: float, stop_at: int) -> dict[str, set[int]]:
    """The keys that came in, by table. `stop_at`: the call of the journal at which a first run ends."""
    with tempfile.TemporaryDirectory() as folder:
        source = shop.dump(Path(folder) / "dump", documents(worlds))  # type: ignore[arg-type]
        more = "".join(f'[[discard]]\nentity = "{n}"\npath = "pad"\nreason = "it is long"\n' for n in LEVELS)
        root = shop.small_project(Path(folder) / "p", SCHEMA, MAPPING, chunk_mb=chunk_mb, more=more)
        with open_move(root, source, target) as move:
            move.survey()
            stopped(move, stop_at)
            status = move.copy()
            assert all(e.balanced for e in status.entities)
            found = {name: keys_in(move, name) for name in LEVELS}
            assert {r.outcome for r in move.retry()} <= {"quarantined"}
            return found


def keys_in(move: Move, name: str) -> set[int]:
    table, reader = move.schema.table(name), move.target.row_reader
    assert table is not None
    assert reader is not None
    return {key for batch in reader.scan(table, ["id"]) for key in batch.column("id").to_pylist()}


def stopped(move: Move, stop_at: int) -> None:
    if not stop_at:
        return
    left = iter(range(stop_at))
    shift = journal.shift_counts

    def stop(*args: Any, **kwargs: Any) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        shift(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "shift_counts", stop)
        try:
            move.copy()
        except KeyboardInterrupt:
            return


def check(worlds: list[World], target: str, chunk_mb: float, stop_at: int) -> None:
    found = copied(worlds, target, chunk_mb, stop_at)
    for number, world in enumerate(worlds):
        base = number * WIDTH
        mine = [{k - base for k in found[name] if base <= k < base + WIDTH} for name in LEVELS]
        assert mine == expected(world), world


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    worlds=st.lists(WORLD, min_size=10, max_size=30), chunk_mb=st.sampled_from([0.002, 1]), stop_at=st.integers(0, 8)
)
def test_the_least_key_has_the_value(worlds: list[World], chunk_mb: float, stop_at: int) -> None:
    target = f"memory://{secrets.token_hex(6)}"
    check(worlds, target, chunk_mb, stop_at)
    forget(target)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_rows_with_null_come_back_together(new_memory: Callable[[], str], tmp_path: Path, kind: str) -> None:
    check([HELD_BY_NULL], new_memory() if kind == "memory" else f"sqlite:///{tmp_path / 't.db'}", 1, 0)


@pytest.mark.parametrize(("chunk_mb", "stop_at"), [(0.002, 3), (1, 0)])
def test_the_least_key_has_the_value_in_postgresql(pg_db: PostgresScratch, chunk_mb: float, stop_at: int) -> None:
    worlds = st.lists(WORLD, min_size=60, max_size=60)
    check(_drawn(worlds), pg_db.url, chunk_mb, stop_at)


def _drawn(strategy: st.SearchStrategy[list[World]]) -> list[World]:
    found: list[list[World]] = []

    @settings(max_examples=3, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def draw(worlds: list[World]) -> None:
        found.append(worlds)

    draw()
    return found[-1]
