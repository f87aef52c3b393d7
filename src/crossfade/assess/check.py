"""Check before the copy: mappings against the shape of the source and against the tables of the target."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from crossfade.assess.ownership import ownership
from crossfade.mapping.coverage.partial import partly_covered
from crossfade.mapping.coverage.uncovered import open_paths, stale_discards, uncovered
from crossfade.mapping.language import foreign
from crossfade.mapping.language.conversions import meant_for
from crossfade.model.batch import Column
from crossfade.model.counts import counted
from crossfade.model.findings import Finding
from crossfade.model.look_alikes import instead
from crossfade.model.program import ROOT_TABLE, Branch, Draft, Program
from crossfade.model.rejection import REMAINDER
from crossfade.model.shape import Shape, format_path
from crossfade.model.target import TargetSchema, TargetTable
from crossfade.project import Discard
from crossfade.schema.triggers import Trigger, enabled_triggers
from crossfade.transform.engine import Engine, EngineError, reason_of
from crossfade.transform.fit.plan import fit_plan
from crossfade.transform.implicit import Conversion, conversions
from crossfade.transform.lookup import Tables

ENCRYPTED = "binData:6"
"""How a value of client-side field level encryption, or of queryable encryption, is stored."""

Doubtful = Callable[[TargetSchema, Collection[str]], Sequence[Finding]]
"""stores.contract.Ddl.doubtful."""

EmptyTable = Callable[[Shape, Sequence[Column]], Any]
"""Return an Arrow table without rows, with the columns that a reader would return."""


def check(
    program: Program,
    shapes: Mapping[str, Shape],
    target: TargetSchema | None,
    discards: Sequence[Discard],
    empty: EmptyTable,
    engine: Engine,
    unknown: Collection[str] = (),
    doubtful: Doubtful = lambda schema, mapped: (),
) -> list[Finding]:
    """Return all faults and notes. `target` is None if it cannot be read; `unknown` are the entities of which mappings
    with faults may map more. Everything else is checked, of a Draft what does not follow from its faults.
    """
    known = {entity: shape for entity, shape in shapes.items() if entity not in unknown}
    findings = list(_torn(shapes))
    findings += list(uncovered(program, known, discards))
    findings += open_paths(known, discards) if not program.files else ()
    findings += stale_discards(program, shapes, discards)
    if target is not None:
        findings += _against_target(program, shapes, target, discards, empty, engine, doubtful)
    findings += _check_discards(program, shapes, empty, engine)
    findings += _orphans(shapes)
    findings += _as_text(known, discards)
    findings += _unreadable(shapes)
    findings += _encrypted(shapes)
    return list(dict.fromkeys(findings))  # the branches of a UNION ALL may have the same findings


def _against_target(
    program: Program,
    shapes: Mapping[str, Shape],
    target: TargetSchema,
    discards: Sequence[Discard],
    empty: EmptyTable,
    engine: Engine,
    doubtful: Doubtful,
) -> Iterator[Finding]:
    findings: list[Finding] = []
    sound = _sound(program)
    findings += partly_covered(sound, shapes, target, discards)
    for branch in program.branches:
        findings += _check_branch(branch, program, shapes, target, discards, empty, engine)
    mapped = {b.table for b in program.branches}
    findings += [
        Finding("note", "unmapped_table", t.name, "no mapping fills this table: it stays empty")
        for t in target.tables
        if t.name not in mapped and t.name not in program.files
    ]
    findings += [_trigger(trigger) for trigger in enabled_triggers(target) if trigger.table in mapped]
    findings += [Finding("note", "schema", "schema", note) for note in target.notes]
    findings += doubtful(target, mapped)
    findings += ownership(sound, shapes, target)
    yield from findings


def _sound(program: Program) -> Program:
    """Return the entities of which no branch has faults."""
    drafts = {b.entity for b in program.branches if isinstance(b, Draft)}
    return replace(program, feeds={e: feed for e, feed in program.feeds.items() if e not in drafts})


def _trigger(trigger: Trigger) -> Finding:
    return Finding(
        "note",
        "trigger",
        trigger.table,
        f"the trigger {trigger.name} ({trigger.when}) does not fire for rows that Crossfade writes (copy, quarantine"
        " retry). It fires for the application's own rows",
        "map the columns that it fills; if it writes to another table, map that table",
    )


def _check_discards(
    program: Program, shapes: Mapping[str, Shape], empty: EmptyTable, engine: Engine
) -> Iterator[Finding]:
    for feed in program.feeds.values():
        if feed.discard_sql is not None:
            tables = {ROOT_TABLE: empty(shapes[feed.entity], feed.columns)}
            try:
                engine.types(feed.discard_sql, tables)
                for found in _conversions(feed.discard_sql, tables, engine):
                    message = f"the where of a [[discard]]: {found}"
                    yield Finding("fault", "converts", feed.entity, message, found.hint)
            except EngineError as error:
                message = f"the where of a [[discard]]: {reason_of(error)}"
                yield Finding("fault", "does_not_bind", feed.entity, message)


def _check_branch(
    branch: Branch,
    program: Program,
    shapes: Mapping[str, Shape],
    target: TargetSchema,
    discards: Sequence[Discard],
    empty: EmptyTable,
    engine: Engine,
) -> Iterator[Finding]:
    table = target.table(branch.table)
    if table is None:
        said, hint = instead(branch.table, [t.name for t in target.tables])
        yield Finding("fault", "unknown_table", branch.file, f"the target has no table {branch.table!r}{said}", hint)
        return
    yield from column_faults(branch, table)
    if branch.filtered and not any(d.table == branch.table for d in discards):
        yield Finding(
            "fault", "filtered", branch.file, f"it leaves out rows without a reason: {branch.filtered}",
            f'[[discard]] table = "{branch.table}" with a reason',
        )  # fmt: skip
    if isinstance(branch, Draft) and not branch.binds:
        return
    tables = {ROOT_TABLE: empty(shapes[branch.entity], program.feeds[branch.entity].columns)}
    tables |= {lookup.table: empty(shapes[lookup.entity], lookup.columns) for lookup in branch.lookups}
    try:
        for lookup in branch.lookups:
            engine.types(lookup.keys_sql, tables)
        types = engine.types(branch.sql, tables)
    except EngineError as error:
        refused = _refused_outputs(branch, tables, engine)
        yield from _not_bound(branch, tables, engine, error, refused or {})
        bound = [name for name in branch.outputs if refused is not None and name not in refused]
        types = engine.types(branch.narrow.sql(*bound, filtered=False), tables) if bound else {}
    else:
        yield from _converted(branch, tables, engine)
    yield from _byte_by_byte(branch, shapes)
    mapped = {name: types[name] for name in branch.outputs if name in types}
    faults = list(fit_plan(mapped, table))
    for fault in faults:
        hint = fault.hint
        if fault.column in branch.mixed and (column := table.column(fault.column)) is not None:
            hint = meant_for(_types_of(branch, fault.column), column=column.type.kind)
        yield Finding("fault", "type", f"{branch.table}.{fault.column}", fault.reason, hint)
    yield from _as_extended_json(branch, table, {fault.column for fault in faults})


def _byte_by_byte(branch: Branch, shapes: Mapping[str, Shape]) -> Iterator[Finding]:
    """Yield the joins by text that the source compares in another way: a join there may find more rows."""
    for lookup in branch.lookups:
        for path in (lookup.path, *(one.path for one in lookup.further)):
            node = shapes[lookup.entity].node(path)
            equated = () if node is None else sorted(node.vocabulary.equates & node.types.keys())
            if equated:
                yield Finding(
                    "note", "byte_by_byte", f"{lookup.entity}.{format_path(path)}",
                    f"{branch.file} joins by it byte by byte; the source calls different texts of {equated[0]} equal",
                    "references of another spelling (another case, 30 days for 1 mon) find nothing: make them equal at"
                    " the source",
                )  # fmt: skip


def _converted(branch: Branch, tables: Tables, engine: Engine) -> Iterator[Finding]:
    """Yield the implicit conversions of DuckDB that would change a value."""
    if not _conversions(branch.sql, tables, engine) and not any(
        _conversions(lookup.keys_sql, tables, engine) for lookup in branch.lookups
    ):
        return
    in_rows = _conversions(branch.narrow.sql(), tables, engine)
    for found in in_rows:
        place = f"{branch.file}:{branch.place.line}:{branch.place.column}"
        yield Finding("fault", "converts", place, f"FROM, WHERE or GROUP BY: {found}", found.hint)
    for name in branch.narrow.outputs:
        written = branch.excerpts.get(name, branch.place)
        for found in _conversions(branch.narrow.sql(name), tables, engine):
            if found not in in_rows:
                place = f"{branch.file}:{written.line}:{written.column}"
                yield Finding("fault", "converts", place, f"{branch.table}.{name}: {found}", found.hint)


def _conversions(sql: str, tables: Tables, engine: Engine) -> list[Conversion]:
    return list(dict.fromkeys(conversions(engine.plan(sql, tables), sql)))


def _as_extended_json(branch: Branch, table: TargetTable, refused: set[str]) -> Iterator[Finding]:
    """Yield text columns that receive values of several types. They would hold Extended JSON, hardly intended."""
    for output in branch.mixed:
        column = table.column(output)
        if column is not None and output not in refused and column.type.kind not in ("json", "jsonb"):
            types = _types_of(branch, output)
            only = next(iter(types)) if len(types) == 1 else ""
            kinds = (
                f"the type {only}, which SQL does not have" if only else f"several types ({', '.join(sorted(types))})"
            )
            message = f"its values have {kinds}: {output} would contain Extended JSON"
            hint = meant_for(types, column=column.type.kind)
            yield Finding("fault", "mixed", f"{table.name}.{output}", message, hint)


def _types_of(branch: Branch, output: str) -> set[str]:
    """Return the types of the values that an output is made of."""
    return {t for use in branch.uses if use.output == output for t in use.types} - {"null"}


def _refused_outputs(branch: Branch, tables: Tables, engine: Engine) -> dict[str, str] | None:
    """Return why DuckDB refuses outputs; None if what FROM or GROUP BY has makes it refuse all of them."""
    if _refusal(branch, tables, engine) is not None:
        return None
    found = {name: _refusal(branch, tables, engine, name) for name in branch.narrow.outputs}
    return {name: why for name, why in found.items() if why is not None}


def _refusal(branch: Branch, tables: Tables, engine: Engine, *names: str, filtered: bool = False) -> str | None:
    try:
        engine.types(branch.narrow.sql(*names, filtered=filtered), tables)
    except EngineError as error:
        return _why(error)
    return None


def _why(error: Exception) -> str:
    """Return DuckDB's message. Names of functions, which generated SQL has in upper case, are as a mapping has them."""
    return re.sub(r"(?<=unction with name )\w+", lambda name: name[0].lower(), reason_of(error))


