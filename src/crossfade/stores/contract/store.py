"""A database as a bundle of its abilities, and facts about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from crossfade.errors import Unsupported
from crossfade.records.codec import Codec
from crossfade.stores.contract.changes import Changes
from crossfade.stores.contract.conflicts import Conflicts
from crossfade.stores.contract.ddl import Ddl
from crossfade.stores.contract.fence import Fence
from crossfade.stores.contract.inspect import Inspector
from crossfade.stores.contract.load import Load
from crossfade.stores.contract.records import RecordWriter
from crossfade.stores.contract.rows import RowReader
from crossfade.stores.contract.sessions import SessionList
from crossfade.stores.contract.source import Finder, Reader
from crossfade.stores.contract.steps import Steps
from crossfade.stores.contract.survey import Surveyor
from crossfade.stores.contract.target import Writer
from crossfade.stores.contract.watch import Watch

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Group:
    """A group of entities that is moved alone. `tables`: the tables of the store that belong to it; of a source, the
    names of the entities.
    """

    name: str
    tables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Traits:
    """Facts about a store, phrased as questions."""

    has_journal_schema: bool = False  # does the journal have a schema of its own (or a table prefix)?
    journal_prefix: str = "crossfade_"  # the prefix of the journal's tables if it has no schema
    journal_tables: str = ""  # the prefix of its tables in its schema: each group of entities has a journal of its own
    has_groups: bool = False  # can it have a journal and a fence for each group of entities?
    constraints_after_tables: bool = True  # can constraints be added to a table that exists?
    is_file: bool = False  # is it a file (or a folder) of this machine, which other machines may not have?
    has_unique_keys: bool = True  # does an entity hold every key once?
    dialect: str = ""  # in which SQL is its schema written (model/dialects.py)? "" if it is no target
    transactional_ddl: bool = True  # does a statement of the schema roll back with its transaction?
    has_transactions: bool = True  # do rows commit with their record in the journal?
    parallel_apply: bool = True  # can transactions that apply different records be open at once?
    closes_server: bool = False  # does its fence close all databases of the server?
    in_process: bool = False  # does it live in this process, where no other one can see it?


@dataclass(frozen=True, slots=True)
class Written:
    """What others have committed to `place`. Without `entities` all records are as before: they may have been changed
    and changed back, or it was none of them (an index, statistics).
    """

    place: str
    entities: tuple[str, ...] = ()


@dataclass(frozen=True)
class Store:
    """A database as its parts. `url` is shown to people: its password is hidden."""

    scheme: str
    url: str
    traits: Traits = Traits()
    inspector: Inspector | None = None
    reader: Reader | None = None
    finder: Finder | None = None
    codec: Codec | None = None
    surveyor: Surveyor | None = None
    writer: Writer | None = None
    row_reader: RowReader | None = None
    ddl: Ddl | None = None
    steps: Steps | None = None
    watch: Watch | None = None
    conflicts: Conflicts | None = None
    changes: Changes | None = None
    fence: Fence | None = None
    load: Load | None = None
    sessions: SessionList | None = None
    record_writer: RecordWriter | None = None
    snapshot: Callable[[], str] | None = None
    """Returns the name of the snapshot that this store reads, with which others can open it (`open_store`) as long as
    this one is open. None: there is no snapshot, and every read sees the present state.
    """
    changed: Callable[[], Written | None] | None = None
    """Returns what was written since `snapshot` was called, for stores that cannot share a snapshot; None: nothing."""
    closer: Any = None

    def close(self) -> None:
        if self.closer is not None:
            self.closer()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def need(part: Part | None, store: Store, ability: str) -> Part:
    """Return the part. Raises `Unsupported`, which names the store and what it cannot do, if there is none."""
    if part is None:
        raise Unsupported(f"{store.scheme} cannot {ability} ({store.url})")
    return part
