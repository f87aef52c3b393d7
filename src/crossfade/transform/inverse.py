"""Run the inverse of an entity: DuckDB over the target's rows, in canonical Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from crossfade.errors import Fault, MappingFault
from crossfade.model.inverse import PLACE
from crossfade.model.names import nearest
from crossfade.model.program import ROW
from crossfade.model.target import ColumnType, TargetTable
from crossfade.transform.arrival import arriving, empty_rows
from crossfade.transform.engine import RECORD_ERRORS, Engine, EngineError, reason_of
from crossfade.transform.rebuilt import Rebuilt, rebuilt_rows

FUNCTIONS = frozenset(
    """
    of_json of_ejson of_rest of_number of_decimal of_map of_legacy oid_of oid_in uuid_of ms_of s_of julian_of
    unescape_nul unescape_nul_json
    """.split()
)
"""The functions of an inverse (inverse.sql)."""


@dataclass(frozen=True)
class Prepared:
    """An inverse that can be run: its SQL, in which each table has the engine's name, and the tables by that name."""

    sql: str
    tables: Mapping[str, TargetTable]
    reads: Mapping[tuple[str, str], frozenset[str]]
    """The outputs that read a column: table and column, as a set of names."""


def prepare(text: str, file: str, tables: Mapping[str, TargetTable], engine: Engine) -> Prepared:
    """Return an inverse as it runs. Raises MappingFault if it is not a SELECT over these tables that DuckDB accepts."""
    select = _parsed(text, file)
    named: dict[str, TargetTable] = {}
    for table in list(select.find_all(exp.Table)):
        if isinstance(table.this, exp.Identifier):
            _rename(table, file, tables, named)
    for function in list(select.find_all(exp.Anonymous)):
        if function.name.lower() in FUNCTIONS:
            function.set("this", f"cf_inv_{function.name.lower()}")
    owner = select.args["from_"].this.alias
    row = exp.column(ROW, table=owner, quoted=True)
    select.select(exp.alias_(row, ROW, quoted=True), copy=False)
    if (group := select.args.get("group")) is not None:
        group.append("expressions", row.copy())
    prepared = Prepared(select.sql("duckdb"), named, _reads(select, named))
    try:
        engine.types(prepared.sql, {name: empty_rows(table) for name, table in named.items()})
    except EngineError as error:
        raise MappingFault([Fault(file, 1, 0, reason_of(error))]) from None
    return prepared


def _reads(select: exp.Select, named: Mapping[str, TargetTable]) -> dict[tuple[str, str], frozenset[str]]:
    """Return which outputs read a column of a table that is joined as it is."""
    sources = [select.args["from_"].this, *(join.this for join in select.args.get("joins") or [])]
    tables = {one.alias: named[one.name].name for one in sources if isinstance(one, exp.Table)}
    found: dict[tuple[str, str], set[str]] = {}
    for output in select.expressions:
        for column in output.find_all(exp.Column):
            if column.table in tables and output.alias != ROW:
                found.setdefault((tables[column.table], column.name), set()).add(output.alias)
    return {place: frozenset(outputs) for place, outputs in found.items()}


def _parsed(text: str, file: str) -> exp.Select:
    try:
        statements = [
            s for s in sqlglot.parse(text, read="duckdb") if s is not None and not isinstance(s, exp.Semicolon)
        ]
    except (SqlglotError, RecursionError) as error:
        raise MappingFault([Fault(file, 1, 0, f"does not parse: {str(error).splitlines()[0]}")]) from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        raise MappingFault([Fault(file, 1, 0, "an inverse is one SELECT")])
    source = statements[0].args.get("from_")
    if source is None or not isinstance(source.this, exp.Table) or not source.this.alias:
        raise MappingFault(
            [Fault(file, 1, 0, "the first table after FROM must be a table of the target, with an alias")]
        )
    return statements[0]


def _rename(table: exp.Table, file: str, tables: Mapping[str, TargetTable], named: dict[str, TargetTable]) -> None:
    name = ".".join(part.name for part in table.parts)
    if name not in tables:
        hint = nearest(name, tables)
        raise MappingFault([Fault(file, 1, 0, f"no mapping of this entity fills a table {name!r}", hint=hint)])
    known = next((key for key, one in named.items() if one.name == name), f"target{len(named)}")
    named[known] = tables[name]
    alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name, quoted=True))
    table.replace(exp.Table(this=exp.to_identifier(known), alias=alias.copy()))


class InverseRunner:
    """Rebuilds records from rows. It must not be shared between threads."""

    def __init__(self, prepared: Prepared, engine: Engine) -> None:
        self._prepared, self._engine = prepared, engine

    def outputs_of(self, table: str, column: str) -> frozenset[str]:
        """Return the outputs that read a column of a table that is joined as it is (not as a list)."""
        return self._prepared.reads.get((table, column), frozenset())

    def run(self, rows: Mapping[str, pa.Table]) -> Iterator[Rebuilt]:
        """Yield what each record is rebuilt to. `rows` are the rows by table, canonical, with the columns ROW (the
        number of the record) and, where it is known, PLACE. A record that the engine refuses has the reason.
        """
        tables = {name: arriving(table, rows.get(table.name)) for name, table in self._prepared.tables.items()}
        numbers = sorted({n for table in tables.values() for n in table.column(ROW).unique().to_pylist()})
        yield from self._of(tables, numbers)

    def _of(self, tables: Mapping[str, pa.Table], numbers: Sequence[int]) -> Iterator[Rebuilt]:
        if not numbers:
            return
        try:
            made = self._engine.run(self._prepared.sql, tables)
        except RECORD_ERRORS as error:
            if len(numbers) == 1:
                yield Rebuilt(numbers[0], {}, reason_of(error))
                return
            half = len(numbers) // 2
            for part in (numbers[:half], numbers[half:]):
                yield from self._of(_only(tables, part), part)
            return
        yield from rebuilt_rows(made)


def _only(tables: Mapping[str, pa.Table], numbers: Sequence[int]) -> dict[str, pa.Table]:
    wanted = pa.array(numbers, pa.int64())
    return {name: table.filter(pa.compute.is_in(table.column(ROW), value_set=wanted)) for name, table in tables.items()}


__all__ = ["FUNCTIONS", "PLACE", "ColumnType", "InverseRunner", "Prepared", "prepare"]
