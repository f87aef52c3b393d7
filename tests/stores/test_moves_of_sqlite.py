"""Whole moves out of SQLite, held against the source by what SQLite itself and the target's server print."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bson import Binary, Decimal128, Int64
from row_project import SETTINGS, open_move, project, rows_of

from crossfade.errors import CrossfadeError, Misused, Stale
from crossfade.model.counts import Counts
from crossfade.pipeline import copy as copying
from scratch import MongoScratch, PostgresScratch, create_database, drop_database

HERE = Path(__file__).parent
KINDS = (HERE / "sqlite_of_all_types.sql").read_text()
CHINOOK = Path(os.environ.get("CROSSFADE_SAMPLES", "")) / "chinook"
KIND_COLUMNS = """
       k.id AS {id}, k.i AS i, k.r AS r, k.t AS t, k.b AS b, k.n AS n, k.d AS d, {anything}(k.anything) AS anything,
       CAST(k.day AS DATE) AS day, CAST(k.at AS TIMESTAMP) AS at, julian_date(k.julian) AS julian,
       epoch_s_date(k.seconds) AS seconds, CAST(k.flag AS BOOLEAN) AS flag, k.js AS js, CAST(k.uid AS UUID) AS uid,
       k.vc AS vc, k.hollow AS hollow, k.gen AS gen, k.kept AS kept
"""
MAPPING = {
    "kinds": f"SELECT {KIND_COLUMNS.format(id='id', anything='ejson_of')} FROM kinds AS k",
    "composite": 'SELECT c."Part A" AS part, c."b.c" AS code, CAST(c.day AS DATE) AS day, c.note AS note'
    " FROM composite AS c",
    "tight": "SELECT ejson_of(t.k) AS k, t.v AS v FROM tight AS t",
    "strict_one": "SELECT s.id AS id, ejson_of(s.a) AS a, s.t AS t, s.r AS r, s.b AS b FROM strict_one AS s",
    "counted": "SELECT c.id AS id, as_text(c.x) AS x FROM counted AS c",
    "odd": 'SELECT o."Id" AS id, o."a b" AS one, o."a.b" AS two, o."select" AS three, o."x#y#5a1b" AS four,'
    ' o."[]" AS five FROM "Odd ""table"" #1" AS o',
    "empty_one": "SELECT e.id AS id, e.x AS x, CAST(e.d AS DATE) AS d FROM empty_one AS e",
    "no_key": "SELECT n.rowid AS number, n.a AS a, n.b AS b FROM no_key AS n",
    "holed": "SELECT h.rowid AS number, h.k AS k, h.v AS v FROM holed AS h",
}
SCHEMA = """
CREATE TABLE kinds (id bigint PRIMARY KEY, i bigint, r double precision, t text, b {bytes}, n {digits},
  d numeric(10,2), anything {json}, day date, at timestamp, julian {moment}, seconds {moment}, flag boolean, js {text},
  uid {uuid}, vc varchar(20), hollow text, gen bigint, kept {digits});
