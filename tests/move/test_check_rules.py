"""Rules that cannot be read, or can never run, are named before the copy, not by the verification after it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import shop
from crossfade.errors import CrossfadeError, InvalidQuery, Uncovered
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.move import Move
from crossfade.project import load_project
from crossfade.stores.contract import need
from crossfade.stores.open import open_store
from outcome import open_move
from scratch import MongoScratch, PostgresScratch

SETTINGS = 'source.url = "sqlite:///s.db"\ntarget.url = "sqlite:///t.db"\ntarget.schema = "schema.sql"\n'
TABLE = "CREATE TABLE users (id integer PRIMARY KEY)"


def test_a_rule_that_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {"crossfade.toml": SETTINGS, "schema.sql": f"{TABLE};"}.items():
        (tmp_path / name).write_text(text)
    for folder in ("mapping", "rules"):
        (tmp_path / folder).mkdir()
    (tmp_path / "mapping" / "users.sql").write_text("SELECT u.id AS id FROM users AS u")
    os.mkfifo(tmp_path / "rules" / "none.sql")
    with closing(sqlite3.connect("s.db")) as connection:
        connection.execute(TABLE)
    with Move(load_project(tmp_path)) as move:
        move.survey()
        (fault,) = [found for found in move.check() if found.severity == "fault"]
        assert (fault.kind, fault.place) == ("rules", "rules")
        with pytest.raises(Uncovered, match="named pipe"):
            move.copy()


WRONG = [
    "SELECT id FORM users",
    "SELECT no FROM users",
    "SELECT 1; SELECT 2",
    "DELETE FROM users",
    "SELECT id, count(*) (",
    "SELECT id FROM users WHERE id = $1",
]
LATER = "SELECT n FROM many WHERE n > 0"


@pytest.mark.parametrize("target", ["postgresql", "sqlite"])
def test_a_rule_that_can_never_run(
    target: str, tmp_path: Path, pg_db: PostgresScratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("s.db")) as connection, connection:
        connection.execute(TABLE)
        connection.execute("INSERT INTO users VALUES (1)")
    view = "CREATE VIEW many AS SELECT id - 1 AS n FROM users"
    folder = shop.small_project(tmp_path / "p", f"{TABLE};\n{view};", {"users": "SELECT u.id AS id FROM users AS u"})
    url = pg_db.url if target == "postgresql" else f"sqlite:///{tmp_path / 't.db'}"
    rule = folder / "rules" / "one.sql"
    rule.parent.mkdir()
    rule.write_text(LATER)  # a view is created after the copy: not refused
    with open_move(folder, f"sqlite:///{tmp_path / 's.db'}", url) as move:
        move.survey()
        for wrong in WRONG:
            rule.write_text(wrong)
            with pytest.raises(InvalidQuery, match="the rule one") as refused:
                move.copy()
            assert refused.value.hint == "correct one.sql"
            assert not any(entity.counts.copied for entity in move.status().entities), wrong
        rule.write_text(LATER)
        move.copy()
        assert move.verify().rules_hold


@pytest.mark.parametrize(
    "wrong", ["SELECT id FORM people", "SELECT 1; SELECT 2", "SELECT p.no FROM people AS p", "SELECT $1 FROM people"]
)
def test_a_rule_over_documents_that_can_never_run(wrong: str, mongo_db: MongoScratch) -> None:
    people = TargetTable("people", None, "people", (TargetColumn("_id", ColumnType("int8", "int8")),), ("_id",))
    with open_store(mongo_db.url) as store:
        reader = need(store.row_reader, store, "answer queries")
        with pytest.raises(InvalidQuery):
            reader.query(wrong, limit=0, tables=[people])
        with pytest.raises(CrossfadeError) as missing:
            reader.query("SELECT 1 FROM others", limit=0, tables=[people])
    assert not isinstance(missing.value, InvalidQuery)


@pytest.mark.parametrize(
    "wrong", ["name = NULL", "NOT (name <> NULL::text)", "name NOT IN ('a', NULL)", "name LIKE NULL"]
)
def test_a_rule_that_holds_whatever_the_rows_are(wrong: str, tmp_path: Path, pg_db: PostgresScratch) -> None:
    with closing(sqlite3.connect(tmp_path / "s.db")) as connection:
        connection.execute(TABLE)
    folder = shop.small_project(tmp_path / "p", f"{TABLE};", {"users": "SELECT u.id AS id FROM users AS u"})
    (folder / "rules").mkdir()
    (folder / "rules" / "names.sql").write_text(f"-- Everybody has a name.\nSELECT id FROM users WHERE {wrong}")
    with open_move(folder, f"sqlite:///{tmp_path / 's.db'}", pg_db.url) as move:
        move.survey()
        faults = [(f.kind, f.place, f.hint is not None) for f in move.check() if f.kind == "rules"]
    assert faults == [("rules", "names.sql", True)]


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ("SELECT id FROM people (", r"at '\(' \(line 1\)"),
        ("SELECT 'a FROM people", "a quote or a comment is not closed"),
    ],
)
def test_where_a_rule_over_documents_does_not_parse(wrong: str, where: str, mongo_db: MongoScratch) -> None:
    with open_store(mongo_db.url) as store:
        reader = need(store.row_reader, store, "answer queries")
        with pytest.raises(InvalidQuery, match=where) as refused:
            reader.query(wrong, limit=0, tables=[])
    assert refused.value.message.isprintable()
