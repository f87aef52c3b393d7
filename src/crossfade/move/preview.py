"""Map some documents, or a sample of every entity, without writing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial

from crossfade.assess.check import column_faults
from crossfade.errors import Misused, Unreachable
from crossfade.model.events import Listener, SampleStarted
from crossfade.model.findings import Finding
from crossfade.model.names import choices, nearest
from crossfade.model.program import Program
from crossfade.model.shape import Shape
from crossfade.model.target import TargetTable
from crossfade.move.checks import empty_batch
from crossfade.move.context import Context
from crossfade.pipeline.preview import Mapper, Previewed, Sample, first_of, sample, with_keys
from crossfade.records.codec import Codec
from crossfade.schema.load import load_schema
from crossfade.stores.contract import Reader, need
from crossfade.stores.open import dialect_of_target
from crossfade.transform.engine import Engine
from crossfade.transform.inferred_tables import tables_as_mapped


@dataclass(frozen=True)
class Preview:
    """`without_types` says why the types of the columns are unknown; None if the values were checked against them.
    `faults` are those of columns, for which `check` refuses the copy as a whole.
    """

    records: tuple[Previewed, ...]
    samples: tuple[Sample, ...]
    without_types: str | None
    faults: tuple[Finding, ...] = ()


def of_table(context: Context, table: str, limit: int, key: str | None) -> Preview:
    """Map the first documents that feed a table, or the one with a key."""
    if table not in context.program.files:
        raise Misused(f"no mapping fills a table {table!r}", hint=choices(table, context.program.files))
    entities = list(dict.fromkeys(b.entity for b in context.program.branches if b.table == table))
    reader = need(context.source.reader, context.source, "read records")
    records: list[Previewed] = []
    with _mapper(context) as (mapper, why, faults):
        for entity in entities:
            if key is None:
                raws = first_of(reader, context.codec, entity, limit - len(records), context.chunk_bytes)
            else:
                raws = _with_key(reader, context.codec, context.shapes[entity], key)
            records += mapper.map(entity, raws)
    if key is not None and not records:
        raise Misused(
            f"no record of {', '.join(entities)} has the key {key}",
            hint=f"write the key as `crossfade preview {table}` or mongosh prints it, in single quotes for the shell",
        )
    return Preview(tuple(records), (), why, _of(table, faults))


def of_sample(context: Context, table: str | None, size: int, listen: Listener) -> Preview:
    """Map a sample of every mapped entity, or of those that feed a table."""
    if table is not None and table not in context.program.files:
        raise Misused(f"no mapping fills a table {table!r}", hint=choices(table, context.program.files))
    entities = list(dict.fromkeys(b.entity for b in context.program.branches if table in (None, b.table)))
    reader = need(context.source.reader, context.source, "read records")
    listen(SampleStarted(sum(min(size, context.shapes[e].count) for e in entities)))
    with _mapper(context) as (mapper, why, faults):
        samples = tuple(sample(mapper, reader, context.codec, e, size, listen) for e in entities)
        return Preview((), samples, why, _of(table, faults))


Faults = Mapping[str, Sequence[Finding]]
"""Table -> the faults of its columns."""


@contextmanager
def _mapper(context: Context) -> Iterator[tuple[Mapper, str | None, Faults]]:
    reader = need(context.source.reader, context.source, "read records")
    with closing(Engine()) as engine:
        engine.open()
        tables, why = _tables(context, engine)
        faults = _faults(context.program, tables) if why is None else {}
        yield Mapper(context.program, context.shapes, tables, reader, context.codec, engine), why, faults


def _faults(program: Program, tables: Mapping[str, TargetTable]) -> Faults:
    found: dict[str, list[Finding]] = {}
    for branch in program.branches:
        found.setdefault(branch.table, []).extend(column_faults(branch, tables[branch.table]))
    return found


def _of(table: str | None, faults: Faults) -> tuple[Finding, ...]:
    """Return the faults of a table, or of all, each once: the branches of a UNION ALL may have the same."""
    return tuple(dict.fromkeys(one for name, found in faults.items() if table in (None, name) for one in found))


def _tables(context: Context, engine: Engine) -> tuple[Mapping[str, TargetTable], str | None]:
    """Return the target's tables. If the target is needed for that and unreachable, infer them from the mappings, and
    return the reason as well.
    """
    try:
        tables, why = _schema_tables(context), None
    except (Unreachable, Misused) as error:
        return tables_as_mapped(
            context.program, context.shapes, partial(empty_batch, context.codec), engine
        ), error.message
    for branch in context.program.branches:
        if branch.table not in tables:
            raise Misused(f"{branch.file} fills {branch.table!r}, but the target has no such table",
                          hint=nearest(branch.table, tables))  # fmt: skip
    return tables, why


def _schema_tables(context: Context) -> dict[str, TargetTable]:
    target = context.project.settings.target
    try:
        schema = context.schema
    except (Unreachable, Misused):
        schema = load_schema(target.schema_, context.project.root, dialect_of_target(target.url), None)
    return {t.name: t for t in context.fitted(schema).tables}


def _with_key(reader: Reader, codec: Codec, shape: Shape, key: str) -> list[bytes]:
    try:
        groups = codec.keys_meant(key)
    except ValueError as error:
        hint = "write the key as `crossfade preview` prints it"
        raise Misused(f"the key {key} cannot be read: {error}", hint=hint) from None
    for meant in groups:
        if found := with_keys(reader, codec, shape, meant):
            return found
    return []
