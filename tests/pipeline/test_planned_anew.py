"""A mapping that is changed before any chunk is copied: what was planned before does not count."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import shop
from crossfade.model.events import CopyStarted, Event
from in_memory import fill, rows
from outcome import counts_of, open_move

SCHEMA = """
CREATE TABLE people (id int PRIMARY KEY, name text);
CREATE TABLE pets (id int PRIMARY KEY, name text);
"""
MAPPING = {
    "people": "SELECT p._id AS id, p.name AS name FROM people AS p",
    "pets": "SELECT p._id AS id, p.name AS name FROM pets AS p",
}
LEFT = '[[discard]]\nentity = "pets"\nreason = "of no use"\n'


class Stopped(Exception):
    pass


def stop(event: Event) -> None:
    if isinstance(event, CopyStarted):
        raise Stopped


def test_an_entity_that_is_no_longer_mapped(new_memory: Callable[[], str], tmp_path: Path) -> None:
    source, target = new_memory(), new_memory()
    fill(source, "people", [{"_id": i, "name": f"n{i}"} for i in range(5)])
    fill(source, "pets", [{"_id": i, "name": f"p{i}"} for i in range(3)])
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING)
    with open_move(folder, source, target) as move:
        move.survey()
        with pytest.raises(Stopped):
            move.copy(stop)
    (folder / "mapping" / "pets.sql").unlink()
    toml = folder / "crossfade.toml"
    toml.write_text(toml.read_text() + LEFT)
    with open_move(folder, source, target) as move:
        status = move.copy()
        assert counts_of(status) == {"people": (5, 5, 0, 0), "pets": (3, 0, 0, 3)}
        assert all(e.balanced for e in status.entities)
        assert len(rows(target, "people")) == 5
        assert move.verify().equal
