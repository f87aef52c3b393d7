"""The result of a verification, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossfade.model.counts import Counts
from crossfade.model.positions import Position
from crossfade.model.rejection import Rejection
from crossfade.schema.compare import FAULT, SchemaDifference
from crossfade.verify.not_copied import Altered

KINDS = ("changed", "missing", "extra", "duplicate")

COMPLETE, SET_ASIDE, NOT_EQUAL = "equal_and_complete", "equal_but_quarantined", "not_equal"
UNSETTLED = "not_proven"
"""The outcomes for the data (verify/conclusion.py has the words)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between the target and what the source and the mapping make.

    `kind` is one of KINDS: a value differs, a row is missing, a row is extra, two records make the same row. `key` is
    the row's primary key; `record` is the source record's key, if known. `expected` and `found` are formatted by
    crossfade.verify.show.
    """

    kind: str
    entity: str
    table: str
    key: str
    record: str | None = None
    column: str | None = None
    expected: str | None = None
    found: str | None = None


@dataclass(frozen=True)
class EntityVerdict:
    """`recorded` has the journal's figures. `uncounted` counts all records that are neither copied, quarantined nor
    discarded; some of them are named, with their keys and why the copy would reject them.
    """

    entity: str
    found: Counts
    recorded: Counts | None
    uncounted: int
    uncounted_records: tuple[Rejection, ...] = ()
    not_in_source: int = 0
    """Quarantined or discarded records that the source no longer has."""
    remainders: tuple[str, ...] = ()
    """The first unreadable rests of a torn source. Each is an unknown number of records, which is in no count."""
    altered: int = 0
    """The number of records in quarantine, or discarded there, whose bytes differ from the source's."""
    altered_records: tuple[Altered, ...] = ()
    moving: int = 0
    """Records that changed while they were compared. `found` does not include them, `recorded` does."""

    @property
    def balanced(self) -> bool:
        return self.found.balanced and self.uncounted == 0 and not self.remainders

    @property
    def disagreements(self) -> tuple[str, ...]:
        """Where the journal's figures differ from the result."""
        if self.recorded is None:
            return ()
        names = ("source", "copied", "quarantined", "discarded")
        pairs = [(n, getattr(self.found, n), getattr(self.recorded, n)) for n in names]
        out = [
            f"{name}: found {found:,}, the journal says {said:,}"
            for name, found, said in pairs
            if not found <= said <= found + self.moving
        ]
        if self.not_in_source:
            out.append(f"{self.not_in_source:,} quarantined or discarded records are no longer in the source")
        return tuple(out)


@dataclass(frozen=True)
class TableVerdict:
    """`counts` has a number for each of KINDS; `changed_rows` counts rows with at least one changed value."""

    table: str
    rows: int
    counts: Mapping[str, int]
    changed_columns: Mapping[str, int]
    changed_rows: int
    compared: tuple[str, ...]
    not_compared: tuple[str, ...]
    """Columns that no mapping fills but the target may fill: by defaults, identities, generated columns or triggers.
    Other columns that no mapping fills are expected to be NULL and compared. Empty if no row was expected.
    """
    differences: tuple[Difference, ...] = ()
    left_out: int | None = 0
    """Rows of copied records that the mapping's own condition leaves out; None if they could not be counted."""

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class RuleVerdict:
    """A user's rule, the number of rows that break it, and the first of them. `error`: why it failed to run."""

    name: str
    sentence: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    total: int = 0
    error: str | None = None

    @property
    def holds(self) -> bool:
        return self.total == 0 and self.error is None


@dataclass(frozen=True)
class SchemaVerdict:
    """The target's catalog, compared with the schema that was created. `things` counts the compared objects.

    `unread` has the tables whose rows cannot be compared as they are now, each with the reason. `file_notes` are the
    notes on the schema files: their contents that the target does not have.
    """

    differences: tuple[SchemaDifference, ...] = ()
    things: int = 0
    unread: Mapping[str, str] = field(default_factory=dict)
    file_notes: tuple[str, ...] = ()

    @property
    def faults(self) -> tuple[SchemaDifference, ...]:
        """The differences that make the target behave otherwise than the schema that was created."""
        return tuple(d for d in self.differences if d.severity == FAULT)

    @property
    def notes(self) -> tuple[SchemaDifference, ...]:
        return tuple(d for d in self.differences if d.severity != FAULT)

    @property
    def holds(self) -> bool:
        return not self.faults


WHOLE, AGAIN = "whole", "again"


@dataclass(frozen=True)
class Through:
    """Up to where a followed source is proven: every write up to `position` was compared, except those of records that
    changed again since.

    `kind`: WHOLE compared all records, AGAIN those that had changed since an earlier verification. `compared` counts
    the listed records, each as often as it was compared. `unsettled` of the moving ones differed in each of the last
    generations: they are written too often to be compared.
    `rows_of_no_record`: how many rows lead to no record.
    """

    kind: str
    position: Position
    generations: int
    compared: int
    unsettled: int = 0
    rows_of_no_record: int = 0

    @property
    def at(self) -> str:
        """The source's time at the position, or the position."""
        at = self.position.at
        return self.position.token if at is None else at.isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Verdict:
    """`equal` concerns the data only. The schema and the rules are separate: a faithful copy may break the rules, and a
    table that lost a constraint may hold the right data.
    """

    entities: tuple[EntityVerdict, ...]
    tables: tuple[TableVerdict, ...]
    rules: tuple[RuleVerdict, ...] = ()
    seconds: float = 0.0
    durations: Mapping[str, float] = field(default_factory=dict)
    schema: SchemaVerdict | None = None
    """None if it was not compared."""
    not_read: Mapping[str, str] = field(default_factory=dict)
    """Entities whose records are neither read nor discarded, with the reason. The number of records is unknown."""
    through: Through | None = None
    """None if the source is not followed."""

    @property
    def moving(self) -> int:
        return sum(e.moving for e in self.entities)

    @property
    def outcome(self) -> str:
        """COMPLETE, SET_ASIDE, UNSETTLED or NOT_EQUAL."""
        if not self.equal_but_unsettled:
            return NOT_EQUAL
        if self.unsettled:
            return UNSETTLED
        return SET_ASIDE if self.counts.quarantined else COMPLETE

    @property
    def counts(self) -> Counts:
        """The count equation of all entities together."""
        return sum((e.found for e in self.entities), Counts())

    @property
    def differences(self) -> int:
        """The total number of differences."""
        return sum(t.total for t in self.tables) + sum(e.altered for e in self.entities)

    @property
    def rows(self) -> int:
        return sum(t.rows for t in self.tables)

    @property
    def balanced(self) -> bool:
        return all(e.balanced for e in self.entities)

    @property
    def agrees(self) -> bool:
        """Whether the journal's figures agree with the result."""
        return not any(e.disagreements for e in self.entities)

    @property
    def equal(self) -> bool:
        return self.equal_but_unsettled and not self.unsettled

    @property
    def equal_but_unsettled(self) -> bool:
        """Whether everything is equal but for records that are written too often to be compared."""
        known = not (self.not_read or self.unread)
        return self.differences == 0 and self.balanced and self.agrees and known

    @property
    def unsettled(self) -> int:
        """How many records are written too often to be compared."""
        return 0 if self.through is None else self.through.unsettled

    @property
    def unread(self) -> tuple[str, ...]:
        """The tables whose rows could not be compared."""
        return () if self.schema is None else tuple(sorted(self.schema.unread))

    @property
    def schema_holds(self) -> bool:
        return self.schema is None or self.schema.holds

    @property
    def rules_hold(self) -> bool:
        return all(r.holds for r in self.rules)