CREATE TABLE composite (part integer, code text, day date, note text, PRIMARY KEY (part, code, day));
CREATE TABLE tight (k text PRIMARY KEY, v integer);
CREATE TABLE strict_one (id integer PRIMARY KEY, a text, t text NOT NULL, r double precision, b {bytes});
CREATE TABLE counted (id bigint PRIMARY KEY, x text);
CREATE TABLE odd (id text PRIMARY KEY, one text, two text, three integer, four integer, five integer);
CREATE TABLE empty_one (id bigint PRIMARY KEY, x text, d date);
CREATE TABLE no_key (number bigint PRIMARY KEY, a integer, b text);
CREATE TABLE holed (number bigint PRIMARY KEY, k text, v integer);
"""
POSTGRESQL = SCHEMA.format(bytes="bytea", digits="numeric", json="json", moment="timestamptz", text="json", uuid="uuid")
SQLITE = SCHEMA.format(bytes="BLOB", digits="TEXT", json="TEXT", moment="timestamp", text="TEXT", uuid="char(32)")
COUNTS = {
    "kinds": 6,
    "composite": 500,
    "tight": 12,
    "strict_one": 3,
    "counted": 3,
    "odd": 2,
    "no_key": 3000,
    "holed": 3,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "source.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(KINDS)
    return path


@pytest.fixture
def target(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'target.db'}"


def moved(folder: Path, schema: str, mapping: Mapping[str, str] = MAPPING, *, more: str = "", mb: float = 1) -> Path:
    (folder / "mapping").mkdir(parents=True)
    (folder / "crossfade.toml").write_text(SETTINGS % mb + more)
    (folder / "schema.sql").write_text(schema)
    for table, sql in mapping.items():
        (folder / "mapping" / f"{table}.sql").write_text(sql)
    return folder


NOT_BC = "UPDATE kinds SET julian = 2460000.25 WHERE julian = 0"


def changed(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(statement)
        connection.commit()


def asked(file: Path | str, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


# Each source column as SQLite prints it, and the target's as PostgreSQL prints it.
PRINTED = {
    "id": ("id", "id"), "i": ("i", "i"), "r": ("r", "r"), "t": ("t", "t"),
    "b": ("CASE WHEN b NOT NULL THEN lower(hex(b)) END", "encode(b, 'hex')"),
    "n": ("CAST(n AS REAL)", "n::float8"), "d": ("printf('%.2f', d)", "coalesce(d::text, '0.00')"),
    "day": ("date(day)", "to_char(day, 'YYYY-MM-DD')"),
    "at": ("substr(at, 1, 19)", "to_char(at, 'YYYY-MM-DD HH24:MI:SS')"),
    "julian": ("CASE WHEN julian > 0 THEN strftime('%Y-%m-%d %H:%M:%f', julian) END",
               "CASE WHEN julian > '0001-01-01' THEN to_char(timezone('UTC', julian), 'YYYY-MM-DD HH24:MI:SS.MS') END"),
    "seconds": ("datetime(seconds, 'unixepoch')", "to_char(seconds AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"),
    "flag": ("flag", "flag::int"), "js": ("js", "js::text"), "uid": ("uid", "uid::text"), "vc": ("vc", "vc"),
    "hollow": ("hollow", "hollow"), "gen": ("gen", "gen"), "kept": ("CAST(kept AS REAL)", "kept::float8"),
}  # fmt: skip


def held_against_postgresql(file: Path, url: str) -> None:
    ours = ", ".join(ours for ours, _ in PRINTED.values())
    theirs = ", ".join(theirs for _, theirs in PRINTED.values())
    with psycopg.connect(url) as connection:
        rows = connection.execute(f"SELECT {theirs} FROM kinds ORDER BY id".encode()).fetchall()
        assert rows == asked(file, f"SELECT {ours} FROM kinds ORDER BY id")
        there = connection.execute("SELECT part, code, day::text, note FROM composite ORDER BY day").fetchall()
        assert there == asked(file, 'SELECT "Part A", "b.c", day, note FROM composite ORDER BY day')
        assert connection.execute("SELECT a, b FROM no_key ORDER BY a").fetchall() == asked(
            file, "SELECT a, b FROM no_key ORDER BY a"
        )
        assert connection.execute("SELECT k, v FROM holed ORDER BY v").fetchall() == [(None, 1), (None, 2), ("a", 3)]
        assert connection.execute("SELECT x FROM counted ORDER BY id").fetchall() == [("1",), ("two",), ("3",)]
        mixed = connection.execute("SELECT anything FROM kinds ORDER BY id").fetchall()
        assert [json.dumps(value) for (value,) in mixed] == [
            '{"$numberDouble": "7.25"}', '{"$numberLong": "7"}', "null",
            '{"$binary": {"base64": "Nw==", "subType": "00"}}', "null", '"7"',
        ]  # fmt: skip


def test_into_postgresql(file: Path, pg_db: PostgresScratch, tmp_path: Path) -> None:
    folder = moved(tmp_path / "p", POSTGRESQL)
    with open_move(folder, f"sqlite:///{file}", pg_db.url) as move:
        move.survey()
        assert [f.message for f in move.check() if f.severity == "fault"] == []
        counts = {e.entity: e.counts for e in move.copy().entities}
        assert all(each.balanced and not each.quarantined for each in counts.values())
        assert {n.replace('Odd "table" #1', "odd"): c.copied for n, c in counts.items() if c.copied} == COUNTS
        assert move.verify().equal
    held_against_postgresql(file, pg_db.url)


def test_corruptions_of_every_column_are_found(file: Path, pg_db: PostgresScratch, tmp_path: Path) -> None:
    folder = moved(tmp_path / "p", POSTGRESQL)
    with open_move(folder, f"sqlite:///{file}", pg_db.url) as move:
        move.survey()
        move.copy()
        columns = [name for name in re.findall(r" AS (\w+)", KIND_COLUMNS) if name not in ("id", "DATE", "hollow")]
        columns = [name for name in columns if name.islower()]
        for name in columns:  # of the row that has none
            pg_db.execute(f"UPDATE kinds SET {name} = (SELECT k.{name} FROM kinds AS k WHERE k.id = 1) WHERE id = 2")
        pg_db.execute("DELETE FROM composite WHERE day = '2024-01-02'")
        pg_db.execute("INSERT INTO counted VALUES (99, 'x')")
        pg_db.execute("UPDATE tight SET v = v + 1 WHERE v = 7")
        verdict = move.verify()
    assert not verdict.equal
    found = {t.table: t for t in verdict.tables}
    assert {*found["kinds"].changed_columns} == {*columns}
    assert found["composite"].counts["missing"] == 1
    assert found["counted"].counts["extra"] == 1
    assert found["tight"].changed_columns == {"v": 1}


def test_into_sqlite(file: Path, target: str, tmp_path: Path) -> None:
    changed(file, NOT_BC)
    mapping = {
        **MAPPING,
        "kinds": MAPPING["kinds"].replace("CAST(k.uid AS UUID)", "k.uid"),
    }
    folder = moved(tmp_path / "p", SQLITE.replace("char(32)", "TEXT"), mapping)
    with open_move(folder, f"sqlite:///{file}", target) as move:
        move.survey()
        assert [f.message for f in move.check() if f.severity == "fault"] == []
        assert all(e.counts.balanced for e in move.copy().entities)
        assert [(e.entity, e.key, e.reason, e.detail) for e in move.quarantine()] == []
        assert move.verify().equal
    made = target.removeprefix("sqlite:///")
    for same in (
        "id",
        "i",
        "typeof(i)",
        "r",
        "typeof(r)",
        "t",
        "b",
        "typeof(b)",
        "day",
        "flag",
        "js",
        "uid",
        "vc",
        "gen",
    ):
        query = f"SELECT {same} FROM kinds ORDER BY id"
        assert asked(made, query) == asked(file, query), same
    query = "SELECT id, strftime('%Y-%m-%d %H:%M:%f', {}) FROM kinds WHERE id > 0 ORDER BY id"
    assert asked(made, query.format("at")) == asked(file, query.format("at"))
    assert asked(made, query.format("julian")) == asked(file, query.format("julian"))
    assert asked(made, "SELECT part, code, day, note FROM composite ORDER BY day") == asked(
        file, 'SELECT "Part A", "b.c", day, note FROM composite ORDER BY day'
    )
    with closing(sqlite3.connect(made)) as connection:
        connection.execute("UPDATE composite SET note = note || ' ' WHERE note = 'n7'")
        connection.execute("UPDATE kinds SET r = r + 0.25 WHERE id = 1")
        connection.execute("DELETE FROM odd WHERE id = 'k1'")
        connection.commit()
    with open_move(folder, f"sqlite:///{file}", target) as move:
        found = {t.table: t for t in move.verify().tables}
    assert (found["composite"].changed_columns, found["kinds"].changed_columns) == ({"note": 1}, {"r": 1})
    assert found["odd"].counts["missing"] == 1


FIELDS = {
    "_id": "long", "i": "long", "r": "double", "t": "string", "b": "binData", "n": "decimal", "d": "decimal",
    "anything": "string", "day": "date", "at": "date", "julian": "date", "seconds": "date", "flag": "bool",
    "js": "string", "uid": "binData", "vc": "string", "hollow": "string", "gen": "long", "kept": "decimal",
}  # fmt: skip


def test_into_mongodb(file: Path, mongo_db: MongoScratch, tmp_path: Path) -> None:
    changed(file, "UPDATE kinds SET at = '9999-12-31 23:59:59.999' WHERE at LIKE '9999%'")  # MongoDB has milliseconds
    changed(file, NOT_BC)
    properties = {name: {"bsonType": kind} for name, kind in FIELDS.items()}
    schema = {"required": ["_id"], "properties": properties}
    kinds = f"SELECT {KIND_COLUMNS.format(id='_id', anything='ejson_of')} FROM kinds AS k"
    kinds = kinds.replace("CAST(k.at AS TIMESTAMP)", "timezone('UTC', CAST(k.at AS TIMESTAMP))")
    folder = moved(tmp_path / "p", "", {"kinds": kinds})
    settings = (folder / "crossfade.toml").read_text().replace("schema.sql", "schema.json")
    (folder / "crossfade.toml").write_text('entities = ["kinds"]\n' + settings)
    collection = {"validator": {"$jsonSchema": schema}, "types": {"uid": "uuid"}}
    (folder / "schema.json").write_text(json.dumps({"collections": {"kinds": collection}}))
    with open_move(folder, f"sqlite:///{file}", mongo_db.url) as move:
        move.survey()
        assert [f.message for f in move.check() if f.severity == "fault"] == []
        (entity,) = move.copy().entities
        assert entity.counts == Counts(6, 6, 0, 0)
        assert move.verify().equal
        documents = {document["_id"]: document for document in mongo_db.db.kinds.find()}
        one = documents[1]
        assert (one["i"], type(one["i"]), one["r"], one["n"]) == (7, Int64, 1.5, Decimal128("12.5"))
        assert (one["b"], one["uid"].subtype) == (b"\x00\xff\x10", 4)
        assert isinstance(one["uid"], Binary)
        assert documents[2].keys() == {"_id"}
        assert [
            documents[row[0]]["t"] for row in asked(file, "SELECT id FROM kinds WHERE t IS NOT NULL ORDER BY id")
        ] == [row[0] for row in asked(file, "SELECT t FROM kinds WHERE t IS NOT NULL ORDER BY id")]
        mongo_db.db.kinds.update_one({"_id": 1}, {"$set": {"r": 1.75}})
        assert not move.verify().equal


COPY = """
import os, signal, sys
from pathlib import Path
from crossfade.journal import journal
from row_project import open_move

