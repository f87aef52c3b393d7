"""Types whose input function may change the value: harmless notations are accepted, changed values refused by row.

Each text goes through the server's own type and back, in the copy's path and in verification's.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.stores.contract import RowRejected
from crossfade.stores.postgresql.meaning import PgType, changed
from crossfade.stores.postgresql.rows import PostgresRowReader
from crossfade.stores.postgresql.target import PostgresWriter
from crossfade.testing import with_database
from crossfade.verify.compare import compare
from scratch import PostgresScratch, create_database, drop_database

# The type, spellings of values that it keeps, and what it changes or refuses, with the reason.
_LONG = "x" * 70
_POSITIONS = "a:" + ",".join(map(str, range(1, 300)))
TYPES: list[tuple[str, list[str], dict[str, str]]] = [
    ("money", ["12.34", "$1,234.50", "-5", "(1.00)", "0"], {"12.345": "precision", "1e3": "bad_value"}),
    ('"char"', ["a", ""], {"ab": "too_long", "é": "too_long"}),
    ("name", ["x" * 63, "short"], {_LONG: "too_long"}),
    ("oid", ["0", " 17 ", "4294967295"], {"-1": "out_of_range", "4294967296": "out_of_range", "x": "bad_value"}),
    ("xid", ["5"], {"-2": "out_of_range"}),
    ("regclass", ["pg_class", "pg_catalog.pg_class", "PG_CLASS"], {"no_such_table": "bad_value"}),
    ("regtype", ["int4", "integer", "character varying"],
     {"no_such_type": "bad_value", "varchar(3)": "precision", "numeric(5,2)[]": "precision"}),
    (
        "interval",
        ["1 day 00:00:00", "1 day 2 hours", "90 minutes", "1.5 days", "P1Y2M3DT4H5M6.7S", "-1-2", "1 week ago", "@ 3 h",
         "1 12:59:10", "0.000001 s", "infinity", "1.5 months", "PT-1M", "2 centuries", "5", "1 mon -3 days +04:05:06"],
        {"0.0000001 s": "precision", "00:00:01.1234567": "precision", "0.1 years": "precision", "soon": "bad_value"},
    ),
    ("interval second(3)", ["1.234 s", "00:00:01.5"], {"1.2345 s": "precision", "00:00:01.23456": "precision"}),
    ("interval day", ["5", "5 days"], {"1 day 2 hours": "precision"}),
    ("interval(0)", ["7 s"], {"7.5 s": "precision"}),
    ("timetz", ["12:00:00+02", "12:00:00.123456Z", "04:05 PM -08:00"],
     {"12:00:00.1234567+00": "precision", "12:00": "bad_value"}),
    ("timetz(2)", ["12:00:00.25+02:00"], {"12:00:00.255+02": "precision"}),
    ("int4range", ["[1,5]", "(0,6)", "empty", "[3,3)", "[,5]", "(,)"],
     {"[5,1]": "bad_value", "[1,99999999999]": "out_of_range"}),
    ("numrange", ["[1.50,2)", "[ 1.5 , 2 ]", "(1,1)", "[-1e3,]"], {"[x,2]": "bad_value"}),
    ("daterange", ["[2024-01-01,2024-01-31]", "empty", "[0044-03-15 BC,infinity)"],
     {"[2024-01-01T10:00:00,2024-02-01)": "bad_value"}),
    ("tsrange", ["[2024-01-01,2024-01-02 03:04:05.123456]"],
     {"[2024-01-01 00:00:00.1234567,)": "precision", "[2024-01-01T00:00:00+02:00,)": "bad_value"}),
    ("tstzrange", ["[2024-01-01T00:00:00Z,2024-01-02 00:00:00+05:30)"],
     {"[2024-01-01 00:00:00.0000001Z,)": "precision", "[2024-01-01,)": "bad_value"}),
    ("floatrange", ["[0.1,0.5]", "[1,2e3)"], {"[0.123456789,1]": "precision"}),
    ("centrange", ["[0.10,0.5]"], {"[0.125,1]": "precision"}),
    ("int4multirange", ["{[1,2],[3,4]}", "{}", "{[5,6),[1,3)}"], {}),
    ("nummultirange", ["{[1,2],[2,3]}", "{[1.0,1.50]}"], {}),
    ("tsmultirange", ["{[2024-01-01,2024-01-02]}"], {"{[2024-01-01 00:00:00.1234567,2024-01-02]}": "precision"}),
    ("tsvector", ["the fat cat", "b:2A a:1", "'it''s':3,3", "a:16383"],
     {"a:20000": "out_of_range", _POSITIONS: "out_of_range", "a:0": "bad_value"}),
    ("tsquery", ["fat & rat", "fat & (rat | !cat)", "a <-> b", "super:*A", "(a & b) & c", ""], {"fat &": "bad_value"}),
    ("jsonpath", ["$.a", "$.a[*] ? (@.b > 1.50)", "lax $.x", "$"], {"$.": "bad_value"}),
    ("bit(3)", ["101", "B101"], {"1011": "bad_value", "10": "bad_value", "102": "bad_value"}),
    ("bit varying(4)", ["1010", "XF"], {"10101": "too_long"}),
    ("macaddr", ["08-00-2B-01-02-03", "08002b010203", "0800.2b01.0203"], {"08:00": "bad_value"}),
    ("macaddr8", ["08:00:2b:01:02:03", "08:00:2b:01:02:03:04:05"], {}),
    ("inet", ["10.0.0.1", "10.0.0.1/32", "2001:DB8:0:0::1", "10.0.0.1/8"], {"300.0.0.1": "bad_value"}),
    ("cidr", ["10", "192.168.1", "10.0.0.0/8", "2001:db8::/32"], {"10.0.0.1/8": "bad_value"}),
    ("point", ["1,2", "(1.5, 2e1)", "(0.1,0.30000000000000004)"], {"(0.1234567890123456789,1)": "precision"}),
    ("line", ["{1,2,3}", "(0,0),(1,1)"], {"[(0.1,0.2),(0.3,0.7)]": "precision"}),
    ("lseg", ["[(0,0),(1,1)]", "0,0,1,1"], {}),
    ("box", ["1,1,0,0", "((0,1),(1,0))"], {"(0.12345678901234567890,1),(0,0)": "precision"}),
    ("path", ["[(0,0),(1,1)]", "0,0,1,1"], {}),
    ("polygon", ["((0,0),(1,1),(2,0))"], {}),
    ("circle", ["<(0,0),1>", "0,0,1"], {}),
    ("pg_lsn", ["0/16B3748", "0/016b3748"], {}),
    ("pair", ["(1.5,abc)", '(1.50,"a,b")', "(,)"], {"(1.2345,x)": "precision", f"(1,{'x' * 9})": "too_long"}),
    ("half_hour", ["30 minutes"], {"31 minutes": "check", "30.00000001 minutes": "precision"}),
    ("vector", ["[1,2,3]", "[0.1, 2.50,-1e-3]", "[0.10000000149011612]"],
     {"[0.123456789,1]": "precision", "[x]": "bad_value"}),
    ("halfvec", ["[1,2,0.5]"], {"[0.1]": "precision", "[65505]": "precision"}),
    ("sparsevec", ["{1:1,3:0.5}/5", "{3:0.5,1:1,2:0}/5"], {"{1:0.123456789}/5": "precision"}),
]  # fmt: skip
_MADE = (
    "CREATE EXTENSION vector",
    "CREATE TYPE floatrange AS RANGE (subtype = float4)",
    "CREATE DOMAIN cents AS numeric(10, 2)",
    "CREATE TYPE centrange AS RANGE (subtype = cents)",
    "CREATE TYPE pair AS (amount numeric(10, 3), word varchar(8))",
    "CREATE DOMAIN half_hour AS interval CHECK (VALUE < '31 minutes')",
)


@pytest.fixture(scope="module")
def db(postgresql_url: str) -> Iterator[PostgresScratch]:
    """One database for all the types."""
    name = "cf_" + secrets.token_hex(6)
    with psycopg.connect(postgresql_url, autocommit=True) as server:
        create_database(server, name)
        made = PostgresScratch(name, with_database(postgresql_url, name))
        for statement in _MADE:
            made.execute(statement)
        yield made
        drop_database(server, name)


def _table(db: PostgresScratch, sql: str, kind: ColumnType) -> TargetTable:
    name = f"t_{secrets.token_hex(4)}"
    db.execute(f"CREATE TABLE {name} (id integer PRIMARY KEY, v {sql})")
    ((printed,),) = db.execute(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 'v'",
        [name],
    )
    kind = replace(kind, sql=printed)
    id_ = TargetColumn("id", ColumnType("int4", "integer"), nullable=False)
    return TargetTable(name, "public", name, (id_, TargetColumn("v", kind)), ("id",))


def _rows(texts: list[Any], arrow: Any = None) -> Any:
    return pa.table({"id": pa.array(range(len(texts)), pa.int32()), "v": pa.array(texts, arrow or pa.string())})


@pytest.fixture(scope="module")
def writer(db: PostgresScratch) -> Iterator[PostgresWriter]:
    with closing(PostgresWriter(db.url)) as writer:
        yield writer


@pytest.fixture(scope="module")
def reader(db: PostgresScratch) -> Iterator[PostgresRowReader]:
    with closing(PostgresRowReader(db.url)) as reader:
        yield reader


def _refused(writer: PostgresWriter, table: TargetTable, rows: Any) -> dict[int, str]:
    """Row -> reason, as the writer names them; the others are loaded."""
    try:
        with writer.transaction() as tx:
            tx.load(table, rows)
    except RowRejected as refusal:
        named = {one.row: one.reason for one in refusal.rows}
        with writer.transaction() as tx:
            tx.load(table, rows.filter(pa.array([i not in named for i in range(len(rows))])))
        return named
    return {}


@pytest.mark.parametrize(("sql", "kept", "changed"), TYPES, ids=[sql for sql, *_ in TYPES])
def test_what_a_type_keeps_goes_in_and_what_it_changes_does_not(
    db: PostgresScratch,
    writer: PostgresWriter,
    reader: PostgresRowReader,
    sql: str,
    kept: list[str],
    changed: dict[str, str],
) -> None:
    table = _table(db, sql, ColumnType("other", sql))
    rows = _rows([*kept, *changed])
    assert _refused(writer, table, rows) == {len(kept) + i: reason for i, reason in enumerate(changed.values())}
    # verification: equal to what is stored where it means that, and never equal where the type has changed it
    expected = reader.printed(table, rows).column("v").to_pylist()
    found = dict(db.execute(f"SELECT id, v::text FROM {table.table}"))
    assert {i: expected[i] for i in found} == found
    assert expected[len(kept) :] == list(changed)


@pytest.mark.parametrize(("sql", "changed"), [(t[0], t[2]) for t in TYPES if t[2]], ids=[t[0] for t in TYPES if t[2]])
def test_a_changed_value_that_is_in_the_target_is_a_difference(
    db: PostgresScratch, reader: PostgresRowReader, sql: str, changed: dict[str, str]
) -> None:
    """As an older version, or somebody else, has put it there."""
    table = _table(db, sql, ColumnType("other", sql))
    rows = _rows(list(changed))
    for i, text in enumerate(changed):
        with contextlib.suppress(psycopg.Error):
            db.execute(f"INSERT INTO {table.table} VALUES (%s, %s)", [i, text])
    expected = reader.printed(table, rows)
    found = reader.rows(table, ["id", "v"], rows.select(["id"]))
    result = compare(table, expected, found, limit=10)
    assert len(result.missing) + result.changed_rows == len(changed)


def test_the_elements_of_an_array_are_held_against_their_type(
    db: PostgresScratch, writer: PostgresWriter, reader: PostgresRowReader
) -> None:
    table = _table(db, "interval(3)[]", ColumnType("array", "interval(3)[]", of=ColumnType("other", "interval(3)")))
    rows = _rows([["1 day 2 h", None], ["1 s", "1.2345 s"], None, [], ["soon"]], pa.list_(pa.string()))
    assert _refused(writer, table, rows) == {1: "precision", 4: "bad_value"}
    expected = reader.printed(table, rows)
    found = reader.rows(table, ["id", "v"], rows.select(["id"]))
    assert expected.column("v").to_pylist()[:4] == [["1 day 02:00:00", None], ["00:00:01", "1.2345 s"], None, []]
    assert compare(table, expected, found, limit=10).changed_rows == 0


def test_a_key_of_such_a_type_is_not_cut(db: PostgresScratch, writer: PostgresWriter) -> None:
    table = _table(db, "integer", ColumnType("int4", "integer"))
    keyed = TargetTable(table.name, "public", table.table, (TargetColumn("n", ColumnType("other", "name")),), ("n",))
    db.execute(f"ALTER TABLE {table.table} DROP COLUMN id, DROP COLUMN v, ADD COLUMN n name PRIMARY KEY")
    rows = pa.table({"n": [_LONG, "short"]})
    assert _refused(writer, keyed, rows) == {0: "too_long"}


def test_money_means_its_number_in_every_locale() -> None:
    """`1.234,50 €` is what a German server prints; its number decides."""
    money = PgType("money", "money")
    assert changed("1234.50", "1234.50", money) is None
    assert changed("1234.505", "1234.50", money) == "precision"
    assert changed("1,5", "1.50", money) == "bad_value"


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("POINT(1 2)", "0101000000000000000000F03F0000000000000040"),
        ("SRID=4326;POINT(1 2)", "0101000020E6100000000000000000F03F0000000000000040"),
        ("LINESTRING(0 0, 1 2)", "01020000000200000000000000000000000000000000000000000000000000F03F0000000000000040"),
        ("0101000000000000000000F03F0000000000000040", "0101000000000000000000F03F0000000000000040"),
    ],
)
def test_a_geometry_is_read_from_the_bytes_that_are_printed(given: str, printed: str) -> None:
    geometry = PgType("geometry", "geometry")
    assert changed(given, printed, geometry) is None
    assert changed(given.replace(" 2)", " 2.00000000000000001)"), printed, geometry) == (
        "precision" if "(" in given else None
    )
