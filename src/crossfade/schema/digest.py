"""A digest of a target schema."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from crossfade.model.target import Step, TargetTable


def digest_of(dialect: str, tables: Sequence[TargetTable], pre: Sequence[Step], post: Sequence[Step]) -> str:
    """Return a digest that is the same for the same steps and tables on every machine."""
    said = hashlib.sha256()
    for part in [dialect, *(f"{s.id}\n{s.sql}" for s in (*pre, *post)), *map(repr, tables)]:
        encoded = part.encode()
        said.update(len(encoded).to_bytes(8, "big") + encoded)
    return said.hexdigest()