folder, source, target, workers, chunks = sys.argv[1:]
finish, left = journal.finish_chunk, int(chunks)

def dying(*args, **kwargs):
    global left
    finish(*args, **kwargs)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

journal.finish_chunk = dying
with open_move(Path(folder), source, target, workers=int(workers)) as move:
    move.copy()
"""


def test_killed_and_resumed(file: Path, pg_db: PostgresScratch, tmp_path: Path) -> None:
    """kill -9 in the middle of a chunk, with rows that nobody has committed: then the same command again."""
    folder = moved(tmp_path / "p", POSTGRESQL, mb=0.002)
    source = f"sqlite:///{file}"
    with open_move(folder, source, pg_db.url) as move:
        move.survey()
    run = [sys.executable, "-c", COPY, str(folder), source, pg_db.url]
    for chunks in ("2", "3"):
        killed = subprocess.run([*run, "1", chunks], cwd=HERE, env={**os.environ, "PYTHONPATH": str(HERE)}, check=False)
        assert killed.returncode == -signal.SIGKILL
    with open_move(folder, source, pg_db.url, workers=2) as move:
        assert 0 < sum(e.counts.copied for e in move.status().entities) < sum(COUNTS.values())
        move.copy()
        assert move.verify().equal
    held_against_postgresql(file, pg_db.url)


def test_refused_rows_are_kept_whole_and_come_in_again(file: Path, target: str, tmp_path: Path) -> None:
    changed(file, "INSERT INTO strict_one VALUES (4, x'ff', CAST(x'61ff' AS TEXT), 9e999, x'00')")
    mapping = {"strict_one": MAPPING["strict_one"], "counted": "SELECT c.id AS id, as_int(c.x) AS x FROM counted AS c"}
    schema = SQLITE.replace("counted (id bigint PRIMARY KEY, x text)", "counted (id bigint PRIMARY KEY, x bigint)")
    folder = moved(tmp_path / "p", schema, mapping)
    settings = (folder / "crossfade.toml").read_text() + "limits.stop_at = 1.0\n"
    (folder / "crossfade.toml").write_text('entities = ["counted", "strict_one"]\n' + settings)
    source = f"sqlite:///{file}"
    with open_move(folder, source, target) as move:
        move.survey()
        counts = {e.entity: e.counts for e in move.copy().entities}
        assert counts == {"counted": Counts(3, 2, 1, 0), "strict_one": Counts(4, 3, 1, 0)}
        held = {e.entity: e for e in move.quarantine()}
        assert (held["strict_one"].reason, held["counted"].key) == ("invalid_utf8", '["2"]')
        _, raw = move.quarantined_record(held["strict_one"].id)
        assert move.records.document(raw)["document"]["row"] == {
            "id": "4", "a": "x'ff'", "t": "CAST(x'61ff' AS TEXT)", "r": "9e999", "b": "x'00'",
        }  # fmt: skip
        assert move.verify().equal
        (folder / "mapping" / "counted.sql").write_text(
            "SELECT c.id AS id, CASE WHEN type_of(c.x) = 'integer' THEN as_int(c.x) WHEN c.id = 2"
            " THEN length(as_text(c.x)) END AS x FROM counted AS c"
        )
    with open_move(folder, source, target) as move:
        assert {r.outcome for r in move.retry()} >= {"copied"}
    assert asked(target.removeprefix("sqlite:///"), "SELECT x FROM counted ORDER BY id") == [(1,), (3,), (3,)]


WRITE = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"


def test_a_write_during_the_copy_is_said(
    file: Path, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process writes a file in WAL mode: the copy reads one state, and says which tables changed."""
    asked(file, "PRAGMA journal_mode = WAL")
    folder = moved(tmp_path / "p", SQLITE.replace("char(32)", "TEXT"), {"composite": MAPPING["composite"]})
    (folder / "crossfade.toml").write_text('entities = ["composite"]\n' + (folder / "crossfade.toml").read_text())
    real = copying.copy

    def written(*args: Any, **kwargs: Any) -> Any:
        subprocess.run([sys.executable, "-c", WRITE, str(file), "DELETE FROM composite"], check=True)
        return real(*args, **kwargs)

    with open_move(folder, f"sqlite:///{file}", target) as move:
        move.survey()
        monkeypatch.setattr(copying, "copy", written)
        with pytest.raises(Stale, match="composite"):
            move.copy()
        assert move.status().stage != "finished"


