"""The form in which the journal keeps a schema from the start of a move.

Existing tables (`live`) lose their constraints during the copy, so the catalogue cannot be asked for them later. A
schema of SQL files takes a scratch database to read: while the files are unchanged, no later command needs one, or the
privilege to create one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from pydantic import TypeAdapter

from crossfade.model.target import TargetSchema

_ADAPTER = TypeAdapter(TargetSchema)


def as_text(schema: TargetSchema, made_of: str) -> str:
    """Return the schema as text, without its SQLAlchemy metadata, below a line that identifies its origin."""
    return f"{made_of}\n{_ADAPTER.dump_json(replace(schema, metadata_of=None, described=None)).decode()}"


def from_text(text: str, made_of: str) -> TargetSchema | None:
    """Return the schema that `as_text` wrote, without metadata; None if its origin is another."""
    noted, _, schema = text.partition("\n")
    return _ADAPTER.validate_json(schema) if noted == made_of else None


def made_of_sql(texts: Sequence[str]) -> str:
    """Return the origin of a schema of SQL files: another text, or another order, is another schema."""
    said = hashlib.sha256()
    for text in texts:
        encoded = text.encode()
        said.update(len(encoded).to_bytes(8, "big") + encoded)
    return f"sql {said.hexdigest()}"
