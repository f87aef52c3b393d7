"""The data path shared by copy, verify, retry and repair: convert documents to canonical rows of all target tables.

Records are independent. If the engine refuses a batch, one pass finds the refused records with their reasons
(one_pass.py). A refused record is rejected as a whole, with its rows in all tables. If the rest is still refused,
it is bisected until the refused record is isolated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.errors import Misused
from crossfade.model.batch import Batch
from crossfade.model.program import ROOT_TABLE, ROW, Branch, Computed, Feed, computed_sql
from crossfade.model.rejection import Rejection
from crossfade.model.target import TargetTable
from crossfade.transform.engine import NOT_BOUND, RECORD_ERRORS, Engine, reason_of
from crossfade.transform.fit.canonical_rows import fit
from crossfade.transform.left_out import count_sql
from crossfade.transform.lookup import LookupReader, LookupRejected
from crossfade.transform.one_pass import OF_A_RECORD, OnePass, in_pieces, refused, with_lookups, without
from crossfade.transform.refusal_queries import stages_of, where_stages


@dataclass(frozen=True)
class TableRows:
    """Rows of a target table in canonical Arrow. `roots` (int64): the position of each row's document in the batch."""

    table: TargetTable
    rows: pa.Table
    roots: pa.Array


@dataclass
class Mapped:
    """The result of a batch: rows, rejections (their records have no rows in `tables`), discarded positions."""

    tables: list[TableRows] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    discarded: set[int] = field(default_factory=set)


