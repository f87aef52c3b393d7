"""Everything that a copy leaves behind, as one comparable value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from crossfade.move import Move, Status
from crossfade.project import load_project

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Shop:
    """The source's URL, and the folder of the project with its lock file."""

    source: str
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """`tables` row by row; `counts` and `rows` as `status` says them; quarantine with its documents; the indexes and
    constraints of the target.
    """

    tables: dict[str, Rows]
    counts: dict[str, tuple[int, int, int, int]]
    rows: dict[str, int]
    quarantine: Rows
    schema: Rows


TABLES = (
    """SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1"""
)
QUARANTINE = """
SELECT entity, record_key, reason, detail, target_table, target_column, phase, raw, state
FROM crossfade.quarantine ORDER BY 1, 2, 3, 4, 8"""
HANGING = """
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated::text FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index', tablename, indexname, indexdef, '' FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), tgenabled::text FROM pg_trigger
WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
ORDER BY 1, 2, 3"""


def open_move(folder: Path, source: str, target: str, *, workers: int = 1) -> Move:
    return Move(load_project(folder, {"SOURCE_URL": source, "TARGET_URL": target}), workers=workers)


def outcome(target: str, status: Status) -> Outcome:
    """What is in the target now; `status` is what the move says of it."""
    with psycopg.connect(target) as connection:
        names = [name for (name,) in connection.execute(TABLES)]
        return Outcome(
            tables={n: sorted(connection.execute(f'SELECT * FROM "{n}"').fetchall(), key=str) for n in names},
            counts=counts_of(status),
            rows=status.rows,
            quarantine=connection.execute(QUARANTINE).fetchall(),
            schema=hanging(connection),
        )


def finish(shop: Shop, target: str, undisturbed: Outcome) -> None:
    """Runs what is left of a move, and fails unless its target is as if nothing had happened."""
    with open_move(shop.folder, shop.source, target) as move:
        status = move.copy()
        found = outcome(target, status)
        balanced(status, found)
        assert status.stage == "finished"
        assert differences(found, undisturbed) == []


def differences(found: Outcome, expected: Outcome) -> list[str]:
    """What is on one side only, a line each: pytest cuts off two long values where they begin to differ."""
    out = [
        f"{part}: {mine} instead of {theirs}"
        for part in ("counts", "rows")
        if (mine := getattr(found, part)) != (theirs := getattr(expected, part))
    ]
    lists = {"quarantine": (found.quarantine, expected.quarantine), "schema": (found.schema, expected.schema)}
    lists |= {
        name: (found.tables.get(name, []), expected.tables.get(name, [])) for name in found.tables | expected.tables
    }
    for name, (mine, theirs) in lists.items():
        here, there = Counter(map(repr, mine)), Counter(map(repr, theirs))
        out += [f"{name} has {row}" for row in (here - there).elements()]
        out += [f"{name} lacks {row}" for row in (there - here).elements()]
    return out


def hanging(connection: psycopg.Connection[Any]) -> Rows:
    """Everything that hangs on the tables: constraints, indexes, triggers."""
    return connection.execute(HANGING).fetchall()


def counts_of(status: Status) -> dict[str, tuple[int, int, int, int]]:
    return {
        e.entity: (e.counts.source, e.counts.copied, e.counts.quarantined, e.counts.discarded) for e in status.entities
    }


def balanced(status: Status, found: Outcome) -> None:
    """Fails unless every record is in one account, and the journal's figures are those of the tables."""
    assert all(e.balanced for e in status.entities), status
    assert {t: len(r) for t, r in found.tables.items() if r} == {t: n for t, n in found.rows.items() if n}
