"""Tables of the journal that many transactions share, or one has alone; and what a repeated transaction must find."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from crossfade.errors import Busy, CrossfadeError
from crossfade.journal import dirty, journal
from crossfade.journal.dirty import Dirty
from crossfade.stores.contract import Store, TargetTransaction, Writer, need
from crossfade.stores.mongodb import slots
from crossfade.stores.mongodb.store import open_mongodb
from following import wait_for
from scratch import MongoScratch


class Target:
    """A target with a journal, and as many writers as a test wants."""

    def __init__(self, scratch: MongoScratch, opened: ExitStack) -> None:
        self._scratch, self._opened = scratch, opened
        self.db = scratch.db
        store = self._store()
        journal.create(store)
        with self._writer(store).transaction() as tx:
            journal.begin_move(tx, "m", "s", dict.fromkeys(("lock_digest", "schema_digest", "mapping_digest"), ""))
            journal.take_over(tx, "run")

    def writer(self) -> Writer:
        return self._writer(self._store())

    def _store(self) -> Store:
        """By its name the server knows the sessions of this target from those of other tests."""
        return self._opened.enter_context(open_mongodb(f"{self._scratch.url}&appName={self._scratch.name}"))

    def sessions_in_transactions(self) -> list[dict[str, Any]]:
        own = {"appName": self._scratch.name, "transaction": {"$exists": True}}
        running = self.db.client.admin.command({"currentOp": 1, "$all": True, **own})
        return [{"id": op["lsid"]["id"]} for op in running["inprog"] if op.get("lsid")]

    def _writer(self, store: Store) -> Writer:
        return need(store.writer, store, "be written to")


@pytest.fixture
def target(mongo_db: MongoScratch) -> Iterator[Target]:
    with ExitStack() as opened:
        yield Target(mongo_db, opened)


SECONDS = 120.0
MOMENT = 0.5
"""In which somebody who did not wait would have begun, if the machine has time for it."""


class Behind(threading.Thread):
    """Does something in a transaction of its own, and stays in it until it `may_end`."""

    def __init__(self, writer: Writer, act: Any, *, stays: bool = False) -> None:
        super().__init__()
        self._writer, self._act = writer, act
        self.inside, self.may_end = threading.Event(), threading.Event()
        self.entered, self.left = 0.0, 0.0
        if not stays:
            self.may_end.set()
        self.start()

    def run(self) -> None:
        with self._writer.transaction() as tx:
            journal.take_part(tx, "run")
            self._act(tx)
            self.entered = time.monotonic()
            self.inside.set()
            self.may_end.wait(SECONDS)
            self.left = time.monotonic()


def test_any_number_share_at_once(target: Target) -> None:
    several = [Behind(target.writer(), journal.share_move, stays=True) for _ in range(3)]
    for one in several:
        assert one.inside.wait(SECONDS)
    for one in several:
        one.may_end.set()
        one.join()


@pytest.mark.parametrize("first", ["shared", "alone"])
def test_nobody_shares_what_another_has_alone(target: Target, first: str) -> None:
    acts = {"shared": journal.share_move, "alone": journal.lock_move}
    (second,) = acts.keys() - {first}
    one = Behind(target.writer(), acts[first], stays=True)
    assert one.inside.wait(SECONDS)
    other = Behind(target.writer(), acts[second])
    time.sleep(MOMENT)
    one.may_end.set()
    one.join()
    other.join()
    # The later one may have begun, but was repeated: what counts is which is committed with what it has read.
    assert other.left >= one.left


def test_a_writer_that_comes_later_waits_too(target: Target) -> None:
    """Its slot did not exist when the other took all of them."""
    one = Behind(target.writer(), journal.lock_move, stays=True)
    assert one.inside.wait(SECONDS)
    late = Behind(target.writer(), journal.share_move)
    time.sleep(MOMENT)
    one.may_end.set()
    one.join()
    late.join()
    assert late.entered >= one.left


def test_the_one_that_wants_to_be_alone_gets_its_turn(target: Target) -> None:
    stop = threading.Event()
    shared: list[int] = []

    def share(writer: Writer) -> None:
        while not stop.is_set():
            with writer.transaction() as tx:
                journal.take_part(tx, "run")
                journal.share_move(tx)
                time.sleep(0.1)
            shared.append(1)

    threads = [threading.Thread(target=share, args=(target.writer(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: len(shared) > len(threads))
        for _ in range(3):
            alone = Behind(target.writer(), journal.lock_move)
            alone.join(SECONDS)
            assert alone.left
        before = len(shared)
        wait_for(lambda: len(shared) > before)  # the others go on
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_one_that_was_killed_is_not_waited_for(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "_WAITS", 0.5)
    opened = target.writer().transaction()
    tx = opened.__enter__()
    journal.take_part(tx, "run")
    journal.lock_move(tx)
    monkeypatch.setattr(slots.Slots, "release", lambda *_: None)
    error = RuntimeError("killed")
    opened.__exit__(RuntimeError, error, None)
    for act in (journal.share_move, journal.lock_move):
        other = Behind(target.writer(), act)
        other.join(SECONDS)
        assert other.left


def test_who_was_taken_over_writes_nothing(target: Target) -> None:
    """Its slot is gone, and it must not go on without one."""
    late = target.writer()
    with late.transaction() as tx:
        journal.take_part(tx, "run")
    with target.writer().transaction() as tx:
        journal.take_over(tx, "another")

    def put() -> None:
        with late.transaction() as tx:
            journal.take_part(tx, "run")
            dirty.put(tx, "things", ["1"])

    with pytest.raises(CrossfadeError):
        put()
    with pytest.raises(Busy):
        put()
    assert target.db["crossfade.dirty"].count_documents({}) == 0


def _abort(target: Target) -> None:
    """End all transactions on the target, as the server does when its primary steps down."""
    sessions = target.sessions_in_transactions()
    assert sessions
    target.db.client.admin.command("killSessions", sessions)


@pytest.mark.parametrize("keep", [True, False])
def test_a_claim_does_not_hold_in_a_repeated_transaction(target: Target, keep: bool) -> None:
    """It was read and claimed, the transaction ended, the record changed again and was applied by another: the repeated
    one must not write what it read then.
    """
    with target.writer().transaction() as tx:
        (old,) = dirty.put(tx, "things", ["1"])

    def claim_and_write(tx: TargetTransaction, wanted: Dirty, version: int) -> None:
        journal.take_part(tx, "run")
        journal.share_move(tx)
        assert dirty.claim(tx, [wanted], keep=keep) == [wanted]
        dirty.put(tx, "written", [str(version)])

    def one_after_the_other() -> None:
        with target.writer().transaction() as tx:
            claim_and_write(tx, old, 1)
            _abort(target)
            with target.writer().transaction() as other:
                (new,) = dirty.put(other, "things", ["1"])
            with target.writer().transaction() as other:
                claim_and_write(other, new, 2)

    with pytest.raises(CrossfadeError) as caught:
        one_after_the_other()
    assert caught.value.passing
    written = target.db["crossfade.dirty"].find({"entity": "written"})
    assert [one["record_key"] for one in written] == ["2"]


def test_a_number_that_came_meanwhile_is_not_replaced(target: Target) -> None:
    """A record that another one concerns is put in, claimed and read; then the transaction is repeated."""

    def one_after_the_other() -> None:
        with target.writer().transaction() as tx:
            journal.take_part(tx, "run")
            journal.lock_move(tx)
            assert dirty.claim(tx, dirty.put(tx, "things", ["1"]), keep=True)
            _abort(target)
            with target.writer().transaction() as other:
                dirty.put(other, "things", ["1"])
            dirty.put(tx, "written", ["1"])

    with pytest.raises(CrossfadeError) as caught:
        one_after_the_other()
    assert caught.value.passing
    with target.writer().transaction() as tx:
        assert [one.entity for one in dirty.all_dirty(tx)] == ["things"]


def test_a_repeated_transaction_that_finds_the_same_is_committed(target: Target) -> None:
    with target.writer().transaction() as tx:
        (one,) = dirty.put(tx, "things", ["1"])
    with target.writer().transaction() as tx:
        journal.take_part(tx, "run")
        journal.share_move(tx)
        assert dirty.claim(tx, [one]) == [one]
        _abort(target)
        dirty.put(tx, "written", ["1"])
    assert [d["entity"] for d in target.db["crossfade.dirty"].find()] == ["written"]
