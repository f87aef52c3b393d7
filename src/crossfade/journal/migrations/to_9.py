"""Version 9: the stage of the cutover, and its steps."""

from __future__ import annotations

from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import JournalColumn as C
from crossfade.stores.contract.journal import JournalTable

_CUTOVER = JournalTable(
    "cutover",
    (
        C("id", "integer"),
        C("stage"),
        C("token", "bigint"),
        C("until"),
        C("plan"),
        C("marker", nullable=True),
        C("cause", nullable=True),
        C("changed_at"),
    ),
    ("id",),
)
_STEP = JournalTable(
    "cutover_step",
    (
        C("token", "bigint"),
        C("number", "bigint"),
        C("name"),
        C("began_at"),
        C("ended_at", nullable=True),
        C("seconds", "real", nullable=True),
        C("outcome", nullable=True),
    ),
    ("token", "number"),
)


def migrate(tx: TargetTransaction, has_unique_keys: bool) -> None:
    """Migrate. `has_unique_keys` is not used."""
    for table in (_CUTOVER, _STEP):
        tx.journal.create(table)
