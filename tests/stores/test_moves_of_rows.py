"""Whole moves out of PostgreSQL, held against the source by what the servers print: by no path of ours."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from row_project import SETTINGS, open_move, project, rows_of

from crossfade.errors import Stale, Uncovered
from crossfade.model.counts import Counts
from crossfade.transform.lookup import LookupReader
from scratch import PostgresScratch, create_database, drop_database

HERE = Path(__file__).parent
KINDS = (HERE / "rows_of_all_types.sql").read_text()
CHINOOK = Path(os.environ.get("CROSSFADE_SAMPLES", "")) / "chinook"
WITHOUT = "no_key"
MORE = """
[[discard]]
entity = "kinds"
path = "gen"
reason = "the target computes it"

[[discard]]
entity = "no_key"
reason = "a log that nobody reads"
"""
TABLES = (
    "kinds",
    "composite",
    '"odd Schema"."Odd ""table"" #1"',
    "unique_only",
    "parted",
    "f_key",
    "ONLY base",
    "child",
)


def target_schema() -> str:
    """The tables as they are, each with a primary key, and what was partitioned or inherited on its own."""
    made = [s for s in re.split(r";\n", KINDS) if s.startswith(("CREATE TABLE", "CREATE TYPE", "CREATE DOMAIN"))]
    text = ";\n".join(['CREATE SCHEMA "odd Schema"', *(s for s in made if "PARTITION OF" not in s)]) + ";\n"
    text = text.replace(" PARTITION BY RANGE (at)", "").replace("k text NOT NULL UNIQUE", "k text PRIMARY KEY")
    return text.replace(
        "child (more int, PRIMARY KEY (id)) INHERITS (base)", "child (id int PRIMARY KEY, kind text, more int)"
    )


@pytest.fixture
def filled(pg_db: PostgresScratch) -> PostgresScratch:
    with psycopg.connect(pg_db.url) as connection:
        connection.execute(KINDS)
    return pg_db


@pytest.fixture
def new_target(postgresql_url: str, pg_db: PostgresScratch) -> Iterator[str]:
    name = pg_db.name + "_target"
    with psycopg.connect(pg_db.url, autocommit=True) as connection:
        create_database(connection, name)
        yield pg_db.url.rpartition("/")[0] + f"/{name}"
        drop_database(connection, name)


def test_every_type_and_every_kind_of_key(filled: PostgresScratch, new_target: str, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", filled.url, target_schema(), more=MORE, leave=WITHOUT)
    with open_move(folder, filled.url, new_target) as move:
        move.survey()
        assert [f.message for f in move.check() if f.severity == "fault"] == []
        status = move.copy()
        assert all(e.counts.balanced and not e.counts.quarantined for e in status.entities)
        assert move.verify().equal
    for table in TABLES:
        assert rows_of(new_target, table) == rows_of(filled.url, table), table


def test_corruptions_of_every_column_are_found_and_repaired(
    filled: PostgresScratch, new_target: str, tmp_path: Path
) -> None:
    folder = project(tmp_path / "p", filled.url, target_schema(), more=MORE, leave=WITHOUT)
    with open_move(folder, filled.url, new_target) as move:
        move.survey()
        move.copy()
        with psycopg.connect(new_target) as connection:
            columns = connection.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = 'kinds'::regclass AND attnum > 0"
                " AND attgenerated = '' AND attidentity = '' AND attname <> 'i4'"
            ).fetchall()
            for (name,) in columns:  # of the row that has none
                other = f'(SELECT k."{name}" FROM kinds AS k WHERE k.id = 1)'
                connection.execute(f'UPDATE kinds SET "{name}" = {other} WHERE id = 2'.encode())
            connection.execute("DELETE FROM composite WHERE day = '2024-01-02'")
            connection.execute("INSERT INTO unique_only VALUES ('k0', 0)")
            connection.execute("UPDATE parted SET v = v || ' ' WHERE id = 7")
        verdict = move.verify()
        move.repair()
    for table in TABLES:
        assert rows_of(new_target, table) == rows_of(filled.url, table), table
    assert not verdict.equal
    found = {t.table: t for t in verdict.tables}
    assert {*found["kinds"].changed_columns} == {name for (name,) in columns}
    assert found["composite"].counts["missing"] == 1
    assert found["unique_only"].counts["extra"] == 1
    assert found["parted"].changed_columns == {"v": 1}


def test_refused_rows_are_kept_whole_and_come_in_again(
    filled: PostgresScratch, new_target: str, tmp_path: Path
) -> None:
    schema = target_schema().replace("note text, PRIMARY KEY", "note text NOT NULL, PRIMARY KEY")
    more = MORE.replace("\n[[discard]]", "\nlimits.stop_at = 1.0\n\n[[discard]]", 1)
    folder = project(tmp_path / "p", filled.url, schema, more=more, leave=WITHOUT)
    with open_move(folder, filled.url, new_target) as move:
        move.survey()
        by_entity = {e.entity: e.counts for e in move.copy().entities}
        assert by_entity["composite"] == Counts(500, 334, 166, 0)
        held = move.quarantine()
        assert {e.reason for e in held} == {"not_null"}
        entry, raw = move.quarantined_record(held[0].id)
        document = move.records.document(raw)["document"]
        assert list(document["row"]) == ["Part A", "b.c", "day", "note"]
        assert move.records.codec.key(raw) == entry.key
        assert move.verify().equal
        mapping = folder / "mapping" / "composite.sql"
        mapping.write_text(mapping.read_text().replace('x."note"', "coalesce(x.\"note\", '-')"))
    with open_move(folder, filled.url, new_target) as move:
        assert {r.outcome for r in move.retry()} == {"copied"}
        assert [t.rows for t in move.verify().tables if t.table == "composite"] == [500]


def test_into_sqlite(filled: PostgresScratch, tmp_path: Path) -> None:
    schema = """
        CREATE TABLE composite ("Part A" integer, "b.c" text, day date, note text, PRIMARY KEY ("Part A", "b.c", day));
        CREATE TABLE parted (id integer, at timestamptz NOT NULL, v text, PRIMARY KEY (id, at));
    """
    more = 'entities = ["composite", "parted"]\n'
    leave = "kinds no_key unique_only base child empty_one f_key"
    folder = project(tmp_path / "p", filled.url, schema, leave=leave)
    (folder / "mapping" / 'odd Schema.Odd "table" #1.sql').unlink()
    (folder / "crossfade.toml").write_text(more + (folder / "crossfade.toml").read_text())
    file = tmp_path / "out.db"
    with open_move(folder, filled.url, f"sqlite:///{file}") as move:
        move.survey()
        move.copy()
        assert move.verify().equal
    with closing(sqlite3.connect(file)) as connection, psycopg.connect(filled.url) as source:
        rows = connection.execute('SELECT "Part A", "b.c", day, note FROM composite ORDER BY day').fetchall()
        asked = source.execute('SELECT "Part A", "b.c", day::text, note FROM composite ORDER BY day').fetchall()
        assert rows == asked
        assert connection.execute("SELECT count(*) FROM parted").fetchone() == (400,)


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


def test_killed_and_resumed(filled: PostgresScratch, new_target: str, tmp_path: Path) -> None:
    """kill -9 in the middle of a chunk, with rows that nobody has committed: then the same command again."""
    folder = project(tmp_path / "p", filled.url, target_schema(), more=MORE, leave=WITHOUT, chunk_mb=0.01)
    with open_move(folder, filled.url, new_target) as move:
        move.survey()
    run = [sys.executable, "-c", COPY, str(folder), filled.url, new_target]
    for chunks in ("2", "3"):
        killed = subprocess.run([*run, "1", chunks], cwd=HERE, env={**os.environ, "PYTHONPATH": str(HERE)}, check=False)
        assert killed.returncode == -signal.SIGKILL
    with open_move(folder, filled.url, new_target, workers=2) as move:
        before = sum(e.counts.copied for e in move.status().entities)
        assert 0 < before < 1064
        move.copy()
        assert move.verify().equal
    for table in TABLES:
        assert rows_of(new_target, table) == rows_of(filled.url, table), table


LOOKUPS = {
    "teams": """
        SELECT t.id AS id, t.name AS name, list(u.mail ORDER BY u.id) FILTER (WHERE u.mail IS NOT NULL) AS members,
               count(u.id) AS n
        FROM teams AS t LEFT JOIN users AS u ON u.team = t.id GROUP BY t.id""",
    "users": """
        SELECT u.id AS id, u.mail AS mail, t.name AS team, s.seat AS seat
        FROM users AS u LEFT JOIN teams AS t ON t.id = u.team
        LEFT JOIN seats AS s ON s.floor = u.floor AND s.desk = u.desk""",
}
LOOKED_UP = """
CREATE TABLE teams (id numeric PRIMARY KEY, name text NOT NULL);
CREATE TABLE seats (floor int, desk text, seat text, PRIMARY KEY (floor, desk));
CREATE TABLE users (id bigint PRIMARY KEY, mail text NOT NULL, team numeric, floor int, desk text);
INSERT INTO teams VALUES (1, 'one'), (2.0, 'two'), (3, 'empty');
INSERT INTO seats VALUES (1, 'a', '1a'), (1, 'b', '1b'), (2, 'a', '2a');
INSERT INTO users VALUES (1, 'x', 1.0, 1, 'a'), (2, 'y', 2, 1, 'b'), (3, 'z', 1, 2, 'b'), (4, 'w', NULL, NULL, NULL);
"""
LOOKED_UP_TARGET = """
CREATE TABLE teams (id numeric PRIMARY KEY, name text NOT NULL, members text[], n bigint);
CREATE TABLE users (id bigint PRIMARY KEY, mail text NOT NULL, team text, seat text);
"""


def test_lookups_by_key_by_column_and_by_composite_keys(
    pg_db: PostgresScratch, new_target: str, tmp_path: Path
) -> None:
    pg_db.execute(LOOKED_UP)
    more = '[[discard]]\nentity = "seats"\nreason = "in the users"\n\n' + "\n".join(
        f'[[discard]]\nentity = "users"\npath = "{name}"\nreason = "looked up"\n' for name in ("team", "floor", "desk")
    )
    folder = project(tmp_path / "p", pg_db.url, LOOKED_UP_TARGET, more=more, leave="seats")
    for table, sql in LOOKUPS.items():
        (folder / "mapping" / f"{table}.sql").write_text(sql)
    with open_move(folder, pg_db.url, new_target) as move:
        move.survey()
        assert [f.message for f in move.check() if f.severity == "fault"] == []
        move.copy()
        assert move.verify().equal
    with psycopg.connect(new_target) as connection:
        users = connection.execute("SELECT id, team, seat FROM users ORDER BY id").fetchall()
        assert users == [(1, "one", "1a"), (2, "two", "1b"), (3, "one", None), (4, None, None)]
        teams = connection.execute("SELECT id::text, members, n FROM teams ORDER BY id").fetchall()
        assert teams == [("1", ["x", "z"], 2), ("2.0", ["y"], 1), ("3", None, 0)]


BOXES = """
CREATE TABLE boxes (shop int, no int, label text, PRIMARY KEY (shop, no));
CREATE TABLE things (id int PRIMARY KEY, shop int, no int, what text NOT NULL);
INSERT INTO boxes SELECT shop, no, shop || '/' || no FROM generate_series(1, 5) AS shop, generate_series(1, 40) AS no;
INSERT INTO things SELECT i, nullif(i % 3, 0), nullif(i % 11, 0), 'w' || i FROM generate_series(1, 150) AS i;
"""
INTO_BOXES = """
CREATE TABLE boxes (shop int, no int, label text, what text[], n bigint, PRIMARY KEY (shop, no));
CREATE TABLE things (id int PRIMARY KEY, shop int, no int, what text NOT NULL, label text);
"""
OF_BOXES = {
    "boxes": """
        SELECT b.shop AS shop, b.no AS no, b.label AS label,
               {list}(t.what ORDER BY t.id) FILTER (WHERE t.what IS NOT NULL) AS what, count(t.id) AS n
        FROM boxes AS b LEFT JOIN things AS t ON t.shop = b.shop AND t.no = b.no GROUP BY b.shop, b.no""",
    "things": """
        SELECT t.id AS id, t.shop AS shop, t.no AS no, t.what AS what, b.label AS label
        FROM things AS t LEFT JOIN boxes AS b ON b.shop = t.shop AND b.no = t.no""",
}
"""References of two columns, each of which may be NULL."""


def test_composite_references_with_nulls_are_joined_and_gathered(
    pg_db: PostgresScratch, new_target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pg_db.execute(BOXES)
    folder = project(tmp_path / "p", pg_db.url, INTO_BOXES)
    for table, sql in OF_BOXES.items():
        (folder / "mapping" / f"{table}.sql").write_text(sql.format(list="list"))
    fetched: list[int] = []

    def needed(self: LookupReader, *args: Any) -> Any:
        table = kept(self, *args)
        fetched.append(table.num_rows)
        return table

    kept = LookupReader.needed
    monkeypatch.setattr(LookupReader, "needed", needed)
    with open_move(folder, pg_db.url, new_target) as move:
        move.survey()
        assert [f.message for f in move.check() if f.severity == "fault"] == []
        move.copy()
        complete = pg_db.execute("SELECT count(*) FROM things WHERE shop IS NOT NULL AND no IS NOT NULL")[0][0]
        assert sum(fetched) == 2 * 10 + complete  # by one equality alone all shops would be fetched
        assert move.verify().equal
    for table, sql in OF_BOXES.items():
        with psycopg.connect(pg_db.url) as connection:
            joined = f"SELECT to_jsonb(t)::text FROM ({sql.format(list='array_agg')}) AS t ORDER BY 1"
            assert [text for (text,) in connection.execute(joined.encode())] == rows_of(new_target, table)


PRODUCTS = """
CREATE TABLE products (id int PRIMARY KEY, attrs jsonb, raw json);
INSERT INTO products VALUES
 (1, '{"color": "red", "size": {"w": 1.50}, "tags": ["x", null], "stock": 12345678901234567890.5, "mix": 1,
       "parts": [{"no": 1, "q": 2.5}, {"no": 2}]}', '{"b": 1,   "a": 2}'),
 (2, '{"color": null, "size": {"w": 3}, "tags": [], "mix": "text", "parts": []}', '[1, 2]'),
 (3, NULL, NULL), (4, '{"size": {}}', 'null');