def test_a_row_that_is_looked_up_by_several_texts_is_there_once(target: str, tmp_path: Path) -> None:
    """A collation that ignores case finds a row by any of them; a mapping joins it with the one that has its bytes."""
    file = tmp_path / "source.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE users (name TEXT COLLATE NOCASE PRIMARY KEY, v TEXT)")
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, who TEXT, v TEXT)")
        connection.executemany("INSERT INTO users VALUES (?, 'v')", [("anna",), *((f"u{n}",) for n in range(2000))])
        whose = ["Anna", "anna", *(f"u{n}" for n in range(2000)), "ANNA", "anna"]
        connection.executemany("INSERT INTO orders (who, v) VALUES (?, ?)", [(who, "x" * 1000) for who in whose])
        connection.commit()
    folder = moved(
        tmp_path / "project",
        "CREATE TABLE orders (id bigint PRIMARY KEY, who text, users bigint, v text)",
        {
            "orders": "SELECT o.id AS id, o.who AS who, count(u.name) AS users, o.v AS v FROM orders AS o"
            " LEFT JOIN users AS u ON u.name = o.who GROUP BY o.id, o.who, o.v"
        },
        more='[[discard]]\nentity = "users"\nreason = "it is looked up"\n',
    )
    for mb in (1, 10):
        (folder / "crossfade.toml").write_text(
            (folder / "crossfade.toml").read_text().replace("_mb = 1", f"_mb = {mb}")
        )
        with open_move(folder, f"sqlite:///{file}", target) as move:
            move.survey()
            move.copy()
            path = target.removeprefix("sqlite:///")
            assert asked(path, "SELECT users, count(*) FROM orders GROUP BY users") == [(0, 2), (1, 2002)]
            assert move.verify().equal
            move.reset()


