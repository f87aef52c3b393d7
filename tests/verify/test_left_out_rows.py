"""Rows that a mapping's own condition leaves out are counted for each table, and listed with the discards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossfade.cli.app import main

SETTINGS = """
name = "left out"
source.url = "dump:source"
target.url = "sqlite:///t.db"
target.schema = "schema.sql"
limits.quarantine = 1.0
[[discard]]
table = "lines"
reason = "nothing was ordered"
[[discard]]
table = "paid"
reason = "of no customer that we know"
[[discard]]
table = "kinds"
reason = "of old kinds"
"""
SCHEMA = """
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, name TEXT CHECK (name <> 'bad'));
CREATE TABLE lines (order_id INTEGER, n INTEGER, count INTEGER, PRIMARY KEY (order_id, n));
CREATE TABLE paid (id INTEGER PRIMARY KEY, who TEXT);
CREATE TABLE kinds (id TEXT PRIMARY KEY);
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, kind TEXT, level TEXT);
"""
MAPPING = {
    "orders": "SELECT o._id AS id, o.customer AS customer, o.name AS name FROM orders AS o",
    "lines": "SELECT o._id AS order_id, l.n AS n, l.line.count AS count"
    " FROM orders AS o, unnest(o.lines) WITH ORDINALITY AS l(line, n) WHERE l.line.count > 0",
    "paid": "SELECT o._id AS id, c.name AS who FROM orders AS o JOIN customers AS c ON c._id = o.customer",
    "kinds": "SELECT c._id || '-kind' AS id FROM customers AS c WHERE c.kind = 'new'"
    " UNION ALL SELECT c._id || '-level' AS id FROM customers AS c WHERE c.level = 'new'",
    "customers": "SELECT c._id AS id, c.name AS name, c.kind AS kind, c.level AS level FROM customers AS c",
}
SOURCE = {
    "orders": [
        {"_id": 1, "customer": 1, "name": "a", "lines": [{"count": 1}, {"count": 0}, {"count": -1}]},
        {"_id": 2, "customer": 9, "name": "b", "lines": [{"count": 2}]},
        {"_id": 3, "customer": 9, "name": "bad", "lines": [{"count": 0}, {"count": 3}]},  # in quarantine, whole
        {"_id": 4, "customer": 2, "name": "c", "lines": []},
    ],
    "customers": [
        {"_id": 1, "name": "Ann", "kind": "new", "level": "old"},
        {"_id": 2, "name": "Ben", "kind": "old", "level": "old"},
    ],
}


def test_rows_that_a_condition_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("source", "mapping"):
        (tmp_path / folder).mkdir()
    (tmp_path / "crossfade.toml").write_text(SETTINGS)
    (tmp_path / "schema.sql").write_text(SCHEMA)
    for table, sql in MAPPING.items():
        (tmp_path / "mapping" / f"{table}.sql").write_text(sql)
    for name, documents in SOURCE.items():
        (tmp_path / "source" / f"{name}.jsonl").write_text("".join(json.dumps(d) + "\n" for d in documents))
    assert main(["run", "--json"]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert {t["table"]: t["left_out"] for t in report["tables"]} == {
        "orders": 0,
        "lines": 2,
        "paid": 1,
        "kinds": 3,
        "customers": 0,
    }
    listed = {one["what"]: one["rows"] for one in report["left_behind"] if one["kind"] == "rows"}
    assert listed == {"lines": 2, "paid": 1, "kinds": 3}
    capsys.readouterr()
    main(["verify"])
    assert "6 rows" in capsys.readouterr().out