class Transformer:
    """Maps batches of one feed. It must not be shared between threads.

    `lookups` fetches the entities that the mapping joins (a LookupReader over the source).
    """

    def __init__(self, feed: Feed, tables: Mapping[str, TargetTable], engine: Engine, lookups: LookupReader) -> None:
        self.feed = feed
        self.tables = tables
        self.engine = engine
        self.lookups = lookups
        self._passes: dict[tuple[str, int], OnePass] = {}

    def map(self, batch: Batch) -> Mapped:
        """Return all rows of the batch's documents, and the rejected ones. Raises Misused if a mapping is wrong."""
        try:
            return self._map(batch)
        except NOT_BOUND as error:
            what = f"a mapping of {self.feed.entity} cannot be run: {reason_of(error)}"
            raise Misused(what, hint="crossfade check") from error

    def _map(self, batch: Batch) -> Mapped:
        result = Mapped()
        if batch.table.num_rows == 0:
            return result
        root = self._not_discarded(batch.table, result)
        made: list[pa.Array] = []
        for branch, computed in zip(self.feed.branches, self._computed_at_once(root), strict=True):
            for piece in self._branch(branch, root, computed, result.rejections):
                result.tables.append(piece)
                if branch.one_row or not self._has_own_branch:
                    made.append(piece.roots)
        bad = {m.row for m in result.rejections}
        for row in _others(root.column(ROW), made):
            if row not in bad:
                result.rejections.append(
                    Rejection(row, "no_rows", f"the mapping returned no row in {self._own_tables}")
                )
                bad.add(row)
        if bad:
            result.tables = [drop_roots(t, bad) for t in result.tables]
        result.rejections = _first_of_each(result.rejections)
        result.tables = join_tables(result.tables)
        return result

    def left_out(self, batch: Batch, mapped: Mapped, roots: set[int]) -> dict[str, int | None]:
        """Return, for each table whose mapping has a condition, how many rows of these documents the condition leaves
        out; None if the engine refuses to count them.
        """
        found: dict[str, int | None] = {}
        root = batch.table.filter(pc.is_in(batch.table.column(ROW), value_set=pa.array(sorted(roots), pa.int64())))
        for table in dict.fromkeys(b.table for b in self.feed.branches if b.filtered):
            made = sum(keep_roots(part, roots).rows.num_rows for part in mapped.tables if part.table.name == table)
            branches = [b for b in self.feed.branches if b.table == table]
            try:
                found[table] = sum(self._all_rows(branch, root) for branch in branches) - made
            except OF_A_RECORD:
                found[table] = None
        return found

    def _all_rows(self, branch: Branch, root: pa.Table) -> int:
        tables = with_lookups(self.engine, self.lookups, branch.lookups, root)
        return int(self.engine.run(count_sql(branch), tables).column(0)[0].as_py())

    @property
    def _has_own_branch(self) -> bool:
        return any(b.one_row for b in self.feed.branches)

    @property
    def _own_tables(self) -> str:
        own = [b.table for b in self.feed.branches if b.one_row] or [b.table for b in self.feed.branches]
        return ", ".join(dict.fromkeys(own)) or "any table"

    def _not_discarded(self, root: pa.Table, result: Mapped) -> pa.Table:
        """Return the documents that no discard's `where` matches."""
        sql = self.feed.discard_sql
        if sql is None:
            return root

        def run(part: pa.Table) -> pa.Table:
            return self.engine.run(sql, {ROOT_TABLE: part})

        def note(one: Rejection) -> None:
            result.rejections.append(replace(one, detail=f"the where of a [[discard]]: {one.detail}"))

        def alone(part: pa.Table, error: Exception) -> Rejection:
            return refused(None, error)

        for rows in in_pieces(root, run, lambda: self._discard_pass, alone, note):
            result.discarded |= set(rows.column(0).to_pylist())
        return without(root, result.discarded | {m.row for m in result.rejections})

    def _branch(
        self, branch: Branch, root: pa.Table, computed: pa.Table | None, rejections: list[Rejection]
    ) -> Iterator[TableRows]:
        """Run a branch for the documents. `computed` has its computed outputs, if they exist already."""
        target = self.tables[branch.table]

        def note(one: Rejection) -> None:
            rejections.append(replace(one, table=branch.table))

        def run(part: pa.Table) -> pa.Table:
            return self._rows(branch, part, computed if part is root else None)

        for out in in_pieces(root, run, partial(self._pass, branch), partial(self._refusal_of_one, branch), note):
            roots = _array(out.column(ROW))
            fitted = fit(out, target, printed=self._printed(branch), plain=branch.plain_json)
            found = ((roots[wrong.row].as_py(), wrong) for wrong in fitted.rejections)
            rejections += [replace(wrong, row=row, table=branch.table) for row, wrong in found]
            yield TableRows(target, fitted.table.drop_columns([ROW]), _array(fitted.table.column(ROW)))

    def _pass(self, branch: Branch) -> OnePass:
        """Return the finder of everything that the branch refuses. It is made when the branch first refuses a batch."""
        key = (branch.table, branch.number)
        if key not in self._passes:
            stages = stages_of(branch.narrow, branch.lookups)
            self._passes[key] = OnePass(stages, branch.narrow, self.engine, self.lookups)
        return self._passes[key]

    @cached_property
    def _discard_pass(self) -> OnePass:
        return OnePass(where_stages(self.feed.discard_sql or ""), None, self.engine, self.lookups)

    def _rows(self, branch: Branch, part: pa.Table, computed: pa.Table | None) -> pa.Table:
        """Return `#row` and the outputs. Outputs that are columns of the batch bypass the engine."""
        if not branch.straight and branch.computed is None:
            return self.engine.run(branch.sql, with_lookups(self.engine, self.lookups, branch.lookups, part))
        if computed is None and branch.computed is not None:
            (computed,) = self._compute([branch.computed], part)
        known = {name: part.column(column) for name, column in branch.straight.items()}
        if computed is not None:
            known |= zip(computed.column_names, computed.columns, strict=True)
        return pa.table({ROW: part.column(ROW), **{name: known[name] for name in branch.outputs}})

    def _computed_at_once(self, root: pa.Table) -> list[pa.Table | None]:
        """Compute the outputs of all branches with one query for each alias, because a query has a high fixed cost.
        None for a branch that computes nothing, or if the engine refuses a record: then branches run separately.
        """
        tables: list[pa.Table | None] = [None] * len(self.feed.branches)
        for alias in self._aliases:
            asked = [
                (i, b.computed) for i, b in enumerate(self.feed.branches) if b.computed and b.computed.alias == alias
            ]
            try:
                made = self._compute([computed for _, computed in asked], root)
            except OF_A_RECORD:
                continue
            for (i, _), table in zip(asked, made, strict=True):
                tables[i] = table
        return tables

    @cached_property
    def _aliases(self) -> list[str]:
        return list(dict.fromkeys(b.computed.alias for b in self.feed.branches if b.computed))

    def _compute(self, asked: Sequence[Computed], part: pa.Table) -> list[pa.Table]:
        """Compute several expressions with the same alias in one query."""
        columns = dict.fromkeys([ROW, *(column for one in asked for column in one.columns)])
        out = self.engine.run(computed_sql(asked), {ROOT_TABLE: part.select(list(columns))})
        assert out.column(0).equals(part.column(ROW)), "one row for each document, in order"
        made = iter(out.columns[1:])
        return [pa.table({name: next(made) for name in one.outputs}) for one in asked]

    def _printed(self, branch: Branch) -> frozenset[str]:
        """Return the outputs that are JSON as the reader, or the source's database, printed it."""
        return frozenset(output for output, column in branch.straight.items() if column in self.feed.valid_json)

    def _refusal_of_one(self, branch: Branch, part: pa.Table, error: Exception) -> Rejection:
        """Return which output of a single document the engine refuses, by trying each alone."""
        if isinstance(error, LookupRejected):
            return refused(None, error)
        try:
            tables = with_lookups(self.engine, self.lookups, branch.lookups, part)
        except OF_A_RECORD:  # the key of a lookup fails; the message says so
            return refused(None, error)
        for name in (None, *branch.narrow.outputs):  # first WHERE and ON, without outputs
            try:
                self.engine.run(branch.narrow.sql(*[name] if name else []), tables)
            except RECORD_ERRORS as one:
                return refused(name, one)
        return refused(None, error)


