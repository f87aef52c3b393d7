"""Scribe Tree, moved whole, then corrupted: the verification names every corruption, with its source record."""

from __future__ import annotations

import os
import random
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from crossfade.model.target import TargetColumn, TargetTable
from crossfade.move import Move
from crossfade.project import load_project
from crossfade.verify.verdict import Difference, Verdict
from scratch import MongoScratch, PostgresScratch

EXAMPLE = Path(__file__).parents[2] / "examples" / "scribe-tree"
PLANTED = 500

Named = tuple[str, str, str, str | None]
"""Kind, table, key, column."""

# How a value of a kind is corrupted; {} is the column.
CORRUPTIONS = {
    "text": ["{} || ' '", "upper({0}) || 'ß'", "overlay({} placing 'Ж' from 1 for 1) || ''", "NULL", "''"],
    "jsonb": ["jsonb_build_array({})", "NULL", "'null'", "{}::text::jsonb || '[1]'"],
    "timestamptz": ["{} + interval '1 microsecond'", "{} - interval '1 hour'", "NULL"],
    "timestamp": ["{} + interval '1 microsecond'", "NULL"],
    "date": ["{} + 1", "NULL"],
    "bool": ["NOT {}", "NULL"],
    "int2": ["{} + 1", "NULL"],
    "int4": ["{} + 1", "NULL"],
    "int8": ["{} + 1", "NULL"],
    "float8": ["{} + 1e-9", "'NaN'", "NULL"],
    "numeric": ["{} + 0.01", "NULL"],
    "uuid": ["gen_random_uuid()", "NULL"],
    "array": ["{0} || {0}", "'{{}}'", "NULL"],
}


@pytest.fixture
def move(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path) -> Iterator[Move]:
    """The example's project, copied into a target of its own, naming as many differences as there are."""
    folder = tmp_path / "scribe-tree"
    shutil.copytree(EXAMPLE, folder)
    settings = folder / "crossfade.toml"
    settings.write_text(settings.read_text("utf-8").replace("[limits]", "[limits]\ndifferences = 100000"), "utf-8")
    seed = [sys.executable, str(EXAMPLE / "seed.py"), "--url", mongo_db.url, "--scale", "0.1"]
    subprocess.run(seed, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": str(EXAMPLE.parent)})
    environment = {"SOURCE_URL": mongo_db.url, "TARGET_URL": pg_db.url}
    with Move(load_project(folder, environment)) as move:
        move.survey()
        move.copy()
        yield move


def test_every_corruption_is_named(move: Move, pg_db: PostgresScratch) -> None:
    untouched = move.verify()
    assert untouched.equal
    assert named(untouched) == set()
    assert min(t.rows for t in untouched.tables) > 0

    seed = secrets.randbits(32)
    print(f"seed {seed}")
    planted = plant(pg_db, list(move.schema.tables), random.Random(seed))
    verdict = move.verify()
    assert len(planted) >= PLANTED
    assert named(verdict) == planted
    assert not verdict.equal
    assert verdict.differences == len(planted)
    assert all(d.record for d in differences(verdict) if d.kind in ("changed", "missing"))
    lost = {d.entity for d in differences(verdict) if d.kind == "missing"}
    assert lost == {e.entity for e in verdict.entities if not e.balanced}


def test_a_record_in_no_account_is_a_failure(move: Move, pg_db: PostgresScratch) -> None:
    forget = "DELETE FROM crossfade.quarantine WHERE phase = 'copy' AND entity = 'users' RETURNING record_key"
    forgotten = {key for (key,) in pg_db.execute(forget)}
    verdict = move.verify()
    users = next(e for e in verdict.entities if e.entity == "users")
    missing = {d.record for d in differences(verdict) if d.kind == "missing"}
    assert {r.key for r in users.uncounted_records} | missing == forgotten
    assert users.uncounted == len(users.uncounted_records) > 0
    assert users.found.source - users.found.copied - users.found.quarantined == len(forgotten)
    assert not verdict.balanced
    assert not verdict.equal
    assert users.disagreements


def plant(pg_db: PostgresScratch, tables: list[TargetTable], r: random.Random) -> set[Named]:
    """Corrupts one value a row, loses rows and adds some, until enough is planted; what each should be called."""
    planted: set[Named] = set()
    with psycopg.connect(pg_db.url) as connection:
        connection.execute("SET session_replication_role = replica")  # no trigger and no foreign key stands in the way
        rows = [(t, key) for t in tables for key in keys_of(connection, t)]
        r.shuffle(rows)
        for table, key in rows:
            if len(planted) >= PLANTED:
                break
            one = r.choice([lose, add, *[change] * 8])(connection, table, key, r)
            if one is not None:
                planted.add(one)
    return planted


def keys_of(connection: psycopg.Connection[Any], table: TargetTable) -> list[tuple[Any, ...]]:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.primary_key))
    query = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(columns, sql.Identifier(table.table), columns)
    return connection.execute(query).fetchall()


