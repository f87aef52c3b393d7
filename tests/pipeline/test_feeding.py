"""The feed is noted while records are applied."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import clan
from crossfade.journal import dirty, journal
from crossfade.model.events import ignore
from crossfade.model.keys import Listed
from crossfade.model.positions import Position
from crossfade.move import Move
from crossfade.pipeline.feeding import _note_batch
from crossfade.pipeline.threads import Following
from crossfade.project import load_project
from crossfade.runtime.session import close_own_sessions, session
from crossfade.stores.contract import ChangeBatch
from crossfade.stores.memory.database import forget
from scratch import PostgresScratch

GROUPS, PEOPLE = tuple(map(clan.key, "ab")), tuple(map(clan.key, (1, 2)))


@pytest.fixture
def move(tmp_path: Path, pg_db: PostgresScratch) -> Iterator[Move]:
    url = f"memory://{pg_db.name}"
    clan.surveyed(clan.project(tmp_path / "p", url, pg_db.url, clan.POSTGRESQL), url)
    with Move(load_project(tmp_path / "p")) as opened:
        opened.copy()
        yield opened
    forget(url)


def is_waiting(pg: PostgresScratch) -> bool:
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(pg.execute(asked) == [(1,)])


def test_it_does_not_wait_for_records_of_one_that_waits_for_its_own(move: Move, pg_db: PostgresScratch) -> None:
    """Which of the two had come first would be ended by the server, after a second."""
    work, failures = move.context.work, list[BaseException]()
    following = Following(work, "feed", ("groups", "people"), ignore, is_applying=True)
    batch = ChangeBatch(Position("2"), (Listed("groups", GROUPS), Listed("people", PEOPLE)))

    def note() -> None:
        try:
            _note_batch(session(work), following, batch)
        except BaseException as error:
            failures.append(error)
        finally:
            close_own_sessions()

    thread = threading.Thread(target=note)
    with session(work).transaction() as tx:
        journal.lock_move(tx)
        dirty.put(tx, "people", PEOPLE[:1])
        thread.start()
        end = time.monotonic() + 30
        while not is_waiting(pg_db):
            assert time.monotonic() < end
            time.sleep(0.01)
        dirty.put(tx, "groups", GROUPS)
    thread.join()
    assert failures == []
    with session(work).transaction() as tx:
        found = {(one.entity, one.key) for one in dirty.all_dirty(tx)}
    assert found == {("groups", key) for key in GROUPS} | {("people", key) for key in PEOPLE}
