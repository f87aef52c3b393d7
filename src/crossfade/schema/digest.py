"""One short text that changes when a target schema does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from crossfade.model.target import Step, TargetTable


def digest_of(dialect: str, tables: Sequence[TargetTable], pre: Sequence[Step], post: Sequence[Step]) -> str:
    """The same for the same steps in the same order and the same tables, on every machine."""
    said = hashlib.sha256()
    for part in [dialect, *(f"{s.id}\n{s.sql}" for s in (*pre, *post)), *map(repr, tables)]:
        encoded = part.encode()
        said.update(len(encoded).to_bytes(8, "big") + encoded)
    return said.hexdigest()