def drop_roots(part: TableRows, roots: set[int]) -> TableRows:
    """Return the rows without those of these documents."""
    keep = pc.invert(pc.is_in(part.roots, value_set=pa.array(sorted(roots), pa.int64())))
    return TableRows(part.table, part.rows.filter(keep), part.roots.filter(keep))


def keep_roots(part: TableRows, roots: set[int]) -> TableRows:
    """Return only the rows of these documents."""
    keep = pc.is_in(part.roots, value_set=pa.array(sorted(roots), pa.int64()))
    return TableRows(part.table, part.rows.filter(keep), part.roots.filter(keep))


def join_tables(parts: Sequence[TableRows]) -> list[TableRows]:
    """Return one piece for each table and set of columns, in the order of first appearance."""
    groups: dict[tuple[str, ...], list[TableRows]] = {}
    for part in parts:
        if part.rows.num_rows:
            groups.setdefault((part.table.name, *part.rows.column_names), []).append(part)
    return [_joined(group) for group in groups.values()]


def _joined(group: list[TableRows]) -> TableRows:
    if len(group) == 1:
        return group[0]
    rows = pa.concat_tables([g.rows for g in group])
    return TableRows(group[0].table, rows, pa.concat_arrays([g.roots for g in group]))


def _array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _others(rows: pa.ChunkedArray, made: Sequence[pa.Array]) -> list[int]:
    """Return the rows that are in none of the arrays."""
    all_made = pa.concat_arrays(made) if made else pa.array([], pa.int64())
    others: list[int] = rows.filter(pc.invert(pc.is_in(rows, value_set=all_made))).to_pylist()
    return others


def _first_of_each(rejections: list[Rejection]) -> list[Rejection]:
    """Return one reason for each record: the first that was found."""
    first: dict[int, Rejection] = {}
    for rejection in rejections:
        first.setdefault(rejection.row, rejection)
    return [first[row] for row in sorted(first)]


__all__ = ["Mapped", "TableRows", "Transformer", "drop_roots", "join_tables", "keep_roots"]
