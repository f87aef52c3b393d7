"""Hundreds of corruptions, planted by SQL into a copied target: each is found and named, and nothing else is."""

from __future__ import annotations

import itertools
import random
import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from everything import CORRUPTIONS, SCHEMA, Row, as_table, everything_row, line_rows
from psycopg import sql

from crossfade.model.canonical import with_nulls
from crossfade.model.target import TargetTable
from crossfade.stores.contract import Store
from crossfade.stores.open import open_store
from crossfade.verify.compare import Comparison, compare
from crossfade.verify.keys import compare_keys, none_twice
from crossfade.verify.spool import keys_as_bytes, keys_of, spool
from scratch import PostgresScratch

ROWS = 1000
PASSES, EACH = 6, 100

Named = tuple[str, str, str, str | None]
"""Kind, table, key, column."""


@dataclass
class Copied:
    """A target with its rows, and what they should be."""

    store: Store
    tables: dict[str, TargetTable]
    rows: dict[str, list[Row]]
    planted: set[Named] = field(default_factory=set)
    untouched: list[int] = field(default_factory=list)
    """Rows of `everything` that nothing was planted in yet."""

    def expected(self, name: str) -> pa.Table:
        return as_table(self.tables[name], self.rows[name])


@pytest.fixture(params=["the same every time", "new every time"])
def r(request: pytest.FixtureRequest) -> random.Random:
    seed = 20_240_229 if request.param == "the same every time" else secrets.randbits(32)
    print(f"seed {seed}")
    return random.Random(seed)


@pytest.fixture
def copied(pg_db: PostgresScratch, r: random.Random) -> Iterator[Copied]:
    pg_db.execute(SCHEMA)
    with open_store(pg_db.url) as store:
        assert store.ddl
        assert store.writer
        tables = {t.name: t for t in store.ddl.live_schema().tables}
        parents = [everything_row(r) for _ in range(ROWS)]
        lines = [line for parent in parents for line in line_rows(r, parent["id"])]
        copied = Copied(store, tables, {"everything": parents, "lines": lines}, untouched=list(range(ROWS)))
        with store.writer.transaction() as tx:
            for name in copied.rows:
                tx.load(tables[name], copied.expected(name))
        yield copied


def test_an_untouched_target_shows_nothing(copied: Copied, tmp_path: Path) -> None:
    assert found_in(copied, tmp_path) == set()


def test_every_corruption_is_named(copied: Copied, pg_db: PostgresScratch, r: random.Random, tmp_path: Path) -> None:
    kinds = itertools.cycle(r.sample([*CORRUPTIONS, *OF_ROWS, *OF_ROWS], k=len(CORRUPTIONS) + 2 * len(OF_ROWS)))
    for number in range(PASSES):
        with psycopg.connect(pg_db.url) as connection:
            for kind in itertools.islice(kinds, EACH):
                plant(copied, connection, r, kind)
        assert found_in(copied, tmp_path / str(number)) == copied.planted
    assert len(copied.planted) >= PASSES * EACH


def test_every_kind_is_shown_unmistakably(copied: Copied, pg_db: PostgresScratch, r: random.Random) -> None:
    with psycopg.connect(pg_db.url) as connection:
        for kind in CORRUPTIONS:
            plant(copied, connection, r, kind)
    differences = compared(copied, "everything").unlike
    assert len(differences) == len(CORRUPTIONS)
    for difference in differences:
        assert difference.expected != difference.found
        assert max(len(difference.expected or ""), len(difference.found or "")) < 300


def test_blanks_at_the_end_of_char_do_not_count(copied: Copied, pg_db: PostgresScratch, tmp_path: Path) -> None:
    pg_db.execute("UPDATE everything SET tag = rtrim(tag) || '  '")
    assert found_in(copied, tmp_path) == set()


def test_jsonb_in_another_spelling_does_not_count(copied: Copied, pg_db: PostgresScratch, tmp_path: Path) -> None:
    pg_db.execute("UPDATE everything SET doc = jsonb_set(doc, '{list, 3}', '1.000e3')")
    assert found_in(copied, tmp_path) == set()


# -- planting


def plant(copied: Copied, connection: psycopg.Connection[Any], r: random.Random, kind: str) -> None:
    """One corruption, in rows that are untouched so far."""
    if kind in OF_ROWS:
        OF_ROWS[kind](copied, connection, r)
    else:
        change_a_value(copied, connection, r, kind)


def a_row(copied: Copied, r: random.Random) -> Row:
    return copied.rows["everything"][copied.untouched.pop(r.randrange(len(copied.untouched)))]


def change_a_value(copied: Copied, connection: psycopg.Connection[Any], r: random.Random, name: str) -> None:
    row = a_row(copied, r)
    column, expression, value = CORRUPTIONS[name](row, r)
    update(connection, row, column, expression, value)
    copied.planted.add(("changed", "everything", shown(row["id"]), column))


def update(connection: psycopg.Connection[Any], row: Row, column: str, expression: str, value: Any) -> None:
    statement = sql.SQL("UPDATE everything SET {} = {} WHERE id = %s").format(
        sql.Identifier(column), sql.SQL(expression)
    )
    values = [value, row["id"].hex()] if "%s" in expression else [row["id"].hex()]
    assert connection.execute(statement, values).rowcount == 1


def swap_a_value(copied: Copied, connection: psycopg.Connection[Any], r: random.Random) -> None:
    """Two rows exchange one value: sums and sorted lists of the column stay what they are."""
    one, other = a_row(copied, r), a_row(copied, r)
    column = r.choice(["n", "big", "code", "price", "at", "ref", "doc"])
    exchange(connection, one, other, [column])
    copied.planted |= {("changed", "everything", shown(row["id"]), column) for row in (one, other)}


