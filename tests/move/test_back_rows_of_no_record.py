"""After a cutover, rows of the new store whose owner value does not tell the key of a record, and differences."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import coming_back
import shop
from coming_back import System, by_number
from following import wait_for
from scratch import PostgresScratch

OLD = """
CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL, note text);
INSERT INTO customers SELECT n, 'c' || n, 'n' || n FROM generate_series(1, 3) n;
"""
NEW = """
CREATE TABLE customers (code text PRIMARY KEY, id bigint NOT NULL, email text NOT NULL);
CREATE TABLE notes (customer text PRIMARY KEY, note text);
"""
MAPPING = {
    "customers": "SELECT 'c-' || c.id AS code, c.id AS id, c.email AS email FROM customers AS c",
    "notes": "SELECT 'c-' || c.id AS customer, c.note AS note FROM customers AS c",
}
CHANGES = """
SELECT format('ALTER TABLE crossfade.%1$I DISABLE TRIGGER USER; DELETE FROM crossfade.%1$I;'
              'ALTER TABLE crossfade.%1$I ENABLE TRIGGER USER', relname) FROM pg_class
WHERE relname ~ '^crossfade_back_[0-9a-f]+_[0-9]+$' AND relkind = 'r'
"""


@pytest.fixture
def old(new_target: Callable[[], PostgresScratch]) -> PostgresScratch:
    return new_target()


@pytest.fixture
def new(new_target: Callable[[], PostgresScratch]) -> PostgresScratch:
    return new_target()


@pytest.fixture
def system(old: PostgresScratch, new: PostgresScratch, tmp_path: Path) -> System:
    old.execute(OLD)
    folder = shop.small_project(tmp_path / "p", NEW, MAPPING)
    with (folder / "crossfade.toml").open("a") as file:
        file.write(coming_back.SETTINGS)
    side = by_number(old.url)
    return coming_back.surveyed(System(folder, old.url, new.url, side, side, dict))


def _unnoted(new: PostgresScratch, statement: str) -> None:
    """Execute a statement, and delete what the triggers have noted of it."""
    forgotten = "; ".join(text for (text,) in new.execute(CHANGES))
    assert forgotten
    new.execute(f"{statement}; {forgotten}")


def test_a_row_whose_record_comes_later(system: System, old: PostgresScratch, new: PostgresScratch) -> None:
    system.cut_over()
    with system.following("back"), system.move() as move:
        new.execute("INSERT INTO notes VALUES ('c-7', 'first')")
        wait_for(lambda: system.aside() == 1)
        new.execute("INSERT INTO customers VALUES ('c-7', 7, 'late')")
        wait_for(lambda: old.execute("SELECT email, note FROM customers WHERE id = 7") == [("late", "first")])
        wait_for(lambda: system.aside() == 0)
        assert move.verify_back().equal
        assert move.plan_rollback().ok


def test_a_row_beside_one_that_is_set_aside(system: System, new: PostgresScratch) -> None:
    """Nothing has told the run of it. A repair does."""
    system.cut_over()
    with system.following("back"), system.move() as move:
        new.execute("INSERT INTO notes VALUES ('c-7', 'no customer')")
        wait_for(lambda: system.aside() == 1)
        _unnoted(new, "INSERT INTO notes VALUES ('c-8', 'unnoted')")
        for again in (False, True):
            found = move.verify_back(again=again)
            assert [key for _, key, _ in found.differ] == ["#notes c-8"], found
        repaired = move.repair()
        assert (repaired.records, repaired.back) == (1, True)
        assert system.aside() == 2
        found = move.verify_back()
        assert (found.equal, found.set_aside) == (True, 2)
        new.execute("DELETE FROM notes WHERE customer IN ('c-7', 'c-8')")
        wait_for(lambda: system.aside() == 0)


def test_a_record_that_differs_is_put_back_by_a_repair(
    system: System, old: PostgresScratch, new: PostgresScratch
) -> None:
    """Somebody has changed it in the closed store, or the feed was damaged."""
    system.cut_over()
    with system.following("back"), system.move() as move:
        old.execute("SET crossfade.writes TO 'on'; UPDATE customers SET note = 'changed' WHERE id = 2")
        found = move.verify_back()
        assert (found.differences, found.equal) == (1, False)
        assert move.repair(dry_run=True).records == 1
        assert old.execute("SELECT note FROM customers WHERE id = 2") == [("changed",)]
        repaired = move.repair()
        assert (repaired.applied.records, repaired.ok) == ({("customers", "applied"): 1}, True)
        assert old.execute("SELECT note FROM customers WHERE id = 2") == [("n2",)]
        _unnoted(new, "UPDATE notes SET note = 'again' WHERE customer = 'c-3'")
        move.repair(keys={"customers": ["3"]})
        assert old.execute("SELECT note FROM customers WHERE id = 3") == [("again",)]
        assert move.verify_back().equal
