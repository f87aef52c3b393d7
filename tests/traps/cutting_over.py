"""A trap of a cutover: a run follows, everything is verified, and the gates hold but for what the trap is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from crossfade.pipeline import follow, pulse
from cutover_times import PATIENT
from following import Run, wait_for

INSERT = b"INSERT INTO items (name) VALUES ('new') RETURNING id"


@contextmanager
def proven(live: Any) -> Iterator[Any]:
    """Yield a move that can be cut over. The run is ended, if the cutover has not ended it."""
    settings = live.root / "crossfade.toml"
    if "[cutover]" not in settings.read_text():
        settings.write_text(f"{settings.read_text()}\n[cutover]\n{PATIENT}")
    with pytest.MonkeyPatch.context() as patch, live.move() as move:
        patch.setattr(pulse, "SECONDS", 0.1)
        patch.setattr(follow, "IDLE", 0.05)
        run = Run(live.move)
        wait_for(lambda: run.is_over or _lag(move) is not None)
        if run.error is not None:
            raise run.error
        assert move.verify().equal
        wait_for(lambda: _lag(move) is not None)
        try:
            yield move
        finally:
            if move.status().cutover.stage == "source":
                move.stop()
            run.ended()


def _lag(move: Any) -> int | None:
    found = move.following()
    return None if found is None else found.lag_ms


def written(connection: Any) -> int:
    """Return the number of a new row. Raises ReadOnlySqlTransaction if the database is closed."""
    return int(connection.execute(INSERT).fetchone()[0])


def numbers(live: Any) -> set[int]:
    """Return those of the target."""
    return {number for (number,) in live.rows("SELECT id FROM items")}


@contextmanager
def proven_with_way_back(live: Any, patch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Do as `proven`, with a way back; runs go on being quick after it."""
    patch.setattr(pulse, "SECONDS", 0.1)
    with live.move() as move:
        move.survey()
        move.invert()
    with proven(live) as move:
        yield move


@contextmanager
def came_back(live: Any, names: list[tuple[int, str]]) -> Iterator[Run]:
    """A run that follows the target, when the source has these names, and a lag was proven. It is ended."""
    run = Run(live.move)
    with psycopg.connect(live.source, autocommit=True) as old, live.move() as move:
        query = "SELECT id, name FROM items WHERE id = ANY (%s) ORDER BY id"
        wait_for(lambda: run.is_over or old.execute(query, [[n for n, _ in names]]).fetchall() == names)
        wait_for(lambda: run.is_over or _lag(move) is not None)
        if run.error is not None:
            raise run.error
        try:
            yield run
        finally:
            if not run.is_over and move.status().cutover.stage == "target":
                move.stop()
            run.ended()
