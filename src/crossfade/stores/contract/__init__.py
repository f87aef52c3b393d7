"""The abilities of a database: a Protocol for each, with its guarantees.

A `Store` is a frozen bundle of these parts; a part that is None is an ability that the store does not have. A phase
calls `need(store.reader, store, "read records")` and gets the part, or an `Unsupported` that says what is missing. No
phase asks which database it is talking to.

Stores are opened from a URL by `stores.open.open_store`; every worker process opens its own. All raise `Unreachable`
where the server or file cannot be reached (the URL shown with its password hidden).
"""

from __future__ import annotations

from crossfade.stores.contract.changes import ChangeBatch, ChangeFeed, Changes, PositionLost, Started
from crossfade.stores.contract.conflicts import Check, Conflict, Conflicts
from crossfade.stores.contract.ddl import Ddl, NumbersBehind, Unsound
from crossfade.stores.contract.fence import MOVE_BITS, Fence, FenceState, Replaced, next_of_move
from crossfade.stores.contract.inspect import EntityInfo, Inspector, journal_in
from crossfade.stores.contract.load import Load
from crossfade.stores.contract.records import RecordChange, RecordRefused, RecordWriter
from crossfade.stores.contract.rows import RowReader
from crossfade.stores.contract.sessions import SessionList, Sessions
from crossfade.stores.contract.source import Finder, Reader
from crossfade.stores.contract.steps import Standing, Steps
from crossfade.stores.contract.store import Group, Store, Traits, Written, need
from crossfade.stores.contract.survey import Surveyor
from crossfade.stores.contract.target import (
    OtherRows,
    Overtaken,
    RecordRows,
    RowRejected,
    TargetTransaction,
    Transaction,
    Writer,
)
from crossfade.stores.contract.watch import Watch

__all__ = [
    "MOVE_BITS",
    "ChangeBatch",
    "ChangeFeed",
    "Changes",
    "Check",
    "Conflict",
    "Conflicts",
    "Ddl",
    "EntityInfo",
    "Fence",
    "FenceState",
    "Finder",
    "Group",
    "Inspector",
    "Load",
    "NumbersBehind",
    "OtherRows",
    "Overtaken",
    "PositionLost",
    "Reader",
    "RecordChange",
    "RecordRefused",
    "RecordRows",
    "RecordWriter",
    "Replaced",
    "RowReader",
    "RowRejected",
    "SessionList",
    "Sessions",
    "Standing",
    "Started",
    "Steps",
    "Store",
    "Surveyor",
    "TargetTransaction",
    "Traits",
    "Transaction",
    "Unsound",
    "Watch",
    "Writer",
    "Written",
    "journal_in",
    "need",
    "next_of_move",
]
