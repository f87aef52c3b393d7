"""Version 6: records that are to be applied, and what entries in quarantine wait for."""

from __future__ import annotations

from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import JournalColumn as C
from crossfade.stores.contract.journal import JournalTable

_DIRTY = JournalTable("dirty", (C("entity"), C("record_key"), C("number")), ("entity", "record_key"))
_WAITING = JournalTable("waiting", (C("id"), C("value")), ("id", "value"), {"waiting_value": ("value",)})


def migrate(tx: TargetTransaction, has_unique_keys: bool) -> None:
    tx.journal.create(_DIRTY)
    tx.journal.create(_WAITING)
