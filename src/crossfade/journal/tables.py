"""The journal's own tables, as values."""

from __future__ import annotations

from crossfade.stores.contract.journal import JournalColumn, JournalTable

C = JournalColumn


def optional(name: str) -> JournalColumn:
    return C(name, nullable=True)


MOVE = JournalTable(
    "move",
    (
        C("name"),
        C("version", "integer"),
        C("source"),
        C("lock_digest"),
        C("schema_digest"),
        C("mapping_digest"),
        C("stage"),
        optional("kept_schema"),
        optional("identity"),
        C("started_at"),
        C("changed_at"),
    ),
    ("name",),
)
"""The move and its digests; one row."""

STEP = JournalTable("step", (C("id"), C("sql"), C("number", "bigint"), C("done_at")), ("id",))
"""Executed statements of the target's schema, each once, by id."""

CHUNK = JournalTable(
    "chunk",
    (
        C("entity"),
        C("number", "bigint"),
        optional("lower_key"),
        optional("upper_key"),
        C("planned", "bigint"),
        C("source", "bigint", nullable=True),
        C("copied", "bigint", nullable=True),
        C("quarantined", "bigint", nullable=True),
        C("discarded", "bigint", nullable=True),
        optional("row_counts"),
        C("seconds", "real", nullable=True),
        optional("done_at"),
        C("gone", "bigint", default=0),
    ),
    ("entity", "number"),
)
"""The planned chunks of the copy. A chunk's counts are written in the transaction that writes its rows."""

RUN = JournalTable("run", (C("id", "integer"), C("token"), C("started_at")), ("id",))
"""The run that may write; one row."""

QUARANTINE = JournalTable(
    "quarantine",
    (
        C("id"),
        C("entity"),
        C("chunk", "bigint"),
        optional("record_key"),
        C("reason"),
        C("detail"),
        optional("target_table"),
        optional("target_column"),
        optional("target_constraint"),
        optional("parent"),
        optional("waits_for"),
        optional("cause"),
        C("phase"),
        C("raw", "bytes"),
        C("state"),
        optional("note"),
        C("noted_at"),
        C("digest", default=""),
        optional("row_key"),
    ),
    ("id",),
    {
        "quarantine_entity": ("entity", "state"),  # for verification and retry
        "quarantine_order": ("entity", "reason", "id"),  # the order of entries in pages
        "quarantine_key": ("entity", "record_key"),
    },
)
"""Complete source records that are not in the target, with the reason. Resolved entries stay, with their outcome."""

LEDGER = JournalTable(
    "ledger",
    (C("target_table"), C("row_key"), C("entity"), C("record_key")),
    ("target_table", "row_key"),
    {"ledger_record": ("entity", "record_key")},
)
"""Which record made a row, for tables without an owner column."""

AGREED = JournalTable("agreed", (C("kind"), C("name"), C("digest")), ("kind", "name"))
"""The digest of the mapping with which a table was copied, or of the shape with which an entity was."""

AGAIN = JournalTable("again", (C("entity"),), ("entity",))
"""The entities that are being copied again while the others stay."""

EXPECTED = JournalTable("expected", (C("id", "integer"), C("description"), C("noted_at")), ("id",))
"""The expected catalog of the target when the schema is created; one row."""

THERE_BEFORE = JournalTable("there_before", (C("kind"), C("name")), ("kind", "name"))
"""Objects that existed before the move began, and that a reset does not drop."""

LOADED = JournalTable(
    "loaded", (C("id"), C("table_name"), C("gone", "integer"), C("mark", "bytes", nullable=True)), ("id",)
)
"""What the move wrote (`gone`: deleted again), recorded in the same savepoint; `mark` belongs to the store
(`TargetTransaction.mark`).
"""

CLEARING = JournalTable(
    "clearing",
    (C("id", "integer"), C("place", "bigint"), C("parents"), C("changed"), C("doomed", "bytes", nullable=True)),
    ("id",),
)
"""The progress of the check of the constraints, and the rows that the last test found; one row or none."""

DIRTY = JournalTable(
    "dirty",
    (C("entity"), C("record_key"), C("number")),
    ("entity", "record_key"),
    {"dirty_number": ("number",)},
)
"""Records whose rows may differ from what the records make now. Each time a record is put in, it gets a new and greater
`number`; `APPLIED`: it was applied, and is not yet verified.
"""
APPLIED = ""

WAITING = JournalTable("waiting", (C("id"), C("value")), ("id", "value"), {"waiting_value": ("value",)})
"""What an entry in quarantine waits for: a parent, or a unique value that another row has."""

