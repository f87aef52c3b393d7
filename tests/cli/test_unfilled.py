"""Columns that no mapping fills must stay NULL, unless the target may have filled them itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tinies import Tiny

TRIGGER = """
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.memo := 'made'; RETURN NEW; END $$;
CREATE TRIGGER noting BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION note();
"""


@pytest.fixture
def unfilled(tiny: Tiny) -> Tiny:
    """Moved into a table with two columns more."""
    columns = "tags text[],\n  memo text,\n  made timestamptz DEFAULT now()"
    tiny.edit("schema.sql", "tags text[]", columns)
    return tiny


def test_a_value_that_nothing_made_is_named(unfilled: Tiny) -> None:
    assert unfilled("run").status == 0
    unfilled.postgres.execute("UPDATE people SET memo = '', made = made - interval '1 day' WHERE name = 'Ada'")
    ended = unfilled("verify", "--json")
    assert ended.status == 1
    (table,) = ended.json["tables"]
    assert (table["compared"], table["not_compared"]) == (["id", "name", "age", "tags", "memo"], ["made"])
    assert (table["counts"]["changed"], table["changed_columns"]) == (1, {"memo": 1})
    (difference,) = table["differences"]
    assert difference["record"] == '{"$oid":"5e0b00000000000000000001"}'
    assert (difference["column"], difference["expected"], difference["found"]) == ("memo", "NULL", '""')


def test_what_a_trigger_may_have_filled_is_not_compared(unfilled: Tiny) -> None:
    unfilled.edit("schema.sql", "CREATE INDEX", f"{TRIGGER}CREATE INDEX")
    assert unfilled("run").status == 0
    unfilled.postgres.execute("UPDATE people SET memo = 'made'")
    ended = unfilled("verify", "--json")
    assert ended.status == 0
    assert ended.json["tables"][0]["not_compared"] == ["memo", "made"]
    unfilled.postgres.execute("ALTER TABLE people DISABLE TRIGGER noting")
    assert unfilled("verify").status == 1


def test_in_sqlite_too(unfilled: Tiny) -> None:
    """There a column takes what is none of its type; and a trigger of any kind counts."""
    columns = "id TEXT PRIMARY KEY, name TEXT NOT NULL, age INTEGER, tags JSON, memo INTEGER, made TEXT DEFAULT 'now'"
    unfilled.write("schema.sql", f"CREATE TABLE people ({columns});")
    unfilled.edit("mapping/people.sql", "p.tags AS tags", "json_of(p.tags) AS tags")
    unfilled.edit("mapping/people.sql", "uuid_of(p._id) AS id", "oid_text(p._id) AS id")
    target = unfilled.root / "target.db"
    url = f"sqlite:///{target}"
    assert unfilled("run", TARGET_URL=url).status == 0
    for planted, shown in (("7", "7"), ("'much'", "memo holds 'much', which is not a valid INTEGER")):
        _run(target, f"UPDATE people SET memo = {planted} WHERE name = 'Ada'")
        ended = unfilled("verify", "--json", TARGET_URL=url)
        assert ended.status == 1
        (difference,) = ended.json["tables"][0]["differences"]
        assert (difference["column"], difference["expected"], difference["found"]) == ("memo", "NULL", shown)
    _run(target, "CREATE TRIGGER noting AFTER INSERT ON people BEGIN UPDATE people SET memo = 1; END")
    ended = unfilled("verify", "--json", TARGET_URL=url)
    assert (ended.status, ended.json["differences"]) == (1, 0)  # the trigger is none of the schema's


def _run(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)
