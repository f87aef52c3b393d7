"""A source without a feed is polled: passes of compare and repair, until nothing differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId

import shop
from crossfade.errors import CrossfadeError, Misused
from crossfade.journal.status import FollowStatus
from crossfade.model.events import FollowingPaused, PassEnded
from crossfade.move import Move, polling, target_ownership
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.stores import patience
from crossfade.stores.contract import PositionLost
from following import Run, running, state, wait_for
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
        held(self.source).remove(entity, *(str(BSON.key(to_bson({"_id": one["_id"]}))) for one in documents))

    def emails(self) -> list[str]:
        return sorted(row[1] for row in rows(self.target, "customers"))

    def totals(self) -> list[Any]:
        return sorted(row[2] for row in rows(self.target, "orders"))

    @property
    def polled(self) -> FollowStatus:
        found = state(self.move)
        assert found is not None
        return found


@pytest.fixture
def small(tmp_path: Path, new_memory: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(polling, "BEATS", 0.05)
    monkeypatch.setattr(polling, "REST", (0.05, 0.2))
    monkeypatch.setattr(patience, "SECONDS", 0.5)
    made = Shop(shop.small_project(tmp_path / "p", SCHEMA, MAPPING, chunk_mb=0.002), new_memory(), new_memory())
    fill(made.source, "customers", [customer(n) for n in range(20)])
    fill(made.source, "orders", [order(n, n % 20) for n in range(60)])
    with made.move() as move:
        move.survey()
    return made


polled = partial(running, poll=True)


def test_what_came_changed_and_went_is_found(small: Shop) -> None:
    with polled(small.move) as run:
        assert (len(small.emails()), len(small.totals())) == (20, 60)
        small.put("customers", customer(20), customer(3, email="new@x.org"))
        small.put("orders", order(60, 20, 7))
        small.remove("orders", order(0, 0))
        wait_for(lambda: 7 in small.totals() and "new@x.org" in small.emails() and len(small.totals()) == 60)
        wait_for(lambda: sum(found := repaired(run)) >= 4 and not found[-1])
    with small.move() as move:
        assert move.verify().equal
        assert all(entity.balanced for entity in move.status().entities)


def repaired(run: Run) -> list[int]:
    """How many records each pass has repaired."""
    return [event.repaired for event in run.saw(PassEnded) if isinstance(event, PassEnded)]


def test_the_journal_says_which_pass_found_how_much(small: Shop) -> None:
    with polled(small.move) as run:
        wait_for(lambda: len(run.saw(PassEnded)) > 1)
    found = small.polled
    assert (found.state, found.running, found.polled, found.lag_ms) == ("stopped", False, True, None)
    assert found.last_pass is not None
    assert (found.last_pass.number, found.last_pass.compared) == (len(run.saw(PassEnded)), 80)


def test_passes_are_counted_on_by_the_next_run(small: Shop) -> None:
    with polled(small.move) as first:
        wait_for(lambda: first.saw(PassEnded))
    small.put("customers", customer(20))
    with polled(small.move) as second:
        wait_for(lambda: "c20@x.org" in small.emails() and second.saw(PassEnded))
    assert small.polled.last_pass is not None
    assert small.polled.last_pass.number == len(first.saw(PassEnded)) + len(second.saw(PassEnded))


def test_it_ends_by_itself_after_a_time(small: Shop) -> None:
    with polled(small.move):
        pass
    assert Run(small.move, seconds=0.3, poll=True).ended().ok
    assert small.polled.state == "stopped"


def test_keys_of_a_person_are_applied_between_two_passes(small: Shop) -> None:
    with polled(small.move):
        small.put("customers", *(customer(n, email=f"d{n}@x.org") for n in range(20)))
        with small.move() as move:
            found = move.repair(keys={"customers": [str(customer(n)["_id"]) for n in range(20)]})
        assert (found.handed_over, found.moving) == (True, 0)
        assert small.emails() == sorted(f"d{n}@x.org" for n in range(20))


def test_too_many_refused_records_pause_it(small: Shop) -> None:
    settings = small.folder / "crossfade.toml"
    text = settings.read_text().replace("limits.quarantine = 1.0", "limits.quarantine = 0.5")
    settings.write_text("limits.stop_at_least = 2\n" + text)
    with small.move() as move:
        move.copy()
    small.put("orders", *(order(60 + n, 99) for n in range(3)))
    run = Run(small.move, poll=True)
    assert not run.ended().ok
    assert run.saw(FollowingPaused)
    assert (small.polled.state, small.polled.running) == ("paused", False)
    small.put("customers", customer(99))
    with polled(small.move):
        wait_for(lambda: len(small.totals()) == 63)


def test_a_record_that_waits_for_its_parent_comes_in_with_it(small: Shop) -> None:
    with polled(small.move) as run:
        small.put("orders", order(60, 99, 7))
        wait_for(lambda: any(repaired(run)))
        assert 7 not in small.totals()
        small.put("customers", customer(99))
        wait_for(lambda: 7 in small.totals())


def test_an_entity_that_was_replaced_is_compared_as_any_other(small: Shop) -> None:
    with polled(small.move) as run:
        fill(small.source, "orders", [order(n, n % 20, 5) for n in range(3)])
        wait_for(lambda: run.is_over or small.totals() == [5, 5, 5])
    fill(small.source, "orders", [order(n, n % 20, 6) for n in range(2)])
    with polled(small.move):
        wait_for(lambda: small.totals() == [6, 6])


def test_a_move_that_follows_is_not_polled(small: Shop) -> None:
    with running(small.move):
        pass
    with pytest.raises(Misused):
        Run(small.move, poll=True).ended()


def test_a_move_that_has_lost_its_position_can_be_polled(small: Shop) -> None:
    with running(small.move):
        pass
    small.put("customers", customer(20))
    held(small.source).history.lose(held(small.source).history.now)
    with pytest.raises(PositionLost):
        Run(small.move).ended()
    with polled(small.move):
        wait_for(lambda: "c20@x.org" in small.emails())


def test_a_move_that_was_polled_can_be_followed(small: Shop) -> None:
    with polled(small.move):
        pass
    small.put("customers", customer(20))
    with running(small.move):
        wait_for(lambda: "c20@x.org" in small.emails())
        small.put("customers", customer(21))
        wait_for(lambda: "c21@x.org" in small.emails())
    assert not small.polled.polled


def test_the_last_pass_of_a_source_at_rest_finds_nothing(small: Shop) -> None:
    with small.move() as move:
        move.copy()
    small.put("customers", customer(20))
    with polled(small.move):
        pass
    small.put("customers", customer(21))
    with small.move() as move, target_ownership.locked(move.context):
        assert polling.last_pass(move.context, lambda event: None).repaired == 0
    assert "c21@x.org" in small.emails()


def test_a_source_that_is_still_written_has_no_last_pass(small: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with small.move() as move:
        move.copy()
    with small.move() as move, target_ownership.locked(move.context):
        one, written = polling.one_pass, iter(range(20, 99))

        def write_and_pass(*given: Any) -> Any:
            small.put("customers", customer(next(written)))
            return one(*given)

        monkeypatch.setattr(polling, "one_pass", write_and_pass)
        polling._begin(move.context)
        with pytest.raises(CrossfadeError):
            polling.last_pass(move.context, lambda event: None)
