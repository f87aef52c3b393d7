"""Version 10: rehearsals of the cutover, and daily verifications."""

from __future__ import annotations

from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import JournalColumn as C
from crossfade.stores.contract.journal import JournalTable

_REHEARSAL = JournalTable(
    "rehearsal",
    (
        C("id"),
        C("kind"),
        C("token", "bigint"),
        C("was_closed", "integer"),
        C("digest"),
        C("began_at"),
        C("ended_at", nullable=True),
        C("green", "integer", nullable=True),
        C("seconds", "real", nullable=True),
        C("cause", nullable=True),
        C("steps", nullable=True),
    ),
    ("id",),
)
_DAILY = JournalTable(
    "daily", (C("id"), C("day"), C("ended_at"), C("outcome"), C("said")), ("id",), {"daily_day": ("day",)}
)


def migrate(tx: TargetTransaction, has_unique_keys: bool) -> None:
    """Migrate. `has_unique_keys` is not used."""
    for table in (_REHEARSAL, _DAILY):
        tx.journal.create(table)
