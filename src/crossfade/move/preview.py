"""A preview: what the mapping makes of some documents, or of a sample of everything. Nothing is written."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from bson import Binary, Int64, ObjectId

from crossfade.documents.canonical import canonical
from crossfade.documents.ejson import loads
from crossfade.errors import CrossfadeError, Misused, Unreachable
from crossfade.mapping.language.resolve import nearest
from crossfade.model.target import TargetTable
from crossfade.move.checks import empty_batch
from crossfade.move.context import Ground
from crossfade.move.events import Listener
from crossfade.pipeline.preview import Mapper, Previewed, Sample, Sampling, first_of, sample, with_keys
from crossfade.schema.load import load_schema
from crossfade.stores.contract import need
from crossfade.transform.engine import Engine
from crossfade.transform.inferred_tables import tables_as_mapped
from crossfade_ids import object_id_in


@dataclass(frozen=True)
class Preview:
    """`without_types` says why the columns' types are not known; None where the values were held against them."""

    records: tuple[Previewed, ...]
    samples: tuple[Sample, ...]
    without_types: str | None


def of_table(ground: Ground, table: str, limit: int, key: str | None) -> Preview:
    """The first documents that feed a table, or the one with a key, mapped."""
    if table not in ground.program.files:
        raise Misused(f"no mapping fills a table {table!r}", hint=nearest(table, ground.program.files))
    entities = list(dict.fromkeys(b.entity for b in ground.program.branches if b.table == table))
    reader = need(ground.source.reader, ground.source, "read documents")
    records: list[Previewed] = []
    with _mapper(ground) as (mapper, why):
        for entity in entities:
            if key is None:
                raws = first_of(reader, entity, limit - len(records), ground.chunk_bytes)
            else:
                raws = with_keys(reader, entity, keys_meant(key))
            records += mapper.map(entity, raws)
    if key is not None and not records:
        raise Misused(f"no document of {', '.join(entities)} has the key {key}", hint="an _id as mongosh prints it")
    return Preview(tuple(records), (), why)


def of_sample(ground: Ground, table: str | None, size: int, listen: Listener) -> Preview:
    """A sample of every entity that a mapping reads, or of those that feed a table."""
    if table is not None and table not in ground.program.files:
        raise Misused(f"no mapping fills a table {table!r}", hint=nearest(table, ground.program.files))
    entities = list(dict.fromkeys(b.entity for b in ground.program.branches if table in (None, b.table)))
    reader = need(ground.source.reader, ground.source, "read documents")
    listen(Sampling(sum(min(size, ground.shapes[e].count) for e in entities)))
    with _mapper(ground) as (mapper, why):
        return Preview((), tuple(sample(mapper, reader, e, size, listen) for e in entities), why)


@contextmanager
def _mapper(ground: Ground) -> Iterator[tuple[Mapper, str | None]]:
    reader = need(ground.source.reader, ground.source, "read documents")
    with closing(Engine()) as engine:
        engine.open()
        tables, why = _tables(ground, engine)
        yield Mapper(ground.program, ground.shapes, tables, reader, engine), why


def _tables(ground: Ground, engine: Engine) -> tuple[Mapping[str, TargetTable], str | None]:
    """The target's tables; as the mapping makes them where the target is needed for that and is not there."""
    try:
        tables, why = _schema_tables(ground), None
    except (Unreachable, Misused) as error:
        return tables_as_mapped(ground.program, ground.shapes, empty_batch, engine), error.message
    for branch in ground.program.branches:
        if branch.table not in tables:
            raise Misused(f"{branch.file} fills {branch.table!r}, and the target has no such table",
                          hint=nearest(branch.table, tables))  # fmt: skip
    return tables, why


def _schema_tables(ground: Ground) -> dict[str, TargetTable]:
    target = ground.project.settings.target
    try:
        schema = ground.schema
    except (Unreachable, Misused):
        dialect = "sqlite" if target.url.startswith("sqlite") else "postgresql"
        schema = load_schema(target.schema_, ground.project.root, dialect, None)
    return {t.name: t for t in schema.tables}


def keys_meant(text: str) -> Sequence[str]:
    """The `_id`s that a person may mean, as canonical Extended JSON: of an ObjectId the digits, or its UUID.

    >>> keys_meant("7")
    ['"7"', '{"$numberInt":"7"}']
    """
    if text.lstrip().startswith(("{", '"')):
        try:
            return [canonical(loads(text))]
        except (ValueError, CrossfadeError) as error:
            raise Misused(f"the key {text} is no Extended JSON: {error}", hint='{"$oid": "..."}') from None
    meant = [canonical(text)]
    if ObjectId.is_valid(text):
        meant.append(canonical(ObjectId(text)))
    if re.fullmatch(r"-?\d{1,18}", text):
        number = int(text)
        meant.append(canonical(number if abs(number) < 2**31 else Int64(number)))
    try:
        own = uuid.UUID(text)
    except ValueError:
        return meant
    inside = object_id_in(own)
    return [*meant, canonical(Binary(own.bytes, 4)), *([canonical(ObjectId(inside))] if inside else [])]