def swap_two_rows(copied: Copied, connection: psycopg.Connection[Any], r: random.Random) -> None:
    one, other = a_row(copied, r), a_row(copied, r)
    columns = [name for name in one if name != "id"]
    exchange(connection, one, other, columns)
    differing = [name for name in columns if one[name] != other[name]]
    copied.planted |= {("changed", "everything", shown(row["id"]), name) for row in (one, other) for name in differing}


def exchange(connection: psycopg.Connection[Any], one: Row, other: Row, columns: list[str]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    theirs = sql.SQL(", ").join(sql.SQL("o.{}").format(sql.Identifier(c)) for c in columns)
    statement = sql.SQL(
        "UPDATE everything AS e SET ({}) = ROW({}) FROM everything AS o WHERE (e.id, o.id) IN ((%s, %s), (%s, %s))"
    ).format(names, theirs)
    a, b = (uuid.UUID(bytes=row["id"]) for row in (one, other))
    assert connection.execute(statement, [a, b, b, a]).rowcount == 2


def lose_a_row(copied: Copied, connection: psycopg.Connection[Any], r: random.Random) -> None:
    row = a_row(copied, r)
    assert connection.execute("DELETE FROM everything WHERE id = %s", [row["id"].hex()]).rowcount == 1
    copied.planted.add(("missing", "everything", shown(row["id"]), None))


def lose_a_child(copied: Copied, connection: psycopg.Connection[Any], r: random.Random) -> None:
    owner, position = a_row(copied, r)["id"], r.randrange(3)
    gone = connection.execute("DELETE FROM lines WHERE owner = %s AND position = %s", [owner.hex(), position])
    assert gone.rowcount == 1
    copied.planted.add(("missing", "lines", shown(owner, position), None))


def add_a_row(copied: Copied, connection: psycopg.Connection[Any], r: random.Random) -> None:
    """A copy of a row under a key of its own."""
    row, key = a_row(copied, r), r.randbytes(16)
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in row if name != "id")
    statement = sql.SQL("INSERT INTO everything (id, {0}) SELECT %s, {0} FROM everything WHERE id = %s").format(columns)
    assert connection.execute(statement, [uuid.UUID(bytes=key), uuid.UUID(bytes=row["id"])]).rowcount == 1
    copied.planted.add(("extra", "everything", shown(key), None))


def add_a_child(copied: Copied, connection: psycopg.Connection[Any], r: random.Random) -> None:
    owner, position = a_row(copied, r)["id"], r.randrange(3, 10**6)
    connection.execute("INSERT INTO lines VALUES (%s, %s, 'more')", [owner.hex(), position])
    copied.planted.add(("extra", "lines", shown(owner, position), None))


def change_a_key(copied: Copied, connection: psycopg.Connection[Any], r: random.Random) -> None:
    """One bit of a key: the row is missing under the one and should not be there under the other."""
    key = a_row(copied, r)["id"]
    other = bytes([key[0] ^ 1]) + key[1:]
    connection.execute("UPDATE everything SET id = %s WHERE id = %s", [other.hex(), key.hex()])
    copied.planted |= {("missing", "everything", shown(key), None), ("extra", "everything", shown(other), None)}


def move_a_child(copied: Copied, connection: psycopg.Connection[Any], r: random.Random) -> None:
    owner, other, position = a_row(copied, r)["id"], a_row(copied, r)["id"], r.randrange(3)
    statement = "UPDATE lines SET owner = %s, position = 3 WHERE owner = %s AND position = %s"
    assert connection.execute(statement, [other.hex(), owner.hex(), position]).rowcount == 1
    copied.planted |= {("missing", "lines", shown(owner, position), None), ("extra", "lines", shown(other, 3), None)}


OF_ROWS = {
    "swapped values": swap_a_value,
    "swapped rows": swap_two_rows,
    "a lost row": lose_a_row,
    "a lost child": lose_a_child,
    "an extra row": add_a_row,
    "an extra child": add_a_child,
    "another key": change_a_key,
    "a child of another owner": move_a_child,
}


def shown(key: bytes, position: int | None = None) -> str:
    text = str(uuid.UUID(bytes=key))
    return text if position is None else f"owner={text}, position={position}"


# -- finding


def found_in(copied: Copied, folder: Path) -> set[Named]:
    """What a verification names, in all tables."""
    found: set[Named] = set()
    for name in copied.rows:
        comparison = compared(copied, name)
        found |= {(u.kind, name, u.key, u.column) for u in comparison.unlike}
        assert sum(comparison.changed.values()) + len(comparison.missing) == len(comparison.unlike)
        found |= {(kind, name, key, None) for kind, key in odd_keys(copied, name, folder / name)}
    return found


def compared(copied: Copied, name: str) -> Comparison:
    table = copied.tables[name]
    expected = with_nulls(table, copied.expected(name))
    assert copied.store.row_reader
    there = copied.store.row_reader.rows(table, expected.column_names, expected.select(list(table.primary_key)))
    return compare(table, expected, there, limit=10**6)


def odd_keys(copied: Copied, name: str, folder: Path) -> list[tuple[str, str]]:
    folder.mkdir(parents=True)
    table = copied.tables[name]
    assert copied.store.row_reader
    expected = keys_of(copied.expected(name), table)
    spool(folder, keys_as_bytes([expected]))
    target = copied.store.row_reader.scan(table, list(table.primary_key))
    found = compare_keys(folder, table, target, limit=10**6)
    assert found.extra + found.duplicate == len(found.named)
    seen = len(expected) - len(compared(copied, name).missing)
    assert (copied.store.row_reader.count(table) == seen and none_twice(folder, table)) == (not found.named)
    return [(kind, key) for kind, key, _, _ in found.named]
