"""`[[inverse.lose]]`: a column whose own changes do not come back has the source's values again after a rollback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import coming_back
from coming_back import System, by_number
from following import wait_for
from scratch import PostgresScratch

CONTACTS = "CREATE TABLE contacts (id bigint PRIMARY KEY REFERENCES customers (id), email text NOT NULL);"
MAPPING = {**coming_back.ROWS, "contacts": "SELECT c.id AS id, c.email AS email FROM customers AS c"}
LOSE = '[[inverse.lose]]\ncolumn = "contacts.email"\nreason = "the application writes to customers alone"\n'


@pytest.fixture
def target(new_target: Callable[[], PostgresScratch]) -> PostgresScratch:
    return new_target()


@pytest.fixture
def system(new_target: Callable[[], PostgresScratch], target: PostgresScratch, tmp_path: Path) -> System:
    """The email of a customer is in two tables of the target; its application writes one of them."""
    source = new_target()
    source.execute(coming_back.OLD_ROWS)
    folder = coming_back._project(tmp_path / "p", coming_back.ROWS_SCHEMA + CONTACTS, MAPPING)
    with (folder / "crossfade.toml").open("a") as file:
        file.write(LOSE)
    made = System(folder, source.url, target.url, by_number(source.url), by_number(target.url), dict)
    for n in range(5):
        made.put(made.old, n, f"c{n}@x.org", {})
    return coming_back.surveyed(made)


def _contacts(target: PostgresScratch) -> dict[int, str]:
    return dict(target.execute("SELECT id, email FROM contacts"))


def test_a_lost_column_has_the_values_of_the_source_after_a_rollback(system: System, target: PostgresScratch) -> None:
    system.cut_over()
    with system.following("back"), system.move() as move:
        assert system.put(system.new, 1, "changed@x.org", {})
        target.execute("UPDATE contacts SET email = 'own@x.org' WHERE id = 2")
        assert move.verify_back().equal
        assert move.rollback().stage == "source"
    assert system.old.all() == system.told
    with system.following("forward"), system.move() as move:
        wait_for(lambda: _contacts(target) == {n: one["email"] for n, one in system.told.items()})
        assert move.verify().equal