def test_rows_that_an_index_hides_are_missed(target: str, tmp_path: Path) -> None:
    """An index in another order than its column has now: what a new version of an operating system makes of those of
    PostgreSQL. Both the copy and the verification read by it.
    """
    file = tmp_path / "source.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE names (name TEXT COLLATE NOCASE PRIMARY KEY, v TEXT)")
        names = [*(f"A{n:03}" for n in range(300)), "b", *(f"C{n:03}" for n in range(299))]
        connection.executemany("INSERT INTO names VALUES (?, ?)", [(name, "x" * 1000) for name in names])
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, 'NOCASE', 'BINARY')")
        connection.commit()
    folder = moved(
        tmp_path / "project",
        "CREATE TABLE names (name text PRIMARY KEY, v text)",
        {"names": "SELECT n.name AS name, n.v AS v FROM names AS n"},
        mb=0.1,
    )
    with open_move(folder, f"sqlite:///{file}", target) as move:
        move.survey()
        move.copy()
        with pytest.raises(CrossfadeError, match=r"names has \d+ records, counted at once 600;"):
            move.verify()


def test_the_file_of_the_source_is_no_target(file: Path, tmp_path: Path) -> None:
    table = "CREATE TABLE copied (part integer, code text, day date, note text, PRIMARY KEY (part, code, day));"
    folder = moved(tmp_path / "p", "", {"copied": MAPPING["composite"]})
    settings = (folder / "crossfade.toml").read_text().replace("schema.sql", "live")
    (folder / "crossfade.toml").write_text('entities = ["composite"]\n' + settings)
    changed(file, table)
    with open_move(folder, f"sqlite:///{file}", f"sqlite:///{file.parent}/./{file.name}") as move:
        move.survey()
        with pytest.raises(Misused, match="the file of the source"):
            move.copy()


