"""What a verification found, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossfade.model.counts import Counts
from crossfade.schema.compare import FAULT, SchemaDifference
from crossfade.verify.not_copied import Altered

KINDS = ("changed", "missing", "extra", "duplicate")

COMPLETE, SET_ASIDE, NOT_EQUAL = "equal_and_complete", "equal_but_quarantined", "not_equal"
"""What a verification can find of the data (verify/conclusion.py has the words)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which the target is not what the source and the mapping make it.

    `kind` is one of KINDS: a value differs, a row is not there, a row should not be there, two records make one row.
    `key` is the row's primary key; `record` the source record's key, where it is known. `expected`
    and `found` are spelled so that they cannot be mistaken (crossfade.verify.show).
    """

    kind: str
    entity: str
    table: str
    key: str
    record: str | None = None
    column: str | None = None
    expected: str | None = None
    found: str | None = None


@dataclass(frozen=True, slots=True)
class Uncounted:
    """A source record that is neither copied, quarantined nor discarded, and why the mapping makes no row of it."""

    entity: str
    record: str | None
    reason: str
    detail: str
    table: str | None = None
    column: str | None = None


@dataclass(frozen=True)
class EntityVerdict:
    """`recorded` is what the journal says; `uncounted` counts all records that are neither copied, quarantined nor
    discarded; some are named.
    """

    entity: str
    found: Counts
    recorded: Counts | None
    uncounted: int
    uncounted_records: tuple[Uncounted, ...] = ()
    not_in_source: int = 0
    """Records that the journal holds in quarantine or discarded, and that the source no longer has."""
    remainders: tuple[str, ...] = ()
    """What of a torn source cannot be read, the first of them: an unknown number of records, which no count holds."""
    altered: int = 0
    """Records in quarantine, or discarded there, whose bytes are not the source's; the first of them are named."""
    altered_records: tuple[Altered, ...] = ()

    @property
    def balanced(self) -> bool:
        return self.found.balanced and self.uncounted == 0 and not self.remainders

    @property
    def disagreements(self) -> tuple[str, ...]:
        """Where the journal's figures are other than what was found."""
        if self.recorded is None:
            return ()
        names = ("source", "copied", "quarantined", "discarded")
        pairs = [(n, getattr(self.found, n), getattr(self.recorded, n)) for n in names]
        out = [f"{name}: found {found:,}, the journal says {said:,}" for name, found, said in pairs if found != said]
        if self.not_in_source:
            out.append(f"{self.not_in_source:,} records that the journal holds are no longer in the source")
        return tuple(out)


@dataclass(frozen=True)
class TableVerdict:
    """`counts` has every kind of KINDS; `changed_rows` counts rows with at least one changed value."""

    table: str
    rows: int
    counts: Mapping[str, int]
    changed_columns: Mapping[str, int]
    changed_rows: int
    compared: tuple[str, ...]
    not_compared: tuple[str, ...]
    """Columns that no mapping fills but the target may: by defaults, identities, generated columns, or triggers. The
    others that no mapping fills are compared: they are to be NULL. None are named where no row was expected.
    """
    differences: tuple[Difference, ...] = ()
    left_out: int | None = 0
    """Rows of copied records that the mapping's own condition leaves out; None where they could not be counted."""

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class RuleVerdict:
    """A rule of the user's, and the rows that break it, the first of them named. `error`: why it failed to run."""

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
    """The target's catalogue held against the schema that was made. `things` counts what was compared.

    `unread` has the tables whose rows cannot be compared with the schema as it is now, each with the reason.
    `file_notes` are the notes on the schema files: what they have and the target does not.
    """

    differences: tuple[SchemaDifference, ...] = ()
    things: int = 0
    unread: Mapping[str, str] = field(default_factory=dict)
    file_notes: tuple[str, ...] = ()

    @property
    def faults(self) -> tuple[SchemaDifference, ...]:
        """The differences with which the target does not do what the schema that was made does."""
        return tuple(d for d in self.differences if d.severity == FAULT)

    @property
    def notes(self) -> tuple[SchemaDifference, ...]:
        return tuple(d for d in self.differences if d.severity != FAULT)

    @property
    def holds(self) -> bool:
        return not self.faults


@dataclass(frozen=True)
class Verdict:
    """`equal` speaks of the data alone; whether the schema and the rules hold is asked apart: a faithful copy may
    break the rules, and the right data may stand in tables that lost a constraint.
    """

    entities: tuple[EntityVerdict, ...]
    tables: tuple[TableVerdict, ...]
    rules: tuple[RuleVerdict, ...] = ()
    seconds: float = 0.0
    durations: Mapping[str, float] = field(default_factory=dict)
    schema: SchemaVerdict | None = None
    """None where nobody compared it."""
    not_read: Mapping[str, str] = field(default_factory=dict)
    """What of the source nobody reads, and no discard names, with why: an unknown number of records."""

    @property
    def outcome(self) -> str:
        """COMPLETE, SET_ASIDE or NOT_EQUAL."""
        if not self.equal:
            return NOT_EQUAL
        return SET_ASIDE if self.counts.quarantined else COMPLETE

    @property
    def counts(self) -> Counts:
        """The count equation of all entities together."""
        return sum((e.found for e in self.entities), Counts())

    @property
    def differences(self) -> int:
        """How many differences there are in all."""
        return sum(t.total for t in self.tables) + sum(e.altered for e in self.entities)

    @property
    def rows(self) -> int:
        return sum(t.rows for t in self.tables)

    @property
    def balanced(self) -> bool:
        return all(e.balanced for e in self.entities)

    @property
    def agrees(self) -> bool:
        """Whether the journal's figures are those found."""
        return not any(e.disagreements for e in self.entities)

    @property
    def equal(self) -> bool:
        return self.differences == 0 and self.balanced and self.agrees and not self.not_read and not self.unread

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
