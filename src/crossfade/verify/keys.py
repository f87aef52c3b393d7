"""Find rows that should not be in the target, and keys that are expected twice.

The results of the chunks are nearly sufficient. Of `expected` rows, `missing` were not found. If no key is expected
twice, the found rows are all different; if the target has exactly that many rows, it has no others, and none twice.
(The target is not written during such a verification.) The order of the keys shows whether a key is expected twice
(verify/runs.py); otherwise the keys are grouped. All keys of both sides are compared only if the count differs or a key
is expected twice, in order to name the rows.

So the expected keys are written to disk while the chunks are compared, and the target's keys when they are needed. An
engine that spills to disk groups them, so that memory does not grow with the table.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import duckdb
import pyarrow as pa

from crossfade.errors import CrossfadeError
from crossfade.model.canonical import arrow_type
from crossfade.model.equal import from_key_form
from crossfade.model.target import TargetTable
from crossfade.verify.compare import DUPLICATE, EXTRA
from crossfade.verify.show import key_text
from crossfade.verify.spool import ENTITY, RECORD, keys_of, names_of, spooled

_MEMORY = "128MB"
_AT_ONCE = 200_000  # keys that are grouped in memory
_DEALT = "dealt"  # the folder of the files that many keys are distributed over


@dataclass(frozen=True)
class KeyFindings:
    """The numbers of EXTRA and DUPLICATE rows. `named` has the first: kind, key, times expected, times found."""

    extra: int
    duplicate: int
    named: tuple[tuple[str, str, int, int], ...]


NO_FINDINGS = KeyFindings(0, 0, ())


def none_twice(folder: Path, table: TargetTable) -> bool:
    """Return whether no key is spooled twice in `folder`."""
    with _engine(folder, table) as engine:
        _find_unexpected(engine, names_of(table), _expected(folder, table), folder)
        return not engine.execute("SELECT EXISTS (FROM unexpected)").fetchall()[0][0]


def compare_keys(
    folder: Path,
    table: TargetTable,
    target: Iterable[pa.RecordBatch],
    *,
    limit: int,
    tell: Callable[[pa.Table], None] | None = None,
    tell_twice: Callable[[list[tuple[str, str]]], None] | None = None,
) -> KeyFindings:
    """Compare the keys spooled in `folder` with those of the target (record batches of the key columns). `tell`
    receives the keys of rows that should not be there, `tell_twice` the records that make a row which others make too.

    Raises CrossfadeError if they do not fit on the disk.
    """
    found = folder / "found"
    _write(found, table, (keys_of(batch, table) for batch in target))
    names = names_of(table)
    there = f"SELECT {', '.join(names)}, 0 AS e, 1 AS f FROM {_parquet([str(found)])}"
    with _engine(folder, table) as engine:
        _find_unexpected(engine, names, f"{there} UNION ALL {_expected(folder, table)}", folder)
        extra, duplicate = engine.execute(_COUNTS).fetchall()[0]
        order = ", ".join(["expected > 1", *names])
        if tell is not None:
            tell(_own_keys(engine.sql("FROM unexpected WHERE found > least(expected, 1)").to_arrow_table(), table))
        if tell_twice is not None:
            tell_twice(engine.execute(_twice(names, folder / "expected")).fetchall())
        first = engine.sql(f"FROM unexpected ORDER BY {order} LIMIT {limit:d}").to_arrow_table()
    return KeyFindings(extra, duplicate, tuple(_named(first, table)))


@contextmanager
def _engine(folder: Path, table: TargetTable) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an engine for one grouping. It leaves no files in the folder."""
    own = {"memory_limit": _MEMORY, "temp_directory": str(folder / "spill"), "threads": 1}
    try:
        with duckdb.connect(":memory:", config=own) as engine:
            engine.execute("SET preserve_insertion_order = false")
            yield engine
    except duckdb.Error as error:
        raise CrossfadeError(f"could not compare the keys of {table.name}: {error}") from error
    finally:
        shutil.rmtree(folder / _DEALT, ignore_errors=True)


_COUNTS = """
SELECT coalesce(sum(found - least(expected, 1)) FILTER (found > 1 OR expected = 0), 0)::BIGINT,
       coalesce(sum(expected - 1) FILTER (expected > 1), 0)::BIGINT
FROM unexpected
"""


