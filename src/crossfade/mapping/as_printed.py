"""Find columns of the target that take values as the source prints them.

A column with infinite dates arrives as text, because no date of the engine is infinite in all of its functions. Where a
mapping hands that text on as it is, to a column of the very same type in a database that has infinite dates, the
database reads it: nothing is computed in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import sqlglot
from sqlglot import exp

from crossfade.model.batch import Column
from crossfade.model.canonical import element_of
from crossfade.model.dialects import DIALECTS
from crossfade.model.program import Branch, Program
from crossfade.model.shape import Node, Shape
from crossfade.model.target import ColumnType, TargetColumn, TargetSchema, TargetTable


def as_printed(program: Program, shapes: Mapping[str, Shape], schema: TargetSchema) -> TargetSchema:
    """Return the schema, with the kind `other` for such columns. Its steps and its digest are the same."""
    if not DIALECTS[schema.dialect].has_infinite_dates or not _prints(shapes.values()):
        return schema
    return replace(schema, tables=tuple(_of_table(table, program, shapes) for table in schema.tables))


def _prints(shapes: Iterable[Shape]) -> bool:
    return any(_printed(node) is not None for shape in shapes for node in shape.root.fields)


def _of_table(table: TargetTable, program: Program, shapes: Mapping[str, Shape]) -> TargetTable:
    branches = [branch for branch in program.branches if branch.table == table.name]
    columns = tuple(_of_column(column, branches, program, shapes) for column in table.columns)
    return table if columns == table.columns else replace(table, columns=columns)


def _of_column(
    column: TargetColumn, branches: list[Branch], program: Program, shapes: Mapping[str, Shape]
) -> TargetColumn:
    """Return the column with the kind `other` if every branch that fills it hands on such a text."""
    filling = [branch for branch in branches if column.name in branch.narrow.outputs]
    given = [(branch, _parsed(branch.narrow.outputs[column.name])) for branch in filling]
    places = [_place(sql, branch, program, shapes) for branch, sql in given if not isinstance(sql, exp.Null)]
    if not places or not all(place is not None and _printed(place) == _named(column.type) for place in places):
        return column
    if column.type.kind == "array":
        of = ColumnType("other", element_of(column.type).sql)
        return replace(column, type=replace(column.type, of=of))
    return replace(column, type=ColumnType("other", column.type.sql))


def _parsed(sql: str) -> exp.Expr:
    found: exp.Expr = sqlglot.parse_one(f"SELECT {sql}", read="duckdb").expressions[0].unalias()
    return found


def _place(sql: exp.Expr, branch: Branch, program: Program, shapes: Mapping[str, Shape]) -> Node | None:
    """Return the column of the source that the output passes on unchanged, if it is one."""
    if isinstance(sql, exp.Transform) and isinstance(sql.expression.this, exp.StructExtract):
        sql = sql.this  # the elements of an array, each as it is
    if not isinstance(sql, exp.Column):
        return None
    sources: dict[str, tuple[str, tuple[Column, ...]]] = {
        lookup.alias: (lookup.entity, lookup.columns) for lookup in branch.lookups
    }
    sources[branch.alias] = (branch.entity, program.feeds[branch.entity].columns)
    entity, columns = sources.get(sql.table, ("", ()))
    path = next((c.path for c in columns if c.name == sql.name), None)
    return shapes[entity].node(path) if path else None


def _printed(node: Node) -> tuple[str, ...] | None:
    """Return the type whose values the place holds as text; of an array, `array` and the type of its elements."""
    if node.kind == "array" and node.element is not None:
        of = node.element.vocabulary.printed(node.element.types)
        return None if of is None else ("array", of)
    of = node.vocabulary.printed(node.types)
    return None if of is None else (of,)


def _named(kind: ColumnType) -> tuple[str, ...]:
    return ("array", element_of(kind).kind) if kind.kind == "array" else (kind.kind,)


__all__ = ["as_printed"]