LOOKUPS = {
    "teams": """
        SELECT t.id AS id, t.name AS name,
               to_json(list(u.mail ORDER BY u.id) FILTER (WHERE u.mail IS NOT NULL)) AS members
        FROM teams AS t LEFT JOIN users AS u ON u.team = t.id GROUP BY t.id""",
    "users": """
        SELECT u.id AS id, u.mail AS mail, t.name AS team, s.seat AS seat
        FROM users AS u LEFT JOIN teams AS t ON t.id = u.team
        LEFT JOIN seats AS s ON s.floor = u.floor AND s.desk = u.desk""",
}
LOOKED_UP = """
CREATE TABLE teams (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE seats (floor INT, desk TEXT, seat TEXT, PRIMARY KEY (floor, desk)) WITHOUT ROWID;
CREATE TABLE users (id INTEGER PRIMARY KEY, mail TEXT NOT NULL, team INT, floor INT, desk TEXT);
INSERT INTO teams VALUES (1, 'one'), (2, 'two'), (3, 'empty');
INSERT INTO seats VALUES (1, '7', '1a'), (1, 'b', '1b'), (2, 'a', '2a');
INSERT INTO users VALUES (1, 'x', 1, 1, '7'), (2, 'y', 2, 1, 'b'), (3, 'z', 1, 2, 'b'), (4, 'w', NULL, NULL, NULL);
"""
LOOKED_UP_TARGET = """
CREATE TABLE teams (id bigint PRIMARY KEY, name text NOT NULL, members json);
CREATE TABLE users (id bigint PRIMARY KEY, mail text NOT NULL, team text, seat text);
"""


