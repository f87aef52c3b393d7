"""Whether columns keep what was written as text: a type may round or truncate it without a word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from crossfade.stores.postgresql.errors import NotKept
from crossfade.stores.postgresql.meaning import PgType, changed
from crossfade.stores.postgresql.meaning.checks import shown
from crossfade.stores.postgresql.meaning.compare import UNDECIDED


@dataclass(frozen=True)
class WrittenRow:
    """One row that was written: the texts that its columns were given, and the cursor that returns what they print."""

    cursor: psycopg.Cursor[Any]
    given: Mapping[str, str | None]
    types: Mapping[str, PgType]

    def require_kept(self) -> None:
        """Raise NotKept if a column certainly has another value than it was given."""
        row = self.cursor.fetchone() if self.given else None
        for (name, text), printed in zip(self.given.items(), row or (), strict=False):
            if text is None or printed is None or text == printed:
                continue
            reason = changed(text, printed, self.types[name])
            if reason not in (None, UNDECIDED):
                said = f"{name}, of type {self.types[name].spelled}, would change {shown(text)} to {shown(printed)}"
                raise NotKept(str(reason), said)
