"""The findings of `crossfade check`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of `check`. `severity` is "fault" (a copy does not start) or "note".

    `kind` is a stable word; `place` is entity.path, table.column or a file.
    """

    severity: str
    kind: str
    place: str
    message: str
    hint: str | None = None
