"""What did not come along, with who decided so and why; and what arrives otherwise than it was. For the reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """`kind` is entity (as a whole), path, records (that match a condition), quarantine (one by one, by a person), rows
    (that a mapping leaves out), left_out (`entities` does not name it) or not_copied (no records of its own).

    `what` is the entity, the place or the table. `records`, `values` and `rows` count what is left; None where that is
    not known, or is no question.
    """

    kind: str
    what: str
    reason: str
    records: int | None = None
    values: int | None = None
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """Values that arrive in part: what the functions `by` keep of them is in the columns. `reason` is a discard's."""

    place: str
    values: int
    by: tuple[str, ...]
    columns: tuple[str, ...]
    reason: str | None = None