"""
OF_PRODUCTS = """
CREATE TABLE products (id int PRIMARY KEY, color text, w numeric, tags text[], stock numeric, mix jsonb, raw json);
CREATE TABLE parts (product int, place bigint, no bigint NOT NULL, q numeric, PRIMARY KEY (product, place));
"""


def test_into_the_json_of_columns(pg_db: PostgresScratch, new_target: str, tmp_path: Path) -> None:
    """Fields and elements by their paths; a path that no mapping takes up stops the copy."""
    pg_db.execute(PRODUCTS)
    folder = project(tmp_path / "p", pg_db.url, OF_PRODUCTS)
    mapping = folder / "mapping" / "products.sql"
    head = "SELECT p.id AS id, p.attrs.color AS color, p.attrs.size.w AS w, p.attrs.tags AS tags"
    mapping.write_text(f"{head}, p.attrs.stock AS stock, p.raw AS raw FROM products AS p")
    (folder / "mapping" / "parts.sql").write_text(
        "SELECT p.id AS product, e.place AS place, e.part.no AS no, e.part.q AS q"
        " FROM products AS p, unnest(p.attrs.parts) WITH ORDINALITY AS e(part, place)"
    )
    with open_move(folder, pg_db.url, new_target) as move:
        move.survey()
        assert [f.place for f in move.check() if f.severity == "fault"] == ["products.attrs.mix"]
    mapping.write_text(f"{head}, p.attrs.stock AS stock, p.attrs.mix AS mix, p.raw AS raw FROM products AS p")
    with open_move(folder, pg_db.url, new_target) as move:
        move.copy()
        assert move.verify().equal
    with psycopg.connect(new_target) as connection:
        asked = connection.execute("SELECT id, color, w::text, tags, stock::text, mix::text, raw::text FROM products")
        assert sorted(asked) == [
            (1, "red", "1.50", ["x", None], "12345678901234567890.5", "1", '{"b": 1,   "a": 2}'),
            (2, None, "3", [], None, '"text"', "[1, 2]"),
            (3, None, None, None, None, None, None),
            (4, None, None, None, None, None, "null"),
        ]
        parts = connection.execute("SELECT product, place, no, q::text FROM parts ORDER BY 1, 2").fetchall()
        assert parts == [(1, 1, 1, "2.5"), (1, 2, 2, None)]


def test_a_table_without_a_key_goes_by_the_places_of_its_rows(
    filled: PostgresScratch, new_target: str, tmp_path: Path
) -> None:
    folder = project(tmp_path / "p", filled.url, "CREATE TABLE no_key (place text PRIMARY KEY, a int, b text);")
    for mapping in (folder / "mapping").iterdir():
        mapping.unlink()
    (folder / "mapping" / "no_key.sql").write_text("SELECT x.ctid AS place, x.a AS a, x.b AS b FROM no_key AS x")
    (folder / "crossfade.toml").write_text('entities = ["no_key"]\n' + SETTINGS % 0.01)
    with open_move(folder, filled.url, new_target) as move:
        move.survey()
        assert [f.message for f in move.check() if f.severity == "fault"] == []
        (entity,) = move.copy().entities
        assert entity.counts == Counts(3000, 3000, 0, 0)
        assert move.verify().equal
    assert rows_of(new_target, "no_key") == rows_of(filled.url, "(SELECT ctid::text AS place, a, b FROM no_key)")


ODD_ARRAYS = """
CREATE TABLE odd (id int PRIMARY KEY, a int[]);
INSERT INTO odd VALUES (1, '{1,2}'), (2, '{{1,2},{3,NULL}}'), (3, '[0:1]={1,2}'), (4, '{}'), (5, NULL);
"""


def test_arrays_that_are_not_plain_are_carried_with_their_elements(
    pg_db: PostgresScratch, new_target: str, tmp_path: Path
) -> None:
    pg_db.execute(ODD_ARRAYS)
    folder = project(tmp_path / "p", pg_db.url, "CREATE TABLE odd (id int PRIMARY KEY, a text);")
    with open_move(folder, pg_db.url, new_target) as move:
        move.survey()
        assert [f.message for f in move.check() if f.severity == "fault"] == []
        move.copy()
        assert move.verify().equal
    assert rows_of(new_target, "odd") == rows_of(pg_db.url, "(SELECT id, a::text AS a FROM odd)")


@pytest.mark.skipif(not CHINOOK.is_dir(), reason="CROSSFADE_SAMPLES names no folder with chinook")
def test_chinook(pg_db: PostgresScratch, new_target: str, tmp_path: Path) -> None:
    text = (CHINOOK / "Chinook_PostgreSql.sql").read_text()
    text = text[text.index("\\c chinook;") + len("\\c chinook;") :]
    with psycopg.connect(pg_db.url) as connection:
        connection.execute(text.encode())
    schema = "".join(re.findall(r"(?:CREATE TABLE|ALTER TABLE|CREATE INDEX) .*?;\n", text, re.DOTALL))
    folder = project(tmp_path / "p", pg_db.url, schema)
    with open_move(folder, pg_db.url, new_target, workers=2) as move:
        move.survey()
        assert sum(e.counts.copied for e in move.copy().entities) == 15_607
        assert move.verify().equal
    with psycopg.connect(pg_db.url) as connection:
        listed = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        tables = connection.execute(listed)
        for (table,) in tables.fetchall():
            assert rows_of(new_target, table) == rows_of(pg_db.url, table), table


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE items DROP CONSTRAINT items_pkey, ADD PRIMARY KEY (tenant, id)",
        "ALTER TABLE items DROP CONSTRAINT items_pkey, ADD PRIMARY KEY (tenant)",
        "ALTER TABLE items DROP COLUMN v",
        "ALTER TABLE items ALTER n TYPE numeric",
    ],
)
def test_single_records_of_a_table_that_changed_since(
    pg_db: PostgresScratch, new_target: str, tmp_path: Path, change: str
) -> None:
    """By another key none of them is there, or another one: their rows were deleted."""
    table = "CREATE TABLE items (id int PRIMARY KEY, tenant int NOT NULL, n float8, v text%s);"
    pg_db.execute(table % "")
    pg_db.execute("INSERT INTO items VALUES (1, 2, 0.5, 'a'), (2, 1, 0.5, 'b'), (3, 3, 0.5, NULL)")
    folder = project(tmp_path / "p", pg_db.url, table % " NOT NULL")
    with open_move(folder, pg_db.url, new_target) as move:
        move.survey()
        move.copy()
    before = rows_of(new_target, "items")
    pg_db.execute(change)
    with open_move(folder, pg_db.url, new_target) as move:
        with pytest.raises(Stale, match="items has changed since the survey"):
            move.repair(keys={"items": ["1"]})
        with pytest.raises(Uncovered, match="items: it has changed since the survey"):
            move.retry()
        with pytest.raises(Stale, match="items has changed since the survey"):
            move.preview("items", key="1")
    assert rows_of(new_target, "items") == before
