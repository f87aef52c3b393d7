"""Version 7: an entry names the row whose primary key its record wanted; for older entries it is unknown."""

from __future__ import annotations

from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import JournalColumn as C
from crossfade.stores.contract.journal import JournalTable

_QUARANTINE = JournalTable("quarantine", (), ())


def migrate(tx: TargetTransaction, has_unique_keys: bool) -> None:
    tx.journal.add_column(_QUARANTINE, C("row_key", nullable=True))
