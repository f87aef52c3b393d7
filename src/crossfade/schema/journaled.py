"""The form in which the journal stores the schema at the start of a move.

Existing tables (`live`) lose their constraints during the copy, so the catalog cannot be asked for them later. A
schema of SQL files takes a scratch database to read: while the files are unchanged, no later command needs one, or the
privilege to create one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from pydantic import TypeAdapter

from crossfade.model.target import ForeignKey, TargetSchema, TargetTable

_ADAPTER = TypeAdapter(TargetSchema)
_SQL = "sql "


def as_text(schema: TargetSchema, made_of: str) -> str:
    """Return the schema as text, without its SQLAlchemy metadata, below a line that identifies its origin."""
    return f"{made_of}\n{_ADAPTER.dump_json(replace(schema, metadata_of=None, described=None)).decode()}"


def from_text(text: str, made_of: str) -> TargetSchema | None:
    """Return the schema that `as_text` wrote, without metadata; None if its origin is another, or if an older version
    left out what its files say of partitions: then they are read again.
    """
    noted, _, schema = text.partition("\n")
    if noted != made_of or (noted.startswith(_SQL) and _lacks_partitions(schema)):
        return None
    return _with_match_full(_ADAPTER.validate_json(schema))


def _lacks_partitions(schema: str) -> bool:
    return " PARTITION OF " in schema and '"keys_of_parts"' not in schema


def _with_match_full(schema: TargetSchema) -> TargetSchema:
    """Return the schema with the foreign keys that are MATCH FULL by their steps: an older version noted only those."""
    full = {
        _unquoted(step.id.removeprefix("foreign key "))
        for step in schema.post
        if step.id.startswith("foreign key ") and " MATCH FULL" in step.sql
    }
    if not full:
        return schema

    def known(table: TargetTable, key: ForeignKey) -> ForeignKey:
        return replace(key, match_full=key.match_full or _unquoted(f"{table.name}.{key.name}") in full)

    tables = (replace(t, foreign_keys=tuple(known(t, key) for key in t.foreign_keys)) for t in schema.tables)
    return replace(schema, tables=tuple(tables))


def _unquoted(name: str) -> str:
    """Return a name without the quotes that it has in the id of a step, if it needs some in SQL."""
    return name.replace('"', "")


def made_of_sql(texts: Sequence[str]) -> str:
    """Return the origin of a schema of SQL files: another text, or another order, is another schema."""
    said = hashlib.sha256()
    for text in texts:
        encoded = text.encode()
        said.update(len(encoded).to_bytes(8, "big") + encoded)
    return f"{_SQL}{said.hexdigest()}"
