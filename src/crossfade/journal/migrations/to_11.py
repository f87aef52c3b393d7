"""Version 11: the direction of the feed, and what came back."""

from __future__ import annotations

from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import JournalColumn as C
from crossfade.stores.contract.journal import JournalTable

_FEED = JournalTable("feed", (), ())
_RETURNED = JournalTable(
    "returned",
    (C("entity"), C("record_key"), C("was", "integer"), C("is_there", "integer"), C("mark")),
    ("entity", "record_key"),
    {"returned_mark": ("mark",)},
)
_SET_ASIDE = JournalTable(
    "set_aside",
    (
        C("entity"),
        C("record_key"),
        C("reason"),
        C("detail"),
        C("target_table", nullable=True),
        C("target_column", nullable=True),
        C("path", nullable=True),
        C("held"),
        C("noted_at"),
        C("state", default="open"),
    ),
    ("entity", "record_key"),
)


def migrate(tx: TargetTransaction, has_unique_keys: bool) -> None:
    """Migrate. `has_unique_keys` is not used."""
    tx.journal.add_column(_FEED, C("direction", default="forward"))
    tx.journal.add_column(_FEED, C("writer", "bigint", default=0))
    for table in (_RETURNED, _SET_ASIDE):
        tx.journal.create(table)
