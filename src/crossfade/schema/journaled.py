"""A schema as the journal keeps it from the moment a move begins.

Tables that are filled as they stand (`live`) lose constraints for a while: nobody could ask for these later. A schema
of SQL files took a scratch database to read: while the files stand as they are, no later command needs one, nor the
right to make one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from pydantic import TypeAdapter

from crossfade.model.target import TargetSchema

_ADAPTER = TypeAdapter(TargetSchema)


def as_text(schema: TargetSchema, made_of: str) -> str:
    """The schema without its SQLAlchemy metadata, under a line that says what it was made of."""
    return f"{made_of}\n{_ADAPTER.dump_json(replace(schema, metadata_of=None, described=None)).decode()}"


def from_text(text: str, made_of: str) -> TargetSchema | None:
    """The schema that `as_text` wrote, without metadata; None where it was made of something else."""
    noted, _, schema = text.partition("\n")
    return _ADAPTER.validate_json(schema) if noted == made_of else None


def made_of_sql(texts: Sequence[str]) -> str:
    """What stands for SQL files: another text, or another order, is another schema."""
    said = hashlib.sha256()
    for text in texts:
        encoded = text.encode()
        said.update(len(encoded).to_bytes(8, "big") + encoded)
    return f"sql {said.hexdigest()}"
