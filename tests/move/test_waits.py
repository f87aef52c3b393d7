"""Sessions that block a run are named, and the statement suggested to end a run ends all of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import psycopg
import pytest

from crossfade.cli.notices import notice_of
from crossfade.errors import Busy, Unreachable
from crossfade.journal.causes import ALL_OPEN
from crossfade.model.events import Event, LockAwaited
from crossfade.move import Move, target_ownership, watching
from crossfade.runtime.session import Session
from crossfade.stores import patience
from crossfade.stores.postgresql.session.lock import end_all
from outcome import Shop, open_move
from scratch import PostgresScratch
from target_sql import sql


def test_a_stranger_who_holds_a_lock_is_named(
    filled_shop: Shop, pg_db: PostgresScratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SECONDS", 0.3)
    told: list[LockAwaited] = []
    with (
        open_move(filled_shop.folder, filled_shop.source, pg_db.url) as move,
        psycopg.connect(pg_db.url, application_name="a stranger") as stranger,
    ):
        move.apply_schema()
        stranger.execute("LOCK TABLE crossfade.move")

        def listen(event: object) -> None:
            if isinstance(event, LockAwaited):
                told.append(event)
                stranger.rollback()

        move.copy(listen)
        pid = stranger.info.backend_pid
    blocker = told[0].blockers[0]
    assert (blocker.pid, blocker.application, blocker.state) == (pid, "a stranger", "idle in transaction")
    assert blocker.query == "LOCK TABLE crossfade.move"
    notice = notice_of(told[0]) or ""
    assert f"process {pid} (a stranger, user postgres, query began {blocker.query_start} UTC" in notice


@pytest.mark.parametrize(
    "act",
    [Move.status, Move.causes, Move.plan_reset, Move.reset, Move.restart, lambda move: move.discard_all(ALL_OPEN, "x")],
)
def test_what_shows_no_progress_names_the_stranger_too(
    filled_shop: Shop, pg_db: PostgresScratch, monkeypatch: pytest.MonkeyPatch, act: Callable[[Move], object]
) -> None:
    monkeypatch.setattr(watching, "SECONDS", 0.3)
    told: list[LockAwaited] = []
    with (
        open_move(filled_shop.folder, filled_shop.source, pg_db.url) as move,
        psycopg.connect(pg_db.url) as stranger,
    ):
        move.apply_schema()
        stranger.execute("LOCK TABLE crossfade.move, crossfade.quarantine, crossfade.chunk")

        def listen(event: Event) -> None:
            if isinstance(event, LockAwaited):
                told.append(event)
                stranger.rollback()

        move.context.listen = listen
        act(move)
        assert told[0].blockers[0].pid == stranger.info.backend_pid


def test_the_advice_ends_every_session_of_a_run(
    filled_shop: Shop, pg_db: PostgresScratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        open_move(filled_shop.folder, filled_shop.source, pg_db.url) as first,
        open_move(filled_shop.folder, filled_shop.source, pg_db.url) as second,
    ):
        first.apply_schema()
        worker = Session(first.context.work)
        with pytest.raises(Unreachable):
            _ended_while_at_work(first, worker, second, pg_db, monkeypatch)
        worker.close()


def _ended_while_at_work(
    first: Move, worker: Session, second: Move, database: PostgresScratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with target_ownership.locked(first.context), worker.transaction() as tx:
        _end_as_advised(second, database, monkeypatch)
        second.apply_schema()  # waits for nobody; but the server needs a moment to end sessions
        sql(tx, "SELECT 1")


def _end_as_advised(second: Move, database: PostgresScratch, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as impatient:
        impatient.setattr(patience, "SECONDS", 0.3)
        with pytest.raises(Busy) as caught:
            second.copy()
    advice = re.search(r"SELECT pg_terminate_backend.*", caught.value.hint or "")
    assert advice is not None
    assert len(database.execute(advice[0])) >= 2


def test_the_advice_quotes_a_name_that_another_has_chosen() -> None:
    assert "application_name = 'crossfade-a'' OR true --' AND" in end_all("crossfade-a' OR true --", 1)