def _not_bound(
    branch: Branch, tables: Tables, engine: Engine, error: Exception, refused: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield the outputs that DuckDB refuses, at their position in the file, and what it refuses beside them."""
    beside = _refusal(branch, tables, engine, filtered=True) or (None if refused else _why(error))
    if beside is not None:
        place = f"{branch.file}:{branch.place.line}:{branch.place.column}"
        yield Finding("fault", "does_not_bind", place, f"FROM, WHERE or GROUP BY: {beside}", _way_out(beside))
    for name, reason in refused.items():
        written = branch.excerpts.get(name, branch.place)
        place = f"{branch.file}:{written.line}:{written.column}"
        yield Finding("fault", "does_not_bind", place, f"{branch.table}.{name}: {reason}", _way_out(reason))


def _way_out(reason: str) -> str | None:
    """Return a hint for an expression that DuckDB cannot bind, or None if its message is sufficient."""
    if (known := foreign.of_call(reason)) is not None:
        return known
    if _OF_AN_OPERATOR.search(reason):
        return _ONE_TYPE
    if "does not exist" in reason or "No function matches" in reason:
        return "SELECT function_name, parameters FROM duckdb_functions() lists what DuckDB has"
    if "Cannot compare" in reason or "Cannot mix" in reason or "Cannot combine" in reason or "explicit cast" in reason:
        return _ONE_TYPE
    return None


_ONE_TYPE = "CAST(... AS ...), as_text(...), parse_date(...): one type on both sides"
_OF_AN_OPERATOR = re.compile(r"No function matches [^']*'[^\w'\"]+\(")


_UNNAMED = frozenset({"", "*"})
"""Outputs with faults that have no name: it is unknown which columns they are meant to fill."""


def column_faults(branch: Branch, table: TargetTable) -> Iterator[Finding]:
    """Yield a fault for each column that the branch must fill and does not, or fills and must not."""
    names = [c.name for c in table.columns]
    failed = branch.failed if isinstance(branch, Draft) else ()
    outputs = [name for name in (*branch.outputs, *failed) if name not in _UNNAMED]
    for output in outputs:
        column = table.column(output)
        if column is None:
            said, hint = instead(output, names)
            message = f"{branch.table} has no column {output!r}{said}"
            yield Finding("fault", "unknown_column", branch.file, message, hint)
        elif column.generated:
            yield Finding("fault", "generated", f"{table.name}.{output}", "it is a generated column: leave it out")
    if not table.primary_key:
        yield Finding("fault", "no_primary_key", table.name, "it has no primary key, so its rows cannot be compared")
    for column in table.columns:
        if column.name in outputs or column.generated or _UNNAMED & {*failed}:
            continue
        if column.name in table.primary_key:
            hint = "uuid_of(...) returns ids that are the same on every run"
            yield Finding(
                "fault", "unfilled", f"{table.name}.{column.name}", "a mapping must fill the primary key", hint
            )
        elif not column.nullable and not column.has_default:
            yield Finding("fault", "unfilled", f"{table.name}.{column.name}", "it is NOT NULL, and no mapping fills it")


def _torn(shapes: Mapping[str, Shape]) -> Iterator[Finding]:
    for entity, shape in sorted(shapes.items()):
        if REMAINDER in shape.problems:
            message = "it is torn in the source: an unknown number of its records cannot be read"
            hint = "create the dump again; crossfade survey says where it is torn"
            yield Finding("note", "torn", entity, message, hint)


def _orphans(shapes: Mapping[str, Shape]) -> Iterator[Finding]:
    """Yield a note for every reference of the source that has orphans."""
    for shape in shapes.values():
        for one in shape.references:
            if one.orphans:
                why = "" if one.declared else "; the source does not declare it, the names say so"
                message = (
                    f"{counted(one.orphans, 'row')} {'refers' if one.orphans == 1 else 'refer'} to no row: {one}{why}"
                )
                hint = "a foreign key of the target quarantines them; map the column to NULL, or leave the key out"
                yield Finding("note", "orphans", f"{shape.entity}.{one.columns[0]}", message, hint)


def _as_text(shapes: Mapping[str, Shape], discards: Sequence[Discard]) -> Iterator[Finding]:
    """Yield a note for every column that arrives as text because of values that its type in the target may not have."""
    whole = {d.entity for d in discards if d.is_whole}
    for shape in shapes.values():
        for node in shape.root.fields if shape.entity not in whole else ():
            what = node.vocabulary.in_text(node.types) or (node.element and node.vocabulary.in_text(node.element.types))
            if what:
                yield Finding(
                    "note", "as_text", f"{shape.entity}.{node.name}", f"it holds {what}, so it arrives as text",
                    "a text column takes it as it is, as does a column of its type if the target has such values;"
                    " a CAST quarantines the rows that hold them",
                )  # fmt: skip


def _unreadable(shapes: Mapping[str, Shape]) -> Iterator[Finding]:
    for entity, shape in sorted(shapes.items()):
        for reason, count in sorted(shape.problems.items()):
            if reason == REMAINDER:
                continue
            message = f"{counted(count, shape.vocabulary.record)} will be quarantined: {reason}"
            yield Finding("note", "unreadable", entity, message)


def _encrypted(shapes: Mapping[str, Shape]) -> Iterator[Finding]:
    """Yield fields that the application encrypts itself. Queries and indexes in the target see the ciphertext only."""
    for entity, shape in sorted(shapes.items()):
        for path, node in shape.root.walk():
            if stats := node.types.get(ENCRYPTED):
                values = counted(stats.count, "value is", "values are")
                message = f"{values} encrypted by the application: the ciphertext is copied"
                yield Finding("note", "encrypted", f"{entity}.{format_path(path)}", message)
