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
"""Complete source records that are not in the target, with the reason. Resolved entries are kept with their outcome."""

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
"""The entities that are being copied again while the others are kept."""

EXPECTED = JournalTable("expected", (C("id", "integer"), C("description"), C("noted_at")), ("id",))
"""The expected catalog of the target when the schema is created; one row."""

THERE_BEFORE = JournalTable("there_before", (C("kind"), C("name")), ("kind", "name"))
"""Objects that existed before the move began, which a reset keeps."""

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

DIRTY = JournalTable("dirty", (C("entity"), C("record_key"), C("number")), ("entity", "record_key"))
"""Records whose rows may not be what the records make now. `number` is another one each time a record is put in."""

WAITING = JournalTable("waiting", (C("id"), C("value")), ("id", "value"), {"waiting_value": ("value",)})
"""What an entry in quarantine waits for: a parent, or a unique value that another row has."""

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
)