FEED = JournalTable(
    "feed",
    (
        C("id", "integer"),
        C("name"),
        C("position"),
        optional("position_at"),
        C("floor"),
        C("state"),
        optional("cause"),
        C("stop_wanted", "integer", default=0),
        optional("seen_at"),
        C("lag_ms", "bigint", nullable=True),
        optional("heartbeat_at"),
        C("backlog", "bigint", nullable=True),
        C("started_at"),
        optional("throttled"),
        C("direction", default="forward"),
        C("writer", "bigint", default=0),
    ),
    ("id",),
)
"""The feed that is followed, up to where its keys are in the journal, and what its controller last reported; one row or
none. `direction`: forward, or `back` if it is the target's. `writer`: the number of the last run that wrote back.
"""

RETURNED = JournalTable(
    "returned",
    (C("entity"), C("record_key"), C("was", "integer"), C("is_there", "integer"), C("mark")),
    ("entity", "record_key"),
    {"returned_mark": ("mark",)},
)
"""Records that were looked at on the way back: whether the source had them before the first write, and whether it has
them now. `mark`: NEW, then that of the verification that compares it, then EQUAL.
"""

SET_ASIDE = JournalTable(
    "set_aside",
    (
        C("entity"),
        C("record_key"),
        C("reason"),
        C("detail"),
        optional("target_table"),
        optional("target_column"),
        optional("path"),
        C("held"),
        C("noted_at"),
        C("state", default="open"),
    ),
    ("entity", "record_key"),
)
"""Records that the source cannot store as their rows are now, with the reason. `held`: their rows, as JSON."""

HALTED = JournalTable("halted", (C("entity"), C("kind"), C("cause"), C("noted_at")), ("entity",))
"""Entities whose records are not applied now, while those of others are."""

CHANGED = JournalTable(
    "changed", (C("entity"), C("record_key"), C("number")), ("entity", "record_key"), {"changed_number": ("number",)}
)
"""Looked-up records that a feed has named: the records that look them up are still to be found."""

USED = JournalTable(
    "used",
    (C("entity"), C("path"), C("record_key"), C("value")),
    ("entity", "path", "record_key", "value"),
)
"""The values by which looked-up records were joined."""

SUSPECT = JournalTable("suspect", (C("entity"), C("record_key"), C("mark")), ("entity", "record_key"))
"""Records that were applied, or differed, and are to be compared. Each time a record is put in, it gets a new `mark`.
"""

VERIFIED = JournalTable(
    "verified",
    (
        C("id"),
        C("kind"),
        C("position"),
        optional("position_at"),
        C("began_at"),
        C("ended_at"),
        C("verdict"),
        C("compared", "bigint"),
        C("digest"),
    ),
    ("id",),
)
"""Verifications of a source that is followed, each with the position up to which its writes were compared."""

CUTOVER = JournalTable(
    "cutover",
    (
        C("id", "integer"),
        C("stage"),
        C("token", "bigint"),
        C("until"),
        C("plan"),
        optional("marker"),
        optional("cause"),
        C("changed_at"),
    ),
    ("id",),
)
"""The stage of the cutover, and the controller that may change it; one row or none."""

CUTOVER_STEP = JournalTable(
    "cutover_step",
    (
        C("token", "bigint"),
        C("number", "bigint"),
        C("name"),
        C("began_at"),
        optional("ended_at"),
        C("seconds", "real", nullable=True),
        optional("outcome"),
    ),
    ("token", "number"),
)
"""The steps of each controller, recorded before and after."""

REHEARSAL = JournalTable(
    "rehearsal",
    (
        C("id"),
        C("kind"),
        C("token", "bigint"),
        C("was_closed", "integer"),
        C("digest"),
        C("began_at"),
        optional("ended_at"),
        C("green", "integer", nullable=True),
        C("seconds", "real", nullable=True),
        optional("cause"),
        optional("steps"),
    ),
    ("id",),
)
"""The rehearsals of the cutover. `was_closed`: the target took no writes of applications before. One without an end was
killed, and may have left it closed.
"""

DAILY = JournalTable(
    "daily", (C("id"), C("day"), C("ended_at"), C("outcome"), C("said")), ("id",), {"daily_day": ("day",)}
)
"""The runs of `verify --daily`."""

TABLES = (
    MOVE,
    STEP,
    CHUNK,
    RUN,
    QUARANTINE,
    LEDGER,
    AGREED,
    AGAIN,
    EXPECTED,
    THERE_BEFORE,
    LOADED,
    CLEARING,
    DIRTY,
    WAITING,
    FEED,
    HALTED,
    CHANGED,
    USED,
    SUSPECT,
    VERIFIED,
    CUTOVER,
    CUTOVER_STEP,
    REHEARSAL,
    DAILY,
    RETURNED,
    SET_ASIDE,
)
