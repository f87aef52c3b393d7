"""Records are retried in pieces: interrupted between two of them, and in the order of their keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import shop
from crossfade.journal import journal, refused
from crossfade.model.events import RecordRetried
from crossfade.move import Move
from crossfade.pipeline import retry
from crossfade.pipeline.admission import may_clash
from crossfade.pipeline.retry import RetryMode
from crossfade.records.bson.ejson import to_bson
from crossfade.runtime.records import read
from crossfade.stores.contract import need
from crossfade.stores.open import open_store
from in_memory import fill, held
from outcome import counts_of, open_move
from scratch import PostgresScratch

SCHEMA = """
CREATE TABLE owners (id int PRIMARY KEY, age int NOT NULL, chip text UNIQUE);
CREATE TABLE animals (id int PRIMARY KEY, owner int NOT NULL REFERENCES owners (id));
"""
MAPPING = {
    "owners": "SELECT o._id AS id, as_int(o.age) AS age, o.chip AS chip FROM owners AS o",
    "animals": "SELECT a._id AS id, a.owner AS owner FROM animals AS a",
}
FIXED = "SELECT o._id AS id, parse_int(o.age) AS age, o.chip AS chip FROM owners AS o"

Opened = Callable[[], Move]


@pytest.fixture(params=["postgresql", "memory"])
def zoo(
    request: pytest.FixtureRequest,
    new_memory: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Opened:
    """Twelve owners whose ages are text, of whom two pairs have one chip; each has an animal, which has to wait. One
    animal has no owner. The mapping is fixed by now.
    """
    owners = [{"_id": i, "age": str(20 + i), "chip": f"c{9 if i in (9, 10, 11) else i}"} for i in range(12)]
    source, target = new_memory(), new_memory()
    fill(source, "owners", [*owners, {"_id": 99, "age": 40, "chip": "z"}])
    fill(source, "animals", [{"_id": i, "owner": i} for i in range(13)])
    if request.param == "postgresql":
        scratch: PostgresScratch = request.getfixturevalue("pg_db")
        target = scratch.url
    folder = shop.small_project(tmp_path / "zoo", SCHEMA, MAPPING, more="limits.stop_at = 1.0\n")
    with open_move(folder, source, target) as move:
        move.survey()
        assert counts_of(move.copy()) == {"animals": (13, 0, 13, 0), "owners": (13, 1, 12, 0)}
    (folder / "mapping" / "owners.sql").write_text(FIXED)
    monkeypatch.setattr(refused, "PIECE_RECORDS", 4)
    return lambda: open_move(folder, source, target)


def owners_of(move: Move) -> list[int]:
    table, reader = move.schema.table("owners"), move.target.row_reader
    assert table is not None
    assert reader is not None
    return sorted(key for batch in reader.scan(table, ["id"]) for key in batch.column("id").to_pylist())


def test_the_first_by_its_key_has_the_value(zoo: Opened) -> None:
    with zoo() as move:
        events: list[Any] = []
        outcomes = Counter((r.entry.entity, r.outcome) for r in move.retry(listen=events.append))
        assert outcomes == {
            ("owners", "copied"): 10,
            ("owners", "quarantined"): 2,
            ("animals", "copied"): 10,
            ("animals", "quarantined"): 3,
        }
        assert owners_of(move) == [*range(10), 99]
        tried = Counter(e.entity for e in events if isinstance(e, RecordRetried))
        assert tried["owners"] == 12  # none of them is helped by waiting
        assert {e.reason for e in move.quarantine() if e.state == "open"} == {"unique", "foreign_key"}
        assert move.verify().equal


@pytest.mark.parametrize("stop_at", [0, 1, 4])
def test_an_interrupted_retry_is_gone_on_with(zoo: Opened, monkeypatch: pytest.MonkeyPatch, stop_at: int) -> None:
    left, shift = iter(range(stop_at)), journal.shift_counts

    def stop(*args: Any, **kwargs: Any) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        shift(*args, **kwargs)

    with zoo() as move:
        monkeypatch.setattr(journal, "shift_counts", stop)
        with pytest.raises(KeyboardInterrupt):
            move.retry()
        monkeypatch.setattr(journal, "shift_counts", shift)
    with zoo() as move:
        assert all(e.balanced for e in move.status().entities)
        move.retry()
        assert owners_of(move) == [*range(10), 99]
        assert counts_of(move.status()) == {"animals": (13, 10, 3, 0), "owners": (13, 11, 2, 0)}
        assert move.verify().equal


@pytest.mark.parametrize(
    ("more", "clash"), [("", False), (", EXCLUDE USING gist (r WITH &&)", True), (", UNIQUE (r)", True)]
)
def test_pieces_run_in_order_where_rows_may_exclude_each_other(pg_db: PostgresScratch, more: str, clash: bool) -> None:
    with open_store(pg_db.url) as store:
        ddl = need(store.ddl, store, "read a schema")
        schema = ddl.scratch_schema(f"CREATE TABLE stays (id int PRIMARY KEY, r int4range{more});", "schema.sql")
    assert may_clash(schema.tables, {"stays": "id"}) is clash


def test_what_a_record_waits_for_after_a_retry_lets_it_in(
    new_memory: Callable[[], str], tmp_path: Path, pg_db: PostgresScratch
) -> None:
    """It was noted to wait for owner 50. A retry finds that it waits for owner 60 by now, who comes."""
    source, folder = new_memory(), shop.small_project(tmp_path / "zoo", SCHEMA, MAPPING, more="limits.stop_at = 1.0\n")
    fill(source, "owners", [{"_id": 1, "age": 30, "chip": "a"}])
    fill(source, "animals", [{"_id": 1, "owner": 1}, {"_id": 2, "owner": 50}])
    with open_move(folder, source, pg_db.url) as move:
        move.survey()
        move.copy()
        move.repair(keys={"animals": ["2"]})
        held(source).put("animals", to_bson({"_id": 2, "owner": 60}))
        assert [r.outcome for r in move.retry()] == ["quarantined"]
        held(source).put("owners", to_bson({"_id": 60, "age": 31, "chip": "b"}))
        move.repair(keys={"owners": ["60"]})
        assert counts_of(move.status()) == {"animals": (2, 2, 0, 0), "owners": (2, 2, 0, 0)}
        assert move.verify().equal


def test_a_piece_that_a_worker_which_was_thought_lost_retries_too(
    new_memory: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records were counted by both."""
    source, target = new_memory(), new_memory()
    fill(source, "owners", [{"_id": i, "age": "?", "chip": f"c{i}"} for i in range(3)])
    mapping = {"owners": FIXED}
    folder = shop.small_project(tmp_path / "zoo", SCHEMA, mapping, more="limits.stop_at = 1.0\n")
    with open_move(folder, source, target) as move:
        move.survey()
        assert counts_of(move.copy()) == {"owners": (3, 0, 3, 0)}
    toml = folder / "crossfade.toml"
    toml.write_text(
        toml.read_text() + '[[discard]]\nentity = "owners"\nalias = "o"\nwhere = "o.age = \'?\'"\nreason = "odd"\n'
    )
    calls = list[tuple[Any, ...]]()

    def twice(s: Any, entity: str, keys: Any) -> Any:
        found = read(s, entity, keys)
        calls.append((s.work, entity))
        if len(calls) == 1:
            retry.put_in(s.work, entity, ids, RetryMode.BY_PERSON)
        return found

    with open_move(folder, source, target) as move:
        ids = [entry.id for entry in move.quarantine()]
        monkeypatch.setattr(retry, "read", twice)
        assert [r.outcome for r in move.retry()] == ["discarded"] * 3
        assert len(calls) > 1
        assert counts_of(move.status()) == {"owners": (3, 0, 0, 3)}
        assert move.verify().equal
