"""Rows that prevent an index: every such row is found and its record removed; nothing else is."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import psycopg
import pytest

from crossfade.errors import Busy, CrossfadeError
from crossfade.model.target import Step
from crossfade.move import Move
from crossfade.project import load_project
from crossfade.stores.open import open_store
from crossfade.stores.postgresql.constraints import removed
from following import wait_for
from scratch import MongoScratch, PostgresScratch

SETTINGS = """\
name = "builds"
source.url = "${SOURCE_URL}"
target.url = "${TARGET_URL}"
target.schema = "schema.sql"
"""
MAPPING = "SELECT d._id AS id, d.doc AS doc, d.n AS n FROM docs AS d"


def _move(folder: Path, source: str, target: str, schema: str) -> Move:
    (folder / "mapping").mkdir(exist_ok=True)
    (folder / "crossfade.toml").write_text(SETTINGS)
    (folder / "schema.sql").write_text(schema)
    (folder / "mapping" / "docs.sql").write_text(MAPPING)
    return Move(load_project(folder, {"SOURCE_URL": source, "TARGET_URL": target}))


def _ask(url: str, index: str, kind: str = "index") -> dict[int, str]:
    """id -> reason, of the rows that the index cannot be made with."""
    with open_store(url) as store:
        assert store.ddl is not None
        (table,) = [t for t in store.ddl.live_schema().tables if t.name == "docs"]
        found = store.ddl.unbuildable(table, Step(f"{kind} docs_i", index))
    return dict(zip(found.column("id").to_pylist(), found.column("#reason").to_pylist(), strict=True))


def test_every_row_that_an_index_refuses_is_named(pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE TABLE docs (id integer PRIMARY KEY, v text)")
    any_text = random.Random(3)
    long = {n: any_text.randbytes(2000).hex() for n in any_text.sample(range(5000), 40)}
    pg_db.execute("INSERT INTO docs SELECT i, 'short ' || i FROM generate_series(0, 4999) i")
    for n, text in long.items():
        pg_db.execute("UPDATE docs SET v = %s WHERE id = %s", [text, n])
    index = "CREATE INDEX docs_i ON public.docs USING btree (v)"
    assert _ask(pg_db.url, index) == dict.fromkeys(long, "too_long")
    assert pg_db.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'crossfade%'") == [(0,)]


def test_of_rows_that_exclude_each_other_the_least_keys_stay(pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE TABLE docs (id integer PRIMARY KEY, r int4range)")
    pg_db.execute("INSERT INTO docs SELECT i, int4range(i, i + 3) FROM generate_series(9, 0, -1) i")
    exclusion = "ALTER TABLE public.docs ADD CONSTRAINT docs_i EXCLUDE USING gist (r WITH &&) DEFERRABLE"
    assert _ask(pg_db.url, exclusion, "exclusion") == dict.fromkeys([1, 2, 4, 5, 7, 8], "exclusion")


def test_an_index_that_no_row_goes_into_is_no_fault_of_the_rows(pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE TABLE docs (id integer PRIMARY KEY)")
    pg_db.execute("INSERT INTO docs SELECT generate_series(1, 3000)")
    pg_db.execute("CREATE FUNCTION f(n integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS"
                  " 'BEGIN RETURN (SELECT count(*) FROM nowhere); END'")  # fmt: skip
    with pytest.raises(CrossfadeError, match="nowhere"):
        _ask(pg_db.url, "CREATE INDEX docs_i ON public.docs (f(id))")


def test_rows_of_no_record_are_reported(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path) -> None:
    """Somebody else put them there: nothing can be taken out, and nobody waits for it without end."""
    mongo_db.db.docs.insert_one({"_id": 1, "doc": "short", "n": 1})
    schema = "CREATE TABLE docs (id integer PRIMARY KEY, doc text, n integer); CREATE INDEX docs_i ON docs (doc);"
    with _move(tmp_path, mongo_db.url, pg_db.url, schema) as move:
        move.survey()
        move.apply_schema()
        pg_db.execute("INSERT INTO docs VALUES (2, %s, 2)", [random.Random(1).randbytes(4000).hex()])
        with pytest.raises(CrossfadeError, match="to no source record"):
            move.copy()


def test_a_removed_row_that_others_still_see_is_waited_for(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index is made of such rows too. Who sees them is said, and the next run goes on. Other tests write on the same
    server: their transactions are named too, and end.
    """
    long = random.Random(1).randbytes(4000).hex()
    mongo_db.db.docs.insert_many([{"_id": 1, "doc": "short", "n": 1}, {"_id": 2, "doc": long, "n": 2}])
    schema = "CREATE TABLE docs (id integer PRIMARY KEY, doc text, n integer); CREATE INDEX docs_i ON docs (doc);"
    with _move(tmp_path, mongo_db.url, pg_db.url, schema) as move:
        move.survey()
        move.apply_schema()
        with psycopg.connect(pg_db.url) as other, monkeypatch.context() as impatient:
            impatient.setattr(removed, "PATIENCE", 0.2)
            other.execute("SELECT txid_current()")

            def is_named() -> bool:
                with pytest.raises(Busy, match="still visible to server process") as refused:
                    move.copy()
                return f"process {other.info.backend_pid} " in refused.value.message

            wait_for(is_named)
            other.rollback()
        assert move.copy().stage == "finished"
        assert [(e.key, e.reason) for e in move.quarantine()] == [('{"$numberInt":"2"}', "too_long")]
        assert move.verify().equal


def test_what_sqlite_has_of_it(mongo_db: MongoScratch, tmp_path: Path) -> None:
    docs: list[dict[str, Any]] = [
        {"_id": 1, "doc": '{"a": 1}', "n": 1},
        {"_id": 2, "doc": "no json", "n": 2},
        {"_id": 3, "doc": '{"a": 1}', "n": 3},
        {"_id": 4, "doc": '{"a": 2}', "n": 4},
    ]
    mongo_db.db.docs.insert_many(docs)
    target = f"sqlite:///{tmp_path / 'target.db'}"
    schema = (
        "CREATE TABLE docs (id INTEGER PRIMARY KEY, doc TEXT, n INTEGER);"
        "CREATE UNIQUE INDEX docs_a ON docs (json_extract(doc, '$.a'));"
        "CREATE INDEX docs_n ON docs (n);"
    )
    with _move(tmp_path, mongo_db.url, target, schema) as move:
        move.survey()
        assert move.copy().stage == "finished"
        found = {e.key: (e.reason, e.constraint) for e in move.quarantine()}
        assert found == {
            '{"$numberInt":"2"}': ("bad_value", "docs_a"),
            '{"$numberInt":"3"}': ("unique", "docs_a"),
        }
        verdict = move.verify()
        assert verdict.equal
        assert verdict.balanced