def test_lookups_by_key_by_column_and_by_composite_keys(target: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "s.db")) as connection:
        connection.executescript(LOOKED_UP)
    more = '[[discard]]\nentity = "seats"\nreason = "in the users"\n\n' + "\n".join(
        f'[[discard]]\nentity = "users"\npath = "{name}"\nreason = "looked up"\n' for name in ("team", "floor", "desk")
    )
    folder = moved(tmp_path / "p", LOOKED_UP_TARGET, LOOKUPS, more=more)
    with open_move(folder, f"sqlite:///{tmp_path / 's.db'}", target) as move:
        move.survey()
        assert [f.message for f in move.check() if f.severity == "fault"] == []
        move.copy()
        assert move.verify().equal
    made = target.removeprefix("sqlite:///")
    assert asked(made, "SELECT id, team, seat FROM users ORDER BY id") == [
        (1, "one", "1a"), (2, "two", "1b"), (3, "one", None), (4, None, None),
    ]  # fmt: skip
    assert asked(made, "SELECT id, members FROM teams ORDER BY id") == [(1, '["x","z"]'), (2, '["y"]'), (3, None)]


@pytest.fixture
def second(pg_db: PostgresScratch) -> Iterator[str]:
    name = pg_db.name + "_back"
    with psycopg.connect(pg_db.url, autocommit=True) as connection:
        create_database(connection, name)
        yield pg_db.url.rpartition("/")[0] + f"/{name}"
        drop_database(connection, name)


def _back(schema: str) -> dict[str, str]:
    """Mappings of Chinook's tables out of SQLite: only moments have to be read."""
    made = {}
    for table, body in re.findall(r"CREATE TABLE (\w+)\s*\((.*?)\n\);", schema, re.DOTALL):
        columns = re.findall(r"^\s+(\w+) (INT|VARCHAR|NUMERIC|TIMESTAMP)", body, re.MULTILINE)
        outputs = (f"CAST(x.{n} AS TIMESTAMP) AS {n}" if t == "TIMESTAMP" else f"x.{n} AS {n}" for n, t in columns)
        made[table] = f"SELECT {', '.join(outputs)} FROM {table} AS x"
    return made


@pytest.mark.skipif(not CHINOOK.is_dir(), reason="CROSSFADE_SAMPLES names no folder with chinook")
def test_chinook_there_and_back(pg_db: PostgresScratch, second: str, target: str, tmp_path: Path) -> None:
    text = (CHINOOK / "Chinook_PostgreSql.sql").read_text()
    text = text[text.index("\\c chinook;") + len("\\c chinook;") :]
    with psycopg.connect(pg_db.url) as connection:
        connection.execute(text.encode())
    tables = "".join(re.findall(r"CREATE TABLE .*?;\n", text, re.DOTALL))
    back = moved(tmp_path / "back", tables, _back(tables))
    for folder, source, to in ((project(tmp_path / "p", pg_db.url, tables), pg_db.url, target), (back, target, second)):
        with open_move(folder, source, to, workers=2) as move:
            move.survey()
            assert sum(e.counts.copied for e in move.copy().entities) == 15_607
            assert move.verify().equal
    for table in re.findall(r"CREATE TABLE (\w+)", tables):
        assert rows_of(second, table) == rows_of(pg_db.url, table), table
