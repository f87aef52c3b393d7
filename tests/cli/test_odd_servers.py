"""A whole move with servers in unusual configurations: equal, or quarantined with a reason."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bson import Binary

from calling import call
from odd_settings import odd_database
from scratch import MongoScratch

PEOPLE: list[dict[str, Any]] = [
    {
        "_id": 1,
        "name": "back\\slash 'quote' \"double\" {brace}",
        "ratio": 0.1 + 0.2,
        "born": dt.datetime(1999, 12, 31, 23, 59, 59, 999000),
        "tags": ["NULL", "a,b", "\\", None],
        "photo": Binary(b"\x00\\'\xff"),
        "pause": "1 day 02:03:04.5",
        "price": "12.34",
        "kind": "text",
    },
    {"_id": 2, "name": "plain", "ratio": -1e-300, "born": dt.datetime(2024, 3, 4), "tags": [], "kind": "integer"},
]
ELSEWHERE = {"_id": "日本", "name": "日本語"}

CONFIGURATION = """
[source]
url = "${SOURCE_URL}"
[target]
url = "${TARGET_URL}"
schema = "schema.sql"
[limits]
quarantine = 1.0
"""
SCHEMA = """
CREATE TABLE people (
  id text PRIMARY KEY, name text NOT NULL, ratio float8, born timestamptz, tags text[], photo bytea,
  pause interval, price money, kind regtype, joined date DEFAULT '2024-01-02', span interval DEFAULT '1 2:03'
);
CREATE INDEX people_name ON people (lower(name));
CREATE VIEW named AS SELECT name FROM people WHERE name = NULL OR name <> '';
"""
MAPPING = """
SELECT CAST(p._id AS VARCHAR) AS id, p.name AS name, p.ratio AS ratio, p.born AS born, p.tags AS tags,
       p.photo AS photo, p.pause AS pause, p.price AS price, p.kind AS kind
FROM people AS p
"""
LETTERS = 'SELECT p._id AS id, p.name AS name FROM "日本" AS p'
RULE = (
    "-- NULL is no name\nSELECT id FROM people WHERE name IS NULL OR price <> 12.34::money OR to_jsonb(now()) IS NULL"
)
PLAIN = " ".join(
    f"-c {setting}"
    for setting in (
        "search_path=public",
        "TimeZone=UTC",
        "DateStyle=ISO",
        "IntervalStyle=postgres",
        "extra_float_digits=1",
    )
)


def _write(root: Path, letters: str) -> None:
    files = {
        "crossfade.toml": CONFIGURATION,
        "schema.sql": SCHEMA + f"CREATE TABLE {letters} (id text PRIMARY KEY, name text);\n",
        "mapping/people.sql": MAPPING,
        f"mapping/{letters}.sql": LETTERS,
        "rules/names.sql": RULE,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        (root / name).write_text(text, encoding="utf-8")


def _query(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, client_encoding="UTF8", options=PLAIN) as connection:
        return connection.execute(statement.encode()).fetchall()


ENCODINGS = [("UTF8", True), ("EUC_JP", True), ("SQL_ASCII", True), ("LATIN1", False)]


@pytest.mark.parametrize(("encoding", "takes_all"), ENCODINGS)
def test_a_whole_move(
    mongo_db: MongoScratch,
    postgresql_url: str,
    tmp_path: Path,
    encoding: str,
    takes_all: bool,
) -> None:
    _write(tmp_path, "letters")
    mongo_db.db.people.insert_many(PEOPLE)
    mongo_db.db["日本"].insert_one(ELSEWHERE)
    with odd_database(postgresql_url, encoding) as target:
        settings = {"SOURCE_URL": mongo_db.url, "TARGET_URL": target, "CROSSFADE_PROJECT": str(tmp_path)}
        settings |= {"CROSSFADE_WORKERS": "1", "PGCLIENTENCODING": "WIN1252"}
        ended = call("survey", **settings)
        assert ended.status == 0, ended
        ended = call("run", "--json", **settings)
        assert ended.status == 0, ended
        status = call("status", "--json", **settings).json
        counts = {e["entity"]: e for e in status["entities"]}
        assert (counts["people"]["source"], counts["people"]["copied"]) == (2, 2)
        assert counts["日本"]["copied" if takes_all else "quarantined"] == 1
        found = _query(target, "SELECT name, ratio, born::text, tags, photo, pause, price::numeric::text"
                               " FROM people ORDER BY id")  # fmt: skip
        first = PEOPLE[0]
        assert found[0][0:2] == (first["name"], first["ratio"])
        assert found[0][2:5] == ("1999-12-31 23:59:59.999+00", first["tags"], bytes(first["photo"]))
        assert found[0][5:] == (dt.timedelta(days=1, hours=2, minutes=3, seconds=4.5), "12.34")
        assert _query(target, "SELECT DISTINCT joined::text, span::text FROM people") == [
            ("2024-01-02", "1 day 02:03:00")
        ]
        if takes_all:
            assert _query(target, "SELECT id, name FROM letters") == [("日本", "日本語")]
        else:
            _the_quarantine_keeps(settings)


def _the_quarantine_keeps(settings: dict[str, str]) -> None:
    """What no letter of the target can spell is read back as it was."""
    (entry,) = call("quarantine", "list", "--each", "--json", **settings).json["entries"]
    assert (entry["entity"], entry["reason"]) == ("日本", "bad_value")
    shown = call("quarantine", "show", entry["id"], "--json", **settings).json
    assert "日本語" in str(shown["document"])
