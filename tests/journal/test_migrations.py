"""The journal of an older version, with data in it, is migrated to the current version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crossfade.journal import journal
from crossfade.journal.causes import causes
from crossfade.journal.journal import entry_id
from crossfade.journal.migrations import migrate
from crossfade.model.counts import Counts
from crossfade.stores.contract import Store, TargetTransaction, need
from crossfade.stores.open import open_store
from scratch import PostgresScratch
from target_sql import sql

SHAPES = Path(__file__).parent
VERSIONS = sorted(int(file.stem.removeprefix("version_")) for file in SHAPES.glob("version_*.sql"))
SERVERS = ("postgresql", "sqlite")
BEFORE_KEYS = [(server, version) for server in SERVERS for version in (3, 4)]
"""Where entries are known by chunk and position."""

MOVE = """
INSERT INTO {crossfade}move (name, version, source, lock_digest, schema_digest, mapping_digest, stage, kept_schema,
    identity, started_at, changed_at)
VALUES ('m', :version, 'mongodb://x/y', 'l', 's', 'p', 'finished', NULL, NULL, 'then', 'then')"""
CHUNK = """
INSERT INTO {crossfade}chunk (entity, number, planned, source, copied, quarantined, discarded, row_counts, seconds,
    done_at)
VALUES ('users', 0, 3, 3, 1, 2, 0, '{"users": 1}', 0.5, 'then')"""
ENTRY = """
INSERT INTO {crossfade}quarantine (id, entity, chunk, record_key, reason, detail, target_table, target_column,
    target_constraint, parent, waits_for, cause, phase, raw, state, note, noted_at)
VALUES (:id, :entity, 0, :key, :reason, 'd', 'users', NULL, NULL, :parent, :waits,
    NULL, 'copy', :raw, :state, NULL, 'then')"""
WAITS = {"parent": "quarantined", "waits": "a"}
ENTRIES: list[dict[str, Any]] = [
    {"id": "a", "key": "1", "reason": "check", "raw": b"one", "state": "open"},
    {"id": "b", "key": "2", "reason": "foreign_key", "raw": b"two", "state": "open", **WAITS},
    {"id": "c", "key": "2", "reason": "unique", "raw": b"two", "state": "retried"},
    {"id": "d", "key": None, "reason": "broken", "raw": b"three", "state": "open"},
    {"id": "e", "key": None, "reason": "broken", "raw": b"three", "state": "discarded"},
]


@dataclass
class Old:
    """A target with the journal of an older `version`."""

    store: Store
    prefix: str
    version: int

    @property
    def transaction(self) -> Any:
        return need(self.store.writer, self.store, "be written to").transaction

    def columns(self, tx: TargetTransaction) -> dict[str, set[str]]:
        if self.prefix:
            names = sql(tx, "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'crossfade%'")
            return {n: {c[1] for c in sql(tx, f"PRAGMA table_info({n})")} for (n,) in names}
        found = sql(
            tx,
            "SELECT table_name, column_name || ' ' || data_type || ' ' || is_nullable FROM information_schema.columns"
            " WHERE table_schema = 'crossfade'",
        )
        out: dict[str, set[str]] = {}
        for table, column in found:
            out.setdefault(table, set()).add(column)
        return out


@pytest.fixture(params=[(server, version) for server in SERVERS for version in VERSIONS])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Old]:
    url, prefix = f"sqlite:///{tmp_path / 't.db'}", "crossfade_"
    server, version = request.param
    if server == "postgresql":
        scratch: PostgresScratch = request.getfixturevalue("pg_db")
        url, prefix = scratch.url, ""
        scratch.execute("CREATE SCHEMA crossfade")
    with open_store(url) as store:
        found = Old(store, prefix, version)
        with found.transaction() as tx:
            for statement in (SHAPES / f"version_{version}.sql").read_text().split(";\n"):
                if statement.strip():
                    sql(tx, statement.replace("{crossfade_index}", prefix))
            sql(tx, MOVE, {"version": version})
            sql(tx, CHUNK)
            for entry in ENTRIES:
                sql(tx, ENTRY, {"entity": "users", "parent": None, "waits": None, **entry})
        yield found


def test_its_shape_is_that_of_a_new_one(old: Old, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with old.transaction() as tx:
        assert migrate(tx, old.version, has_unique_keys=True) == journal.VERSION
        migrated = old.columns(tx)
    with old.transaction() as tx:
        journal.drop(tx)
    journal.create(old.store)
    with old.transaction() as tx:
        assert migrated == old.columns(tx)


@pytest.mark.parametrize("old", BEFORE_KEYS, indirect=True)
@pytest.mark.parametrize("has_unique_keys", [True, False])
def test_entries_are_known_by_their_records(old: Old, has_unique_keys: bool) -> None:
    def told(key: str | None, raw: bytes) -> str:
        return "" if has_unique_keys and key is not None else journal.digest_of(raw)

    with old.transaction() as tx:
        migrate(tx, old.version, has_unique_keys=has_unique_keys)
        move = journal.find_move(tx)
        assert move is not None
        assert (move.version, move.stage) == (journal.VERSION, journal.FINISHED)
        found = {e.id: e for e in journal.entries(tx)}
        digest = journal.digest_of(b"three")
        one, two = (entry_id("users", k, told(k, raw)) for k, raw in (("1", b"one"), ("2", b"two")))
        assert {(e.id, e.key, e.state) for e in found.values()} == {
            (one, "1", "open"),
            (two, "2", "open"),
            (entry_id("users", "2", journal.digest_of(b"two"), 2), "2", "retried"),
            (entry_id("users", None, digest), None, "open"),
            (entry_id("users", None, digest, 2), None, "discarded"),
        }
        assert found[two].waits_for == one
        assert {bytes(raw) for _, raw in journal.raws(tx)} == {b"one", b"two", b"three"}
        assert journal.digests_outside(tx, "users", "#" + digest)[digest] == 2
        assert [(c.counts, c.gone) for c in journal.chunks(tx)] == [(Counts(3, 1, 2, 0), 0)]
        assert {(c.reason, c.parent, c.count) for c in causes(tx)} == {
            ("check", None, 1),
            ("foreign_key", "quarantined", 1),
            ("broken", None, 1),
        }


@pytest.mark.parametrize("old", BEFORE_KEYS, indirect=True)
def test_a_journal_that_fails_to_become_todays_stays_as_it_is(old: Old) -> None:
    with old.transaction() as tx:
        sql(tx, "CREATE TABLE {crossfade}ledger (x int)")
    with pytest.raises(Exception, match=r"ledger|entity"), old.transaction() as tx:
        migrate(tx, old.version, has_unique_keys=True)
    with old.transaction() as tx:
        assert sql(tx, "SELECT version FROM {crossfade}move") == [(old.version,)]
        assert not any("digest" in c for c in old.columns(tx)[f"{old.prefix}quarantine"])
