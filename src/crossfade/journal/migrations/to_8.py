"""Version 8: the feed of a source that is followed, records that are to be compared, and verifications."""

from __future__ import annotations

from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import JournalColumn as C
from crossfade.stores.contract.journal import JournalTable

_DIRTY = JournalTable(
    "dirty",
    (C("entity"), C("record_key"), C("number")),
    ("entity", "record_key"),
    {"dirty_number": ("number",)},
)
_FEED = JournalTable(
    "feed",
    (
        C("id", "integer"),
        C("name"),
        C("position"),
        C("position_at", nullable=True),
        C("floor"),
        C("state"),
        C("cause", nullable=True),
        C("stop_wanted", "integer", default=0),
        C("seen_at", nullable=True),
        C("lag_ms", "bigint", nullable=True),
        C("heartbeat_at", nullable=True),
        C("backlog", "bigint", nullable=True),
        C("started_at"),
        C("throttled", nullable=True),
    ),
    ("id",),
)
_HALTED = JournalTable("halted", (C("entity"), C("kind"), C("cause"), C("noted_at")), ("entity",))
_CHANGED = JournalTable(
    "changed", (C("entity"), C("record_key"), C("number")), ("entity", "record_key"), {"changed_number": ("number",)}
)
_USED = JournalTable(
    "used",
    (C("entity"), C("path"), C("record_key"), C("value")),
    ("entity", "path", "record_key", "value"),
)
_SUSPECT = JournalTable("suspect", (C("entity"), C("record_key"), C("mark")), ("entity", "record_key"))
_VERIFIED = JournalTable(
    "verified",
    (
        C("id"),
        C("kind"),
        C("position"),
        C("position_at", nullable=True),
        C("began_at"),
        C("ended_at"),
        C("verdict"),
        C("compared", "bigint"),
        C("digest"),
    ),
    ("id",),
)


def migrate(tx: TargetTransaction, has_unique_keys: bool) -> None:
    """Migrate. `has_unique_keys` is not used."""
    new = (_FEED, _HALTED, _CHANGED, _USED, _SUSPECT, _VERIFIED)
    for table in (_DIRTY, *new):  # for an existing table, its new index
        tx.journal.create(table)
