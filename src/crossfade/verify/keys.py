"""Rows that should not be there, and keys that are expected twice: all keys of both sides, held against each other.

The expected keys are written to disk while the chunks are compared, the target's in the end. An engine that spills to
disk groups them, so memory does not grow with the table.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from crossfade.errors import CrossfadeError
from crossfade.model.canonical import arrow_type
from crossfade.model.target import TargetTable
from crossfade.verify.compare import DUPLICATE, EXTRA
from crossfade.verify.equal import key_form
from crossfade.verify.show import key_text

_MEMORY = "256MB"
_AT_ONCE = 500_000  # keys that are grouped in memory


@dataclass(frozen=True)
class KeyFindings:
    """How many rows are EXTRA and DUPLICATE; `named` are the first: kind, key, how often expected, how often found."""

    extra: int
    duplicate: int
    named: tuple[tuple[str, str, int, int], ...]


def spool(folder: Path, table: TargetTable, rows: pa.Table) -> None:
    """Writes the expected keys of some rows. Any number of processes may write into one folder."""
    if rows.num_rows:
        pq.write_table(_keys(rows, table), folder / f"{secrets.token_hex(8)}.parquet", compression="lz4")


def hold_keys_together(
    folder: Path, table: TargetTable, target: Iterable[pa.RecordBatch], *, limit: int
) -> KeyFindings:
    """Holds the keys spooled in `folder` against those of the target (record batches of the key columns).

    Raises CrossfadeError where the disk does not take them.
    """
    expected = sorted(str(f) for f in folder.glob("*.parquet"))
    found = folder / "found"
    with pq.ParquetWriter(found, _schema(table), compression="lz4") as file:
        for batch in target:
            file.write_table(_keys(batch, table))
    names = [f"k{i}" for i in range(len(table.primary_key))]
    settings = {"memory_limit": _MEMORY, "temp_directory": str(folder / "spill"), "threads": 1}
    try:
        with duckdb.connect(":memory:", config=settings) as engine:
            engine.execute("SET preserve_insertion_order = false")
            _find_odd(engine, names, _both(names, expected, str(found)), folder)
            extra, duplicate = engine.execute(_COUNTS).fetchall()[0]
            order = ", ".join(["expected > 1", *names])
            first = engine.sql(f"FROM odd ORDER BY {order} LIMIT {limit:d}").to_arrow_table()
    except duckdb.Error as error:
        raise CrossfadeError(f"could not hold the keys of {table.name} together: {error}") from error
    return KeyFindings(extra, duplicate, tuple(_named(first, table)))


_COUNTS = """
SELECT coalesce(sum(found - least(expected, 1)) FILTER (found > 1 OR expected = 0), 0)::BIGINT,
       coalesce(sum(expected - 1) FILTER (expected > 1), 0)::BIGINT
FROM odd
"""


def _both(names: Sequence[str], expected: Sequence[str], found: str) -> str:
    """All keys, with `e` where they are expected and `f` where they are found."""
    keys = ", ".join(names)
    sides = [f"SELECT {keys}, 0 AS e, 1 AS f FROM {_parquet([found])}"]
    if expected:
        sides.append(f"SELECT {keys}, 1 AS e, 0 AS f FROM {_parquet(expected)}")
    return " UNION ALL ".join(sides)


def _find_odd(engine: duckdb.DuckDBPyConnection, names: Sequence[str], both: str, folder: Path) -> None:
    """Makes the table `odd` of keys that are expected twice, or found without being expected, or found twice.

    Many keys are dealt out to files first, by their hash, so that those of one file fit into memory: the engine's own
    grouping gives up where they do not.
    """
    engine.execute(f"CREATE TEMP TABLE odd AS {_odd(names, both)} LIMIT 0")
    total = engine.execute(f"SELECT count(*) FROM ({both})").fetchall()[0][0]
    if total <= _AT_ONCE:
        engine.execute(f"INSERT INTO odd {_odd(names, both)}")
        return
    parts = total // _AT_ONCE + 1
    dealt = f"SELECT *, hash({', '.join(names)}) % {parts} AS part FROM ({both})"
    engine.execute(f"SET partitioned_write_flush_threshold = {max(1024, _AT_ONCE // parts)}")
    engine.execute(f"COPY ({dealt}) TO {_quoted(folder / 'dealt')} (FORMAT parquet, PARTITION_BY (part))")
    for part in sorted((folder / "dealt").iterdir()):
        rows = f"SELECT * FROM {_parquet([str(part / '*.parquet')])}"
        engine.execute(f"INSERT INTO odd {_odd(names, rows)}")


def _odd(names: Sequence[str], both: str) -> str:
    keys = ", ".join(names)
    return f"""
    SELECT {keys}, sum(e)::BIGINT AS expected, sum(f)::BIGINT AS found FROM ({both})
    GROUP BY {keys} HAVING sum(e) > 1 OR sum(f) > least(sum(e), 1)
    """


def _parquet(files: Sequence[str]) -> str:
    return f"read_parquet([{', '.join(map(_quoted, files))}], hive_partitioning = false)"


def _quoted(file: object) -> str:
    return "'" + str(file).replace("'", "''") + "'"


def _keys(rows: Any, table: TargetTable) -> pa.Table:
    arrays = []
    for name in table.primary_key:
        column = table.column(name)
        assert column is not None
        arrays.append(key_form(rows.column(name), column.type))
    return pa.Table.from_arrays(arrays, names=[f"k{i}" for i in range(len(arrays))])


def _schema(table: TargetTable) -> pa.Schema:
    kinds = [c.type for name in table.primary_key if (c := table.column(name)) is not None]
    empty = pa.table([pa.array([], arrow_type(k)) for k in kinds], names=list(table.primary_key))
    return _keys(empty, table).schema


def _named(odd: pa.Table, table: TargetTable) -> Iterator[tuple[str, str, int, int]]:
    """The keys in the form that reports show, back in their own types."""
    columns = []
    for i, name in enumerate(table.primary_key):
        column = table.column(name)
        assert column is not None
        columns.append(_own_type(odd.column(i).combine_chunks(), arrow_type(column.type)))
    keys = pa.table(columns, names=list(table.primary_key))
    for row in range(odd.num_rows):
        expected, found = odd.column("expected")[row].as_py(), odd.column("found")[row].as_py()
        text = key_text(keys.slice(row, 1), table, table.primary_key)
        if found > min(expected, 1):
            yield EXTRA, text, expected, found
        if expected > 1:
            yield DUPLICATE, text, expected, found


def _own_type(values: pa.Array, kind: Any) -> pa.Array:
    if values.type == kind or pa.types.is_list(kind):
        return values
    if pa.types.is_temporal(kind) or pa.types.is_floating(kind):
        return values.view(kind)
    return values.cast(kind)
