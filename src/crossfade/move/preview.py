"""A preview: what the mapping makes of some documents, or of a sample of everything. Nothing is written."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from bson import Binary, ObjectId

from crossfade.errors import CrossfadeError, Misused, Unreachable
from crossfade.model.names import choices, nearest
from crossfade.model.target import TargetTable
from crossfade.move.checks import empty_batch
from crossfade.move.context import Context
from crossfade.move.events import Listener
from crossfade.pipeline.preview import Mapper, Previewed, Sample, Sampling, first_of, sample, with_keys
from crossfade.records.bson.canonical import canonical
from crossfade.records.bson.shell import loads_shell
from crossfade.schema.load import load_schema
from crossfade.stores.contract import Reader, need
from crossfade.transform.engine import Engine
from crossfade.transform.inferred_tables import tables_as_mapped
from crossfade_ids import object_id_in


@dataclass(frozen=True)
class Preview:
    """`without_types` says why the columns' types are not known; None where the values were held against them."""

    records: tuple[Previewed, ...]
    samples: tuple[Sample, ...]
    without_types: str | None


def of_table(context: Context, table: str, limit: int, key: str | None) -> Preview:
    """The first documents that feed a table, or the one with a key, mapped."""
    if table not in context.program.files:
        raise Misused(f"no mapping fills a table {table!r}", hint=choices(table, context.program.files))
    entities = list(dict.fromkeys(b.entity for b in context.program.branches if b.table == table))
    reader = need(context.source.reader, context.source, "read documents")
    records: list[Previewed] = []
    with _mapper(context) as (mapper, why):
        for entity in entities:
            if key is None:
                raws = first_of(reader, entity, limit - len(records), context.chunk_bytes)
            else:
                raws = _with_key(reader, entity, key)
            records += mapper.map(entity, raws)
    if key is not None and not records:
        raise Misused(
            f"no document of {', '.join(entities)} has the key {key}",
            hint=f"an _id as `crossfade preview {table}` or mongosh prints it, in single quotes for the shell",
        )
    return Preview(tuple(records), (), why)


def of_sample(context: Context, table: str | None, size: int, listen: Listener) -> Preview:
    """A sample of every entity that a mapping reads, or of those that feed a table."""
    if table is not None and table not in context.program.files:
        raise Misused(f"no mapping fills a table {table!r}", hint=choices(table, context.program.files))
    entities = list(dict.fromkeys(b.entity for b in context.program.branches if table in (None, b.table)))
    reader = need(context.source.reader, context.source, "read documents")
    listen(Sampling(sum(min(size, context.shapes[e].count) for e in entities)))
    with _mapper(context) as (mapper, why):
        return Preview((), tuple(sample(mapper, reader, e, size, listen) for e in entities), why)


@contextmanager
def _mapper(context: Context) -> Iterator[tuple[Mapper, str | None]]:
    reader = need(context.source.reader, context.source, "read documents")
    with closing(Engine()) as engine:
        engine.open()
        tables, why = _tables(context, engine)
        yield Mapper(context.program, context.shapes, tables, reader, engine), why


def _tables(context: Context, engine: Engine) -> tuple[Mapping[str, TargetTable], str | None]:
    """The target's tables; as the mapping makes them where the target is needed for that and is not there."""
    try:
        tables, why = _schema_tables(context), None
    except (Unreachable, Misused) as error:
        return tables_as_mapped(context.program, context.shapes, empty_batch, engine), error.message
    for branch in context.program.branches:
        if branch.table not in tables:
            raise Misused(f"{branch.file} fills {branch.table!r}, and the target has no such table",
                          hint=nearest(branch.table, tables))  # fmt: skip
    return tables, why


def _schema_tables(context: Context) -> dict[str, TargetTable]:
    target = context.project.settings.target
    try:
        schema = context.schema
    except (Unreachable, Misused):
        dialect = "sqlite" if target.url.startswith("sqlite") else "postgresql"
        schema = load_schema(target.schema_, context.project.root, dialect, None)
    return {t.name: t for t in schema.tables}


def _with_key(reader: Reader, entity: str, key: str) -> list[bytes]:
    for meant in keys_meant(key):
        if found := with_keys(reader, entity, meant):
            return found
    return []


def keys_meant(text: str) -> Sequence[Sequence[str]]:
    """The `_id`s that a person may mean, as canonical Extended JSON: what the text says exactly, then what it may say
    without quotes and names: the digits of an ObjectId, its UUID, a text.

    >>> keys_meant("7")
    [['{"$numberInt":"7"}'], ['"7"']]
    """
    try:
        exact = [[canonical(loads_shell(text))]]
    except (ValueError, CrossfadeError) as error:
        if text.lstrip().startswith(("{", "[", '"')):
            raise Misused(f"the key {text} cannot be read: {error}", hint='ObjectId("..."), 117 or "abc"') from None
        exact = []
    return exact if text.lstrip().startswith(("{", "[", '"')) else [*exact, _loosely(text)]


def _loosely(text: str) -> list[str]:
    meant = [canonical(text)]
    if ObjectId.is_valid(text):
        meant.append(canonical(ObjectId(text)))
    try:
        own = uuid.UUID(text)
    except ValueError:
        return meant
    inside = object_id_in(own)
    return [*meant, canonical(Binary(own.bytes, 4)), *([canonical(ObjectId(inside))] if inside else [])]