def change(
    connection: psycopg.Connection[Any], table: TargetTable, key: tuple[Any, ...], r: random.Random
) -> Named | None:
    column = r.choice([c for c in table.columns if c.name not in table.primary_key and corruptions_of(c)])
    name = sql.Identifier(column.name)
    statement = sql.SQL(
        "UPDATE {table} SET {column} = {other} WHERE {key} AND {column} IS DISTINCT FROM {other}"
    ).format(column=name, other=sql.SQL(r.choice(corruptions_of(column))).format(name), **at(table))
    return ("changed", table.name, shown(table, key), column.name) if attempt(connection, statement, key) else None


def corruptions_of(column: TargetColumn) -> list[str]:
    if column.type.kind == "enum":
        return [f"'{label}'" for label in column.type.labels]
    return CORRUPTIONS.get(column.type.kind, [])


def lose(
    connection: psycopg.Connection[Any], table: TargetTable, key: tuple[Any, ...], r: random.Random
) -> Named | None:
    done = attempt(connection, sql.SQL("DELETE FROM {table} WHERE {key}").format(**at(table)), key)
    return ("missing", table.name, shown(table, key), None) if done else None


def add(
    connection: psycopg.Connection[Any], table: TargetTable, key: tuple[Any, ...], r: random.Random
) -> Named | None:
    """The same row once more, under another key."""
    columns = [c.name for c in table.columns if not c.generated]
    fresh = sql.SQL("gen_random_uuid()")
    statement = sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {values} FROM {table} WHERE {key} RETURNING {pk}"
    ).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        values=sql.SQL(", ").join(fresh if c in table.primary_key else sql.Identifier(c) for c in columns),
        pk=sql.SQL(", ").join(map(sql.Identifier, table.primary_key)),
        **at(table),
    )
    made = attempt(connection, statement, key)
    return ("extra", table.name, shown(table, made), None) if made else None


def at(table: TargetTable) -> dict[str, sql.Composable]:
    same = [sql.SQL("{} = %s").format(sql.Identifier(name)) for name in table.primary_key]
    return {"table": sql.Identifier(table.table), "key": sql.SQL(" AND ").join(same)}


def attempt(connection: psycopg.Connection[Any], statement: sql.Composed, key: tuple[Any, ...]) -> Any:
    """The row it returns, or whether it did anything; None where a constraint of the target is in the way."""
    try:
        with connection.transaction():
            cursor = connection.execute(statement, key)
            return cursor.fetchone() if cursor.description else cursor.rowcount
    except (psycopg.IntegrityError, psycopg.DataError):
        return None


def shown(table: TargetTable, key: tuple[Any, ...]) -> str:
    if len(key) == 1:
        return str(key[0])
    return ", ".join(f"{name}={value}" for name, value in zip(table.primary_key, key, strict=True))


def differences(verdict: Verdict) -> list[Difference]:
    return [d for t in verdict.tables for d in t.differences]


def named(verdict: Verdict) -> set[Named]:
    return {(d.kind, d.table, d.key, d.column) for d in differences(verdict)}