def _expected(folder: Path, table: TargetTable) -> str:
    """Return a query for the spooled keys as rows with `e` (expected) 1 and `f` (found) 0."""
    file = folder / "expected"
    _write(file, table, spooled(folder))
    return f"SELECT {', '.join(names_of(table))}, 1 AS e, 0 AS f FROM {_parquet([str(file)])}"


def _write(file: Path, table: TargetTable, keys: Iterable[pa.Table]) -> None:
    import pyarrow.parquet as pq  # imported here, because every command loads this module

    keys = iter(keys)
    first = next(keys, None)
    schema = _schema(table) if first is None else first.schema
    with pq.ParquetWriter(file, schema, compression="lz4") as out:
        for part in () if first is None else chain([first], keys):
            out.write_table(part)


def _find_unexpected(engine: duckdb.DuckDBPyConnection, names: Sequence[str], both: str, folder: Path) -> None:
    """Create the table `unexpected` with the keys in `both` that are expected twice, found but not expected, or found
    twice.

    Many keys are first distributed over files by their hash, so that the keys of one file fit into memory: the engine's
    own grouping fails if they do not.
    """
    engine.execute(f"CREATE TEMP TABLE unexpected AS {_unexpected(names, both)} LIMIT 0")
    total = engine.execute(f"SELECT count(*) FROM ({both})").fetchall()[0][0]
    if total <= _AT_ONCE:
        engine.execute(f"INSERT INTO unexpected {_unexpected(names, both)}")
        return
    parts = total // _AT_ONCE + 1
    dealt = f"SELECT *, hash({', '.join(names)}) % {parts} AS part FROM ({both})"
    engine.execute(f"SET partitioned_write_flush_threshold = {max(1024, _AT_ONCE // parts)}")
    engine.execute(f"COPY ({dealt}) TO {_quoted(folder / _DEALT)} (FORMAT parquet, PARTITION_BY (part))")
    for part in sorted((folder / _DEALT).iterdir()):
        rows = f"SELECT * FROM {_parquet([str(part / '*.parquet')])}"
        engine.execute(f"INSERT INTO unexpected {_unexpected(names, rows)}")


def _unexpected(names: Sequence[str], both: str) -> str:
    keys = ", ".join(names)
    return f"""
    SELECT {keys}, sum(e)::BIGINT AS expected, sum(f)::BIGINT AS found FROM ({both})
    GROUP BY {keys} HAVING sum(e) > 1 OR sum(f) > least(sum(e), 1)
    """


def _twice(names: Sequence[str], file: Path) -> str:
    same = " AND ".join(f"u.{name} = k.{name}" for name in names)
    return f"""
    SELECT DISTINCT k.{ENTITY}, k.{RECORD} FROM {_parquet([str(file)])} AS k
    WHERE EXISTS (FROM unexpected AS u WHERE u.expected > 1 AND {same})
    """


def _parquet(files: Sequence[str]) -> str:
    return f"read_parquet([{', '.join(map(_quoted, files))}], hive_partitioning = false)"


def _quoted(file: object) -> str:
    return "'" + str(file).replace("'", "''") + "'"


def _schema(table: TargetTable) -> pa.Schema:
    kinds = [c.type for name in table.primary_key if (c := table.column(name)) is not None]
    empty = pa.table([pa.array([], arrow_type(k)) for k in kinds], names=list(table.primary_key))
    keys = keys_of(empty, table).schema
    return keys.append(pa.field(RECORD, pa.string())).append(pa.field(ENTITY, pa.string()))


def _named(unexpected: pa.Table, table: TargetTable) -> Iterator[tuple[str, str, int, int]]:
    """Yield the keys, converted back to their own types, in the form that reports show."""
    keys = _own_keys(unexpected, table)
    for row in range(unexpected.num_rows):
        expected, found = unexpected.column("expected")[row].as_py(), unexpected.column("found")[row].as_py()
        text = key_text(keys.slice(row, 1), table, table.primary_key)
        if found > min(expected, 1):
            yield EXTRA, text, expected, found
        if expected > 1:
            yield DUPLICATE, text, expected, found


def _own_keys(rows: pa.Table, table: TargetTable) -> pa.Table:
    columns = []
    for i, name in enumerate(table.primary_key):
        column = table.column(name)
        assert column is not None
        columns.append(from_key_form(rows.column(i).combine_chunks(), column.type))
    return pa.table(columns, names=list(table.primary_key))
