"""The database refuses the writes of applications, while they write all the time. `gaps.py` has the marks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from fences import Fenceable, Refusal
from gaps import never
from kinds import Target, keys, made

from crossfade.errors import Busy
from crossfade.stores.contract import Replaced, need
from crossfade.stores.sqlite import fence

Fenced = Callable[[], Fenceable]

PATIENT = 120
"""Seconds that nobody takes who is not kept waiting."""
ONE = "one write at a time: an application has no transactions"


def test_nothing_is_missing(fenced: Fenced) -> None:
    """`check` finds nothing wrong with a database that can be closed, and changes nothing"""
    it = fenced()
    assert list(it.fence.check()) == []
    assert not it.fence.state().closed
    assert it.writes()


def test_no_write_after_close(fenced: Fenced) -> None:
    """When `close` has returned, no write is acknowledged any more, and every acknowledged write is there"""
    it = fenced()
    it.fence.take_over(1)
    with it.writers():
        it.wait_for(it.acknowledged)
        it.fence.close(1, seconds=PATIENT)
        closed, there = time.monotonic(), it.there()
        it.wait_for(it.refused)
    late = {number for number, begun in it.acknowledged.items() if begun > closed}
    assert not late
    assert it.there() == there
    assert it.acknowledged.keys() <= there
    assert it.refused.keys().isdisjoint(there)


def test_reads_go_on(fenced: Fenced) -> None:
    """Applications read while it is closed"""
    it = fenced()
    assert it.writes()
    it.fence.take_over(1)
    it.fence.close(1, seconds=PATIENT)
    assert it.there() == {1}


@never("memory", reason=ONE)
def test_open_transactions_end_first(fenced: Fenced) -> None:
    """A transaction that wrote before is awaited: what it commits is there when `close` returns"""
    it = fenced()
    it.fence.take_over(1)
    with it.session() as session:
        session.begin()
        session.insert(7)
        closing = threading.Thread(target=it.fence.close, args=(1,), kwargs={"seconds": PATIENT})
        closing.start()
        time.sleep(0.6)
        assert closing.is_alive()
        session.commit()
        closing.join(120)
    assert it.fence.state().closed
    assert it.there() == {7}


@never("memory", reason=ONE)
def test_a_transaction_that_has_only_read(fenced: Fenced) -> None:
    """A transaction that began before and writes later is refused then, or awaited"""
    it = fenced()
    assert it.writes()
    it.fence.take_over(1)
    with it.session() as session:
        session.begin_reading()
        try:
            it.fence.close(1, seconds=1)
        except Busy:
            assert not it.fence.state().closed
        else:
            with pytest.raises(Refusal):
                session.insert(9)
    assert 9 not in it.there()


@never("memory", reason=ONE)
def test_a_close_that_takes_too_long(fenced: Fenced) -> None:
    """If transactions do not end in time, `close` fails and the database is as before"""
    it = fenced()
    it.fence.take_over(1)
    with it.session() as session:
        session.begin()
        session.insert(7)
        begun = time.monotonic()
        with pytest.raises(Busy):
            it.fence.close(1, seconds=1)
        assert time.monotonic() - begun < 60
        assert not it.another().state().closed if not _is_file(it) else True
        session.commit()
    assert not it.fence.state().closed
    assert it.writes()


def _is_file(it: Fenceable) -> bool:
    return it.store.traits.is_file


def test_opened_again(fenced: Fenced) -> None:
    """`open` lets applications write again; twice is harmless, and closing it again works"""
    it = fenced()
    it.fence.take_over(1)
    for _ in range(2):
        it.fence.close(1, seconds=PATIENT)
        assert not it.writes()
        it.fence.open(1)
        it.fence.open(1)
        assert it.writes()


def test_an_older_controller_has_no_effect(fenced: Fenced) -> None:
    """After a take-over the commands of an older controller are refused, and so is its own take-over"""
    it = fenced()
    later = it.another()
    it.fence.take_over(1)
    it.fence.close(1, seconds=PATIENT)
    later.take_over(2)
    with pytest.raises(Replaced):
        it.fence.open(1)
    with pytest.raises(Replaced):
        it.fence.take_over(1)
    assert later.state().closed
    later.open(2)
    with pytest.raises(Replaced):
        it.fence.close(1, seconds=PATIENT)
    assert it.writes()


def test_nobody_has_taken_over(fenced: Fenced) -> None:
    """Without a take-over nothing is closed"""
    it = fenced()
    with pytest.raises(Replaced):
        it.fence.close(1, seconds=5)
    assert it.writes()


@never("memory", reason=ONE)
@never("sqlite", reason="a command that waits for the file has no effect before it has the file")
def test_a_command_that_waits_is_ended(fenced: Fenced, monkeypatch: pytest.MonkeyPatch) -> None:
    """A take-over ends what an older controller waits for"""
    monkeypatch.setattr(fence, "PATIENCE", 1.0)  # of a file
    it = fenced()
    later = it.another()
    it.fence.take_over(1)
    failed: list[BaseException] = []

    def close() -> None:
        try:
            it.fence.close(1, seconds=PATIENT)
        except BaseException as error:
            failed.append(error)

    with it.session() as session:
        session.begin()
        session.insert(7)
        closing = threading.Thread(target=close)
        closing.start()
        time.sleep(0.5)
        later.take_over(2)
        closing.join(120)
        assert not closing.is_alive()
        session.commit()
    assert failed
    assert not later.state().closed
    assert it.writes()


def test_its_state_is_the_databases_own(fenced: Fenced) -> None:
    """The state is read from the database: another process sees it, with the token, and can open it"""
    it = fenced()
    it.fence.take_over(4)
    it.fence.close(4, seconds=PATIENT)
    another = it.another()
    state = another.state()
    assert (state.closed, state.token, state.passes) == (True, 4, ())
    another.take_over(5)
    another.open(5)
    assert not it.fence.state().closed
    assert it.writes()


@never("mongodb", reason="blocking writes is no part of a transaction")
def test_it_opens_with_a_transaction(fenced: Fenced) -> None:
    """It opens if the transaction is committed, and not before"""
    it = fenced()
    writer = need(it.store.writer, it.store, "be written to")
    it.fence.take_over(1)
    it.fence.close(1, seconds=PATIENT)
    with pytest.raises(ZeroDivisionError), writer.transaction() as tx:  # noqa: PT012
        it.fence.open_within(tx, 1)
        raise ZeroDivisionError
    assert it.another().state().closed
    assert not it.writes()
    with pytest.raises(Exception), writer.transaction() as tx:  # noqa: B017, PT011
        it.fence.open_within(tx, 0)
    assert not it.writes()
    with writer.transaction() as tx:
        it.fence.open_within(tx, 1)
    assert it.writes()


def test_closed_for_good(fenced: Fenced) -> None:
    """What is closed for good stays closed, and no token opens it"""
    it = fenced()
    it.fence.take_over(1)
    it.fence.close(1, seconds=PATIENT)
    it.fence.close_for_good(1)
    assert it.another().state().closed
    with pytest.raises(Replaced):
        it.fence.open(1)
    assert not it.writes()


def test_nothing_is_left(fenced: Fenced) -> None:
    """`remove` opens it and removes what was made; twice, or without anything, is harmless"""
    it = fenced()
    it.fence.remove()
    it.fence.take_over(3)
    it.fence.close(3, seconds=PATIENT)
    it.fence.remove()
    it.fence.remove()
    assert it.writes()
    state = it.fence.state()
    assert (state.closed, state.token) == (False, 0)


def test_the_fence_of_another_is_not_removed(fenced: Fenced) -> None:
    """`remove` with a token leaves the fence of a controller that has taken over since"""
    it = fenced()
    it.fence.take_over(1)
    later = it.another()
    later.take_over(2)
    later.close(2, seconds=20)
    with pytest.raises(Replaced):
        it.fence.remove(1)
    assert (later.state().closed, later.state().token) == (True, 2)
    assert not it.writes()
    later.remove(2)
    assert it.writes()
    with pytest.raises(Replaced):
        it.fence.remove(2)
    it.fence.remove(0)


@never("mongodb", reason="it exempts a login, and the server of the tests has no logins")
def test_what_crossfade_writes_passes(target: Target) -> None:
    """What is written into a target passes, and the target looks as it did before"""
    assert target.store.traits.transactional_ddl  # all tests share the server of documents: none closes it here
    table = target.table("CREATE TABLE items (id integer PRIMARY KEY, name text);")
    before = target.ddl.describe()
    closing = need(target.store.fence, target.store, "refuse writes")
    closing.take_over(1)
    closing.close(1, seconds=PATIENT)
    assert closing.state().passes == ()
    target.load(table, (1, "a"), (2, "b"))
    with target.writer.transaction() as tx:
        tx.update(table, made(table, (1, "c")))
        tx.delete(table, keys(table, (2,)))
    assert target.rows(table) == [(1, "c")]
    assert closing.state().closed
    if not target.store.traits.is_file:
        assert not target.row_reader.has_insert_trigger(table)
        assert target.ddl.describe() == before
    closing.remove()
    assert target.ddl.describe() == before
