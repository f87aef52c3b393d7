"""One run at a time writes to a target: others are refused, and work left by a killed run is waited for."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest

from crossfade.errors import Busy
from crossfade.move import Move, target_ownership
from crossfade.runtime.session import Session
from crossfade.stores import patience
from crossfade.stores.postgresql.target import PostgresWriter
from following import wait_for
from outcome import Outcome, Shop, finish, open_move
from scratch import PostgresScratch
from target_sql import sql
from victim import Victim, all_gone

NewTarget = Callable[[], PostgresScratch]


@pytest.fixture(params=["postgresql", "sqlite"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'target.db'}"
    database: PostgresScratch = request.getfixturevalue("pg_db")
    return database.url


@pytest.fixture
def plain_shop(shop_copy: Shop) -> Shop:
    """With a schema that SQLite takes, too."""
    file = shop_copy.folder / "schema.sql"
    file.write_text(file.read_text().replace("UNIQUE NULLS NOT DISTINCT", "UNIQUE"))
    return shop_copy


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SECONDS", 0.3)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "what", [Move.apply_schema, Move.copy, Move.restart, Move.retry, lambda m: m.discard([], "so")]
)
def test_who_comes_second_is_refused(filled_shop: Shop, pg_db: PostgresScratch, what: Callable[[Move], object]) -> None:
    with (
        open_move(filled_shop.folder, filled_shop.source, pg_db.url) as first,
        open_move(filled_shop.folder, filled_shop.source, pg_db.url) as second,
        target_ownership.locked(first.context),
        pytest.raises(
            Busy, match=r"another run of crossfade is working in .* \(its connection: process \d+ of"
        ) as said,
    ):
        what(second)
    assert str(said.value.hint).startswith("wait until it ends; or end it: SELECT pg_terminate_backend(")
    with psycopg.connect(pg_db.url) as connection:
        assert connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'crossfade'").fetchall() == []


@pytest.mark.usefixtures("impatient")
def test_who_comes_second_gets_in_when_the_first_is_done(plain_shop: Shop, target: str) -> None:
    with (
        open_move(plain_shop.folder, plain_shop.source, target) as first,
        open_move(plain_shop.folder, plain_shop.source, target) as second,
    ):
        with target_ownership.locked(first.context), pytest.raises(Busy, match="another run of crossfade is working"):
            second.apply_schema()
        with pytest.raises(ZeroDivisionError), target_ownership.locked(first.context):
            _ = 1 / 0
        assert second.apply_schema() > 0
        assert first.apply_schema() == 0


@pytest.mark.usefixtures("impatient")
def test_a_link_to_the_file_is_the_file(plain_shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to("target.db")
    with (
        open_move(plain_shop.folder, plain_shop.source, f"sqlite:///{tmp_path / 'target.db'}") as first,
        open_move(plain_shop.folder, plain_shop.source, f"sqlite:///{tmp_path / 'link.db'}") as second,
    ):
        with (
            target_ownership.locked(first.context),
            pytest.raises(Busy, match=rf"link.db \(process {os.getpid()}\); nothing was written"),
        ):
            second.apply_schema()
        assert not list(tmp_path.glob("*-crossfade"))


def test_what_another_has_at_work_is_waited_for_and_then_shut_out(plain_shop: Shop, target: str) -> None:
    went_on: list[float] = []

    def take_over() -> None:
        with open_move(plain_shop.folder, plain_shop.source, target) as second:
            second.apply_schema()
            went_on.append(time.monotonic())

    with open_move(plain_shop.folder, plain_shop.source, target) as first:
        first.apply_schema()
        worker = Session(first.context.work)  # it outlives its run
        with worker.transaction() as tx:
            taking = threading.Thread(target=take_over)
            taking.start()
            time.sleep(0.5)
            assert not went_on
            sql(tx, "UPDATE {crossfade}move SET stage = stage")
        taking.join()
        assert went_on
        with pytest.raises(Busy, match="another run of crossfade has taken over this target"), worker.transaction():
            raise AssertionError("it was let in")
        worker.close()


def test_two_at_once(filled_shop: Shop, undisturbed: Outcome, new_target: NewTarget) -> None:
    target = new_target().url
    with (
        Victim(filled_shop.folder, filled_shop.source, target, 2, forked=True) as first,
        Victim(filled_shop.folder, filled_shop.source, target, 2, forked=True) as second,
    ):
        ends = [first.wait(), second.wait()]
    busy = [v for v, (status, _) in zip((first, second), ends, strict=True) if status and "Busy" in v.events[-1]]
    assert len(busy) < 2
    assert [said for _, said in ends] == ["", ""]
    assert sum(status for status, _ in ends) == len(busy)
    finish(filled_shop, target, undisturbed)


SLOW = """
CREATE SEQUENCE crossfade.turn;
CREATE FUNCTION crossfade.slow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF nextval('crossfade.turn') = 1 THEN PERFORM pg_sleep(3); END IF; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER slow AFTER {event} ON crossfade.{table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
EXECUTE FUNCTION crossfade.slow();
"""
COMMITTING = """
SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query = 'COMMIT' AND wait_event = 'PgSleep'"""


@pytest.mark.parametrize(("event", "table"), [("UPDATE", "move"), ("INSERT", "clearing")])
def test_a_commit_that_takes_its_time(
    filled_shop: Shop, undisturbed: Outcome, new_target: NewTarget, event: str, table: str
) -> None:
    """Killed while the server commits: the next run does not read what is about to change."""
    target = new_target().url
    with open_move(filled_shop.folder, filled_shop.source, target) as move:
        move.apply_schema()
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute(SLOW.format(event=event, table=table))
        with Victim(filled_shop.folder, filled_shop.source, target, 2, forked=True) as victim:
            wait_for(lambda: connection.execute(COMMITTING).fetchall())
            assert all_gone(victim.strike(signal.SIGKILL, whole_group=True))
    finish(filled_shop, target, undisturbed)


def test_a_new_connection_without_the_lock_is_not_used(pg_db: PostgresScratch, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        closing(PostgresWriter(pg_db.url)) as first,
        closing(PostgresWriter(pg_db.url)) as second,
        ExitStack() as stack,
    ):
        with first.lock():
            with first.transaction() as tx:
                ((pid,),) = sql(tx, "SELECT pg_backend_pid()")
            pg_db.execute("SELECT pg_terminate_backend(%s)", [pid])
            stack.enter_context(second.lock())
            monkeypatch.setattr(patience, "SECONDS", 0.3)
            for _ in range(2):
                with pytest.raises(Busy), first.transaction():
                    raise AssertionError("it was let in")
        with second.transaction() as tx:
            assert sql(tx, "SELECT 1") == [(1,)]
