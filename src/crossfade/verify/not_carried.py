"""What was not copied, with who decided so and why, and which values the mapping changes. For the reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """`kind` is entity (as a whole), path, records (that match a condition), quarantine (one by one, by a person), rows
    (that a mapping leaves out), left_out (`entities` does not name it) or not_copied (no records of its own).

    `what` is the entity, the place or the table. `records`, `values` and `rows` count what is not copied; None if the
    number is unknown or does not apply.
    """

    kind: str
    what: str
    reason: str
    records: int | None = None
    values: int | None = None
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """Values that are copied in part: the columns hold what the functions `by` keep. `reason` is that of a discard."""

    place: str
    values: int
    by: tuple[str, ...]
    columns: tuple[str, ...]
    reason: str | None = None
