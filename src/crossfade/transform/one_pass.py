"""Find all documents of a batch that a SELECT refuses, and why, in a few queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.program import ROOT_TABLE, ROW, Lookup, Narrow
from crossfade.model.rejection import Rejection
from crossfade.transform.engine import RECORD_ERRORS, Engine, EngineError, OutOfMemory, reason_of
from crossfade.transform.lookup import LookupReader, LookupRejected, Tables, keys_of
from crossfade.transform.memory_bound import MEGABYTES
from crossfade.transform.refusal_queries import FoundRejections, Stage, read

OF_A_RECORD: tuple[type[Exception], ...] = (*RECORD_ERRORS, LookupRejected)


def refused(column: str | None, error: Exception, row: int = 0) -> Rejection:
    """Return why the engine rejects one document, by its error."""
    if isinstance(error, LookupRejected):
        return Rejection(row, "looked_up", error.message)
    if isinstance(error, OutOfMemory):
        return Rejection(row, "too_large", f"mapping it needs more than {MEGABYTES} MB of memory", column=column)
    return Rejection(row, "mapping_error", reason_of(error), column=column)


def in_pieces(
    root: pa.Table,
    run: Callable[[pa.Table], pa.Table],
    one_pass: Callable[[], OnePass],
    alone: Callable[[pa.Table, Exception], Rejection],
    note: Callable[[Rejection], None],
) -> Iterator[pa.Table]:
    """Yield the results of `run` for the documents, ideally for all at once. Pass refused documents to `note`.

    One pass finds all refusals that have companions. If the rest is still refused, it is bisected down to a single
    document, for which `alone` returns the refusal.
    """
    if not root.num_rows:
        return
    whole = None
    with suppress(*OF_A_RECORD):
        whole = run(root)
    if whole is not None:
        yield whole
        return
    refused = one_pass().look(root)
    for one in refused.values():
        note(one)
    rest = without(root, set(refused))
    pending = [rest] if rest.num_rows else []
    while pending:
        part = pending.pop()
        try:
            out = run(part)
        except OF_A_RECORD as error:
            half = part.num_rows // 2
            if half:
                pending += [part.slice(half), part.slice(0, half)]
            else:
                note(alone(part, error).at(part.column(ROW)[0].as_py()))
            continue
        yield out


class OnePass:
    """Finds what a SELECT refuses. `narrow` is None for a SELECT without outputs."""

    def __init__(self, stages: Sequence[Stage], narrow: Narrow | None, engine: Engine, lookups: LookupReader) -> None:
        self._stages = stages
        self._narrow = narrow
        self._engine = engine
        self._lookups = lookups
        self._asked_for = [stage.lookup for stage in stages if stage.lookup is not None]

    def look(self, root: pa.Table) -> dict[int, Rejection]:
        """Return the refusals by row. Other documents may be refused too: some refusals are found only by running the
        SELECT itself.
        """
        found = FoundRejections()
        tables: Tables = {ROOT_TABLE: root}
        try:
            for stage in self._stages:
                if stage.sql is not None:
                    read(stage, self._engine.run(stage.sql, tables), found, self._engine.refusal_of)
                    tables[ROOT_TABLE] = without(tables[ROOT_TABLE], found.rows)
                if stage.lookup is not None:
                    self._fetch(stage, stage.lookup, tables, found)
        except (EngineError, LookupRejected):  # the refusals found so far are valid
            return found.certain
        return found.certain | self._one_by_one(root, found.unsure)

    def _fetch(self, stage: Stage, lookup: Lookup, tables: Tables, found: FoundRejections) -> None:
        def run(sql: str) -> pa.Table:
            return self._engine.run(sql, tables)

        try:
            tables[lookup.table] = self._lookups.needed(lookup, run)
        except LookupRejected as error:
            if not error.broken:
                raise
            asked = self._engine.run(stage.keys_sql, tables).drop_null()
            rows, values = asked.column(0).to_pylist(), asked.column(1).combine_chunks()
            for row, key in zip(rows, keys_of(values, lookup.key_kind), strict=True):
                message = error.broken.get(self._lookups.key_text(key, lookup.key_kind))
                if message is not None:
                    found.add(Rejection(row, "looked_up", message))
            tables[ROOT_TABLE] = without(tables[ROOT_TABLE], found.rows)
            tables[lookup.table] = self._lookups.needed(lookup, run)

    def _one_by_one(self, root: pa.Table, unsure: dict[int, Rejection]) -> dict[int, Rejection]:
        """Return refusals by functions of the engine. Run each document alone, for the refused output only."""
        certain: dict[int, Rejection] = {}
        if self._narrow is None or not unsure:
            return certain
        places = {row: at for at, row in enumerate(root.column(ROW).to_pylist()) if row in unsure}
        for row, why in unsure.items():
            sql = self._narrow.sql(*[why.column] if why.column else [])
            alone = root.slice(places[row], 1)
            try:
                self._engine.run(sql, with_lookups(self._engine, self._lookups, self._asked_for, alone))
            except OF_A_RECORD as error:
                certain[row] = refused(why.column, error, row)
        return certain


def with_lookups(engine: Engine, reader: LookupReader, lookups: Sequence[Lookup], root: pa.Table) -> Tables:
    """Return the documents together with those that they look up."""
    tables: Tables = {ROOT_TABLE: root}
    for lookup in lookups:
        tables[lookup.table] = reader.needed(lookup, lambda sql: engine.run(sql, tables))
    return tables


def without(root: pa.Table, rows: set[int]) -> pa.Table:
    """Return the documents without these rows."""
    if not rows:
        return root
    return root.filter(pc.invert(pc.is_in(root.column(ROW), value_set=pa.array(sorted(rows), pa.int64()))))


__all__ = ["OF_A_RECORD", "OnePass", "in_pieces", "refused", "with_lookups", "without"]
