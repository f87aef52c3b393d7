"""A source in memory is followed into a target in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId

import shop
from crossfade.errors import Busy, Misused
from crossfade.journal import feed
from crossfade.journal.feed import FeedRecord
from crossfade.model.events import EntityHalted, FollowingPaused, LagProven
from crossfade.move import Move, copying, handing, repairing, starting
from crossfade.pipeline import follow, pulse
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.stores import patience
from crossfade.stores.contract import PositionLost, TargetTransaction
from following import Run, running, state, stop, wait_for
from in_memory import fill, held, rows
from outcome import open_move

SCHEMA = """
CREATE TABLE customers (id uuid PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE orders (id uuid PRIMARY KEY, customer_id uuid NOT NULL REFERENCES customers (id), total integer);
"""
MAPPING = {
    "customers": "SELECT uuid_of(c._id) AS id, c.email AS email FROM customers AS c",
    "orders": "SELECT uuid_of(o._id) AS id, uuid_of(o.customer) AS customer_id, o.total AS total FROM orders AS o",
}


def customer(n: int, **more: Any) -> dict[str, Any]:
    return {"_id": ObjectId(f"{n:024x}"), "email": f"c{n}@x.org", **more}


def order(n: int, of: int, total: Any = 1) -> dict[str, Any]:
    return {"_id": ObjectId(f"{1000 + n:024x}"), "customer": customer(of)["_id"], "total": total}


def key(document: dict[str, Any]) -> str:
    found = BSON.key(to_bson({"_id": document["_id"]}))
    assert found is not None
    return found


@dataclass(frozen=True)
class Shop:
    folder: Path
    source: str
    target: str

    def move(self) -> Move:
        return open_move(self.folder, self.source, self.target)

    def put(self, entity: str, *documents: dict[str, Any]) -> None:
        held(self.source).put(entity, *map(to_bson, documents))

    def remove(self, entity: str, *documents: dict[str, Any]) -> None:
        held(self.source).remove(entity, *map(key, documents))

    def emails(self) -> list[str]:
        return sorted(row[1] for row in rows(self.target, "customers"))

    def totals(self) -> list[Any]:
        return sorted(row[2] for row in rows(self.target, "orders"))

    def require_equal(self) -> None:
        """Nothing is to be applied, the accounts balance, and both sides are equal, while a run follows."""
        with running(self.move), self.move() as move:
            assert move.verify().equal
            found = move.status()
            assert found.following is not None
            assert found.following.moving == {}
            assert all(entity.balanced for entity in found.entities)


@pytest.fixture
def small(tmp_path: Path, new_memory: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(pulse, "SECONDS", 0.1)
    monkeypatch.setattr(follow, "IDLE", 0.1)
    monkeypatch.setattr(patience, "SECONDS", 0.5)
    made = Shop(shop.small_project(tmp_path / "p", SCHEMA, MAPPING, chunk_mb=0.002), new_memory(), new_memory())
    fill(made.source, "customers", [customer(n) for n in range(20)])
    fill(made.source, "orders", [order(n, n % 20) for n in range(60)])
    with made.move() as move:
        move.survey()
    return made


def test_what_changes_is_applied(small: Shop) -> None:
    with running(small.move) as run:
        assert (len(small.emails()), len(small.totals())) == (20, 60)
        small.put("customers", customer(20), customer(3, email="new@x.org"))
        small.put("orders", order(60, 20, 7))
        small.remove("orders", order(0, 0))
        wait_for(lambda: 7 in small.totals() and "new@x.org" in small.emails() and len(small.totals()) == 60)
        wait_for(lambda: run.saw(LagProven))
    small.require_equal()


def test_what_changes_while_nobody_follows_is_applied_later(small: Shop) -> None:
    with running(small.move):
        pass
    small.put("customers", customer(20))
    found = state(small.move)
    assert found is not None
    assert (found.state, found.running) == ("stopped", False)
    with running(small.move):
        wait_for(lambda: "c20@x.org" in small.emails())
    small.require_equal()


def test_it_ends_by_itself_after_a_time(small: Shop) -> None:
    with running(small.move):
        pass
    found = Run(small.move, seconds=0.3).ended()
    assert found.ok
    assert found.following is not None
    assert found.following.state == "stopped"


def test_the_move_that_has_copied_follows_as_every_other(small: Shop) -> None:
    """What it applies is kept for a verification."""
    with small.move() as move:
        move.copy()
        small.put("customers", customer(20))
        run = Run(lambda: nullcontext(move))
        wait_for(lambda: run.is_over or "c20@x.org" in small.emails())
        stop(small.move)
        assert run.ended().ok
    assert [row["number"] for row in held(small.target).catalog.notes["dirty"].values()] == [""]


@pytest.mark.parametrize("place", [(copying, "copy"), (pulse.Pulse, "_goes_on")], ids=["copied", "not-told-yet"])
def test_a_verification_waits_for_a_run_that_is_about_to_follow(
    place: tuple[Any, str], small: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is finished, and the run has not said yet that it follows: what is compared is noted all the same."""
    original, asked, awaited = getattr(*place), handing._is_about_to_follow, threading.Event()

    def hesitant(*given: Any, **more: Any) -> Any:
        before = place[0] is pulse.Pulse and awaited.wait(120)
        done = original(*given, **more)
        assert before or awaited.wait(120)  # in no transaction: others go on meanwhile
        return done

    def seen(*given: Any) -> bool:
        if found := asked(*given):
            awaited.set()
        return found

    monkeypatch.setattr(*place, hesitant)
    monkeypatch.setattr(handing, "_is_about_to_follow", seen)
    run = Run(small.move)
    wait_for(lambda: state(small.move) is not None)
    with small.move() as move:
        wait_for(lambda: move.status().stage == "finished")
        assert move.verify().through is not None
    assert awaited.is_set()
    stop(small.move)
    assert run.ended().ok


def test_another_run_is_refused_while_one_follows(small: Shop) -> None:
    with running(small.move), pytest.raises(Busy):
        Run(small.move).ended()


def test_a_run_that_is_beginning_can_be_stopped(small: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one before it was killed. It forgets what that one was asked."""
    with monkeypatch.context() as patch:
        patch.setattr(feed, "leave", lambda tx, cause: None)
        with running(small.move):
            pass
    asked, want, begun = threading.Event(), feed.want_stop, starting._begun

    def wanted(tx: TargetTransaction, wanted: bool = True) -> None:
        want(tx, wanted)
        if wanted:
            asked.set()

    def late(*given: Any) -> FeedRecord:
        assert asked.wait(120)
        return begun(*given)

    monkeypatch.setattr(feed, "want_stop", wanted)
    monkeypatch.setattr(starting, "_begun", late)
    run = Run(small.move)
    wait_for(lambda: (found := state(small.move)) is not None and found.running)
    stop(small.move)
    assert run.ended().ok


def test_a_move_that_is_not_followed_cannot_be_stopped(small: Shop) -> None:
    with small.move() as move:
        move.copy()
    with pytest.raises(Misused):
        stop(small.move)


def test_what_changed_after_a_copy_without_a_feed_is_found_by_comparison(small: Shop) -> None:
    with small.move() as move:
        move.copy()
    small.put("customers", customer(20))
    small.remove("orders", order(0, 0))
    with running(small.move):
        wait_for(lambda: len(small.emails()) == 21 and len(small.totals()) == 59)
    small.require_equal()


def test_a_lost_position_ends_the_run_and_the_next_compares_everything(small: Shop) -> None:
    with running(small.move):
        pass
    small.put("customers", customer(20))
    held(small.source).history.lose(held(small.source).history.now)
    with pytest.raises(PositionLost):
        Run(small.move).ended()
    found = state(small.move)
    assert found is not None
    assert found.state == "lost"
    with running(small.move):
        wait_for(lambda: "c20@x.org" in small.emails())
    small.require_equal()


def test_a_position_that_is_lost_while_everything_is_compared(small: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    history, compared = held(small.source).history, repairing.compared
    with running(small.move):
        pass
    small.put("customers", customer(20))
    history.lose(history.now)
    with pytest.raises(PositionLost):
        Run(small.move).ended()

    def lost_meanwhile(*given: Any) -> Any:
        found, before = compared(*given), state(small.move)
        with history.turn:
            small.put("customers", customer(21))  # the comparison has not seen it
            history.lose(history.now)
        assert before is not None
        wait_for(lambda: (now := state(small.move)) is not None and now.cause != before.cause)
        return found

    monkeypatch.setattr(repairing, "compared", lost_meanwhile)
    with pytest.raises(PositionLost):
        Run(small.move).ended()
    found = state(small.move)
    assert found is not None
    assert found.state == "lost"
    monkeypatch.undo()
    with running(small.move):
        wait_for(lambda: {"c20@x.org", "c21@x.org"} <= set(small.emails()))
    small.require_equal()


def test_a_record_of_a_kind_never_seen_halts_its_entity_alone(small: Shop) -> None:
    with running(small.move) as run:
        small.put("customers", customer(20, nickname="x"))
        wait_for(lambda: run.saw(EntityHalted))
        small.put("customers", customer(21))
        small.put("orders", order(60, 1, 7))
        wait_for(lambda: 7 in small.totals())
        assert "c21@x.org" not in small.emails()
        found = state(small.move)
        assert found is not None
        assert [(one.entity, one.kind) for one in found.halted] == [("customers", "unseen")]
        assert dict(found.moving) == {"customers": 1}
    with running(small.move) as run:  # the record is still what it was
        wait_for(lambda: run.saw(EntityHalted))
        small.put("orders", order(61, 1, 8))
        wait_for(lambda: 8 in small.totals())
        assert "c21@x.org" not in small.emails()
    small.put("customers", customer(20))
    with running(small.move):
        wait_for(lambda: {"c20@x.org", "c21@x.org"} <= set(small.emails()))
    small.require_equal()


def test_an_entity_that_was_replaced_is_halted_and_compared_by_the_next_run(small: Shop) -> None:
    with running(small.move) as run:
        fill(small.source, "orders", [order(n, n % 20, 5) for n in range(3)])
        small.put("customers", customer(20))
        wait_for(lambda: "c20@x.org" in small.emails())
        found = state(small.move)
        assert found is not None
        assert [(one.entity, one.kind) for one in found.halted] == [("orders", "redefined")]
    assert not run.saw(FollowingPaused)


def test_an_entity_that_was_replaced_while_nobody_follows_is_compared(small: Shop) -> None:
    with running(small.move):
        pass
    fill(small.source, "orders", [order(n, n % 20, 5) for n in range(3)])
    with small.move() as move:
        assert any("orders" in fault for fault in move.status().faults)
    with running(small.move):
        wait_for(lambda: small.totals() == [5, 5, 5])
    small.require_equal()


def test_a_refused_record_says_the_same_whether_it_was_copied_or_followed(
    small: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "TOLD_EVERY", 0.2)
    small.put("orders", order(60, 99))
    with running(small.move):
        small.put("orders", order(61, 99))
        small.put("customers", customer(20, email="c1@x.org"))
        wait_for(lambda: len(details(small)) == 3 and all(details(small)))
        said = details(small)
    assert said[0] == said[1]
    assert "c1@x.org" in said[2]


def details(small: Shop) -> list[str]:
    """The details of the records in quarantine that are explained, the orders first."""
    with small.move() as move:
        entries = sorted(move.quarantine(), key=lambda entry: (entry.entity != "orders", entry.key))
    return [entry.detail if entry.cause else "" for entry in entries if entry.state == "open"]


def test_too_many_refused_records_pause_it_and_their_keys_are_kept(small: Shop) -> None:
    settings = small.folder / "crossfade.toml"
    text = settings.read_text().replace("limits.quarantine = 1.0", "limits.quarantine = 0.5")
    settings.write_text("limits.stop_at_least = 2\n" + text)
    with running(small.move) as run:
        small.put("orders", *(order(60 + n, 99) for n in range(3)))
        wait_for(lambda: run.saw(FollowingPaused))
        small.put("customers", customer(20))
        wait_for(lambda: (found := state(small.move)) is not None and found.moving.get("customers") == 1)
        assert found_state(small) == "paused"
    with running(small.move):
        wait_for(lambda: "c20@x.org" in small.emails())


def found_state(small: Shop) -> str:
    found = state(small.move)
    assert found is not None
    return found.state
