"""Records to apply, the feed and the verifications, in the journal of every target."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import pytest

from crossfade.journal import dirty, feed, halted, journal, looked_up, verified
from crossfade.journal.status import following_of
from crossfade.journal.verified import Proof
from crossfade.model.positions import NO_FLOOR, Floor, Position
from crossfade.stores.contract import Transaction, need
from crossfade.stores.open import open_store


@pytest.fixture(params=["postgresql", "sqlite", "mongodb", "memory"])
def begin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Transaction]:
    url = {"sqlite": f"sqlite:///{tmp_path / 't.db'}", "memory": f"memory://{secrets.token_hex(6)}"}.get(request.param)
    if url is None:
        url = request.getfixturevalue({"postgresql": "pg_db", "mongodb": "mongo_db"}[request.param]).url
    with open_store(url) as store:
        journal.create(store)
        yield need(store.writer, store, "be written to").transaction


def test_a_key_that_is_put_in_again_is_not_claimed_by_who_read_it_before(begin: Transaction) -> None:
    with begin() as tx:
        dirty.put(tx, "users", ["1", "2"])
    with begin() as tx:
        read = dirty.pending(tx, 10)
        dirty.put(tx, "users", ["2"])
    with begin() as tx:
        assert [one.key for one in dirty.claim(tx, read, keep=True)] == ["1"]
    with begin() as tx:
        assert [one.key for one in dirty.pending(tx, 10)] == ["2"]
        assert dirty.count(tx) == {"users": 1}


def test_what_has_waited_longest_comes_first(begin: Transaction) -> None:
    with begin() as tx:
        dirty.put(tx, "users", ["2"])
        dirty.put(tx, "posts", ["3"])
        dirty.put(tx, "users", ["1"])
        assert [one.key for one in dirty.pending(tx, 2)] == ["2", "3"]
        assert [one.key for one in dirty.pending(tx, 2, ["posts"])] == ["2", "1"]


@pytest.mark.parametrize("keep", [True, False])
def test_what_was_applied_is_suspected_once(begin: Transaction, keep: bool) -> None:
    with begin() as tx:
        dirty.claim(tx, dirty.put(tx, "users", ["1", "2"]), keep=keep)
        dirty.put(tx, "users", ["3"])
    with begin() as tx:
        assert verified.take_applied(tx, "m") == (2 if keep else 0)
        assert verified.take_applied(tx, "m") == 0
    with begin() as tx:
        assert verified.suspects(tx) == ([("users", "1", "m"), ("users", "2", "m")] if keep else [])
        assert [one.key for one in dirty.all_dirty(tx)] == ["3"]


def test_an_applied_key_that_changes_is_pending_again(begin: Transaction) -> None:
    with begin() as tx:
        dirty.claim(tx, dirty.put(tx, "users", ["1"]), keep=True)
        dirty.put(tx, "users", ["1"])
        assert verified.take_applied(tx, "m") == 0
        assert [one.key for one in dirty.pending(tx, 10)] == ["1"]


def test_suspects_come_in_pages_until_they_are_cleared(begin: Transaction) -> None:
    with begin() as tx:
        verified.suspect(tx, "a", [("users", "1"), ("users", "2"), ("users", "2"), ("posts", "1")])
    with begin() as tx:
        first = verified.suspects(tx, limit=2)
        rest = verified.suspects(tx, after=first[-1][:2])
        assert first + rest == [("posts", "1", "a"), ("users", "1", "a"), ("users", "2", "a")]
        verified.clear(tx, {("users", "1"): "a", ("posts", "1"): "a"})
        assert verified.suspects(tx) == [("users", "2", "a")]
        verified.clear_all(tx, "a")
        assert verified.suspects(tx) == []


def test_who_has_compared_clears_nothing_that_was_put_in_again(begin: Transaction) -> None:
    with begin() as tx:
        verified.suspect(tx, "a", [("users", "1"), ("users", "2")])
        verified.suspect(tx, "b", [("users", "1")])
        verified.clear(tx, {("users", "1"): "a", ("users", "2"): "a"})
        assert verified.suspects(tx) == [("users", "1", "b")]


def test_what_has_changed_since_it_was_taken(begin: Transaction) -> None:
    """Put in again, applied again, taken by another verification, or cleared by it."""
    every = {("users", str(n)): "a" for n in range(5)}
    with begin() as tx:
        verified.suspect(tx, "a", every)
        dirty.put(tx, "users", ["1"])
        dirty.claim(tx, dirty.put(tx, "users", ["2"]), keep=True)
        verified.suspect(tx, "b", [("users", "3")])
        verified.clear(tx, {("users", "4"): "a"})
    with begin() as tx:
        assert verified.changed(tx, every) == {("users", str(n)) for n in range(1, 5)}
        assert verified.all_changed(tx, every) == {"users": {"1", "2", "3"}}
        assert verified.all_changed(tx, {}, without="a") == {"users": {"1", "2", "3"}}


def test_the_follower_is_awaited_by_number(begin: Transaction) -> None:
    with begin() as tx:
        assert dirty.newest(tx) is None
        one = dirty.put(tx, "users", ["1"])
        dirty.put(tx, "posts", ["1"])
        newest = dirty.newest(tx)
    assert newest is not None
    with begin() as tx:
        later = dirty.put(tx, "users", ["2"])
        assert dirty.is_pending(tx, newest)
        dirty.claim(tx, one, keep=True)
        assert dirty.is_pending(tx, newest)
        assert not dirty.is_pending(tx, newest, without=["posts"])
        assert dirty.newest(tx) == later[0].number


def test_those_who_look_up_are_awaited_by_number(begin: Transaction) -> None:
    with begin() as tx:
        assert looked_up.newest(tx) is None
        looked_up.put(tx, "users", ["1"])
        newest = looked_up.newest(tx)
    assert newest is not None
    with begin() as tx:
        looked_up.put(tx, "users", ["2"])
        assert looked_up.is_pending(tx, newest)
        assert not looked_up.is_pending(tx, newest, without=["users"])
        looked_up.done(tx, looked_up.pending(tx, 1))
        assert not looked_up.is_pending(tx, newest)


def test_the_feed_is_noted_from_its_start(begin: Transaction) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
    with begin() as tx:
        assert feed.find(tx) is None
        feed.begin(tx, "f", Position("1"), NO_FLOOR, "copying")
    with begin() as tx:
        feed.advance(tx, Position("2", moment), Floor("a"))
        feed.set_state(tx, "paused", "too many")
        feed.want_stop(tx)
        feed.tell(tx, lag_ms=7)
        feed.tell(tx, backlog=5)
    with begin() as tx:
        found = feed.find(tx)
        assert found is not None
        assert (found.name, found.position, found.floor) == ("f", Position("2", moment), Floor("a"))
        assert (found.state, found.cause, found.stop_wanted) == ("paused", "too many", True)
        assert (found.lag_ms, found.backlog) == (7, 5)
        feed.begin(tx, "g", Position("3"), NO_FLOOR, "following")
        again = feed.find(tx)
        assert again is not None
        assert (again.name, again.state, again.stop_wanted, again.lag_ms) == ("g", "following", False, None)
        feed.forget(tx)
        assert feed.find(tx) is None


def test_a_lag_that_was_proven_long_ago_is_no_lag_of_now(begin: Transaction, monkeypatch: pytest.MonkeyPatch) -> None:
    def at(seconds: int) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Clock:
                return cls(2026, 1, 2, 3, 4, seconds, tzinfo=UTC)

        monkeypatch.setattr(feed, "datetime", Clock)

    with begin() as tx:
        feed.begin(tx, "f", Position("1"), NO_FLOOR, "following")
        at(0)
        feed.tell(tx, lag_ms=7)
        for seconds, overdue in ((4, 0), (30, 30_000)):
            at(seconds)
            feed.tell(tx)
            found = following_of(tx, at_work=True)
            assert found is not None
            assert (found.lag_ms, found.overdue_ms, found.behind_ms) == (7, overdue, 7 + overdue)
        feed.tell(tx, lag_ms=9)
        found = following_of(tx, at_work=True)
        assert found is not None
        assert found.behind_ms == 9


def test_the_last_verification_is_known(begin: Transaction) -> None:
    first = Proof("whole", Position("1", datetime(2026, 1, 2, tzinfo=UTC)), "a", "b", "equal", 10)
    second = Proof("again", Position("2"), "c", "d", "different", 3)
    with begin() as tx:
        assert verified.last(tx) is None
        verified.note(tx, first)
        verified.note(tx, second)
        assert verified.last(tx) == second
        assert verified.last(tx, "equal") == verified.last_whole(tx) == first
        verified.forget_all(tx)
        assert verified.last(tx) is None


def test_a_redefined_entity_stays_so_until_it_is_released(begin: Transaction) -> None:
    with begin() as tx:
        halted.note(tx, "users", "redefined", "dropped")
        halted.note(tx, "users", "unseen", "a path")
        halted.note(tx, "posts", "unseen", "a path")
    with begin() as tx:
        assert [(one.entity, one.kind) for one in halted.find(tx)] == [("posts", "unseen"), ("users", "redefined")]
        halted.release_but_unseen(tx)
        assert [one.entity for one in halted.find(tx)] == ["posts"]
        halted.release(tx, "posts")
        assert halted.find(tx) == []
