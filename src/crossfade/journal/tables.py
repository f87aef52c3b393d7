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
"""What is being moved and under which agreement; one row."""

STEP = JournalTable("step", (C("id"), C("sql"), C("number", "bigint"), C("done_at")), ("id",))
"""Statements of the target's schema that were executed, each once, by id."""

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
"""The plan of the copy; a chunk's counts are written in the transaction that writes its rows."""

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
    ),
    ("id",),
    {
        "quarantine_entity": ("entity", "state"),  # verification and retry ask so
        "quarantine_order": ("entity", "reason", "id"),  # entries are listed in this order, a page at a time
        "quarantine_key": ("entity", "record_key"),
    },
)
"""Source records that are not in the target, whole, with the reason; resolved ones stay, with what became of them."""

LEDGER = JournalTable(
    "ledger",
    (C("target_table"), C("row_key"), C("entity"), C("record_key")),
    ("target_table", "row_key"),
    {"ledger_record": ("entity", "record_key")},
)
"""Which record made a row, in tables whose columns do not say it."""

AGREED = JournalTable("agreed", (C("kind"), C("name"), C("digest")), ("kind", "name"))
"""By which mapping a table was copied, and by which shape an entity."""

AGAIN = JournalTable("again", (C("entity"),), ("entity",))
"""The entities that are being copied again, while the others stay as they are."""

EXPECTED = JournalTable("expected", (C("id", "integer"), C("description"), C("noted_at")), ("id",))
"""What the target's catalogue is to say when the schema is made; one row."""

THERE_BEFORE = JournalTable("there_before", (C("kind"), C("name")), ("kind", "name"))
"""What was in the target before the move began, and stays when it is reset."""

LOADED = JournalTable(
    "loaded", (C("id"), C("table_name"), C("gone", "integer"), C("mark", "bytes", nullable=True)), ("id",)
)
"""What the move wrote (`gone`: deleted again), noted in the savepoint that wrote it; `mark` is the store's
(`TargetTransaction.mark`).
"""

CLEARING = JournalTable(
    "clearing",
    (C("id", "integer"), C("place", "bigint"), C("parents"), C("changed"), C("doomed", "bytes", nullable=True)),
    ("id",),
)
"""How far the check of the constraints has come, and the rows that it found at fault last; one row, or none."""

TABLES = (MOVE, STEP, CHUNK, RUN, QUARANTINE, LEDGER, AGREED, AGAIN, EXPECTED, THERE_BEFORE, LOADED, CLEARING)
