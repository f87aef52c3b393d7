"""What a worker needs for its calls: a value that is sent once, and a session that each thread opens once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from multiprocessing.util import Finalize

from crossfade.journal import journal, used
from crossfade.journal.ledger import Ledger
from crossfade.model.batch import Batch, Column
from crossfade.model.owners import Owners
from crossfade.model.positions import Floor
from crossfade.model.program import Program
from crossfade.model.shape import Path, Shape
from crossfade.model.target import TargetTable
from crossfade.records.codec import Codec, ColumnReader
from crossfade.runtime.floored import FlooredReader
from crossfade.runtime.sent_once import SentOnce, forget
from crossfade.stores.contract import Changes, Reader, RowReader, Store, TargetTransaction, Writer, need
from crossfade.stores.open import open_store
from crossfade.transform.engine import Engine
from crossfade.transform.lookup import Also, LookupReader
from crossfade.transform.transform import Transformer

Opener = Callable[[], Store]


@dataclass(frozen=True)
class Work(SentOnce):
    """A move, as workers need it. `token` identifies it: a worker keeps the open session for other calls.

    `open_source` and `open_target` can be pickled; only a worker's session calls them. `run` identifies the run that
    writes (`journal.take_part`). `floor`: what every read of a followed source must have seen; None if it is not
    followed.
    """

    token: str
    program: Program
    shapes: Mapping[str, Shape]
    tables: Mapping[str, TargetTable]
    owners: Mapping[str, Owners]
    open_source: Opener
    open_target: Opener
    run: str
    floor: Floor | None = None

    @property
    def is_followed(self) -> bool:
        return self.floor is not None


class Session:
    """The open stores, the engine and the transformers of one thread."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.source = work.open_source()
        self.target = work.open_target()
        self.engine = Engine()
        self.with_duplicate_keys: set[str] = set()
        """Entities of which a record wanted a primary key that another has."""
        self._reader: Reader | None = None
        self._transformers: dict[str, Transformer] = {}
        self._transcoders: dict[tuple[str, tuple[Column, ...]], ColumnReader] = {}

    @property
    def reader(self) -> Reader:
        """The reader of the source. If the source is followed, its reads have seen the work's floor, or, inside
        `reading`, the floor that is given there.
        """
        if self._reader is not None:
            return self._reader
        if self.work.floor is not None:
            return FlooredReader(self._changes, self.work.floor)
        return need(self.source.reader, self.source, "read records")

    @contextmanager
    def reading(self, floor: Floor | None = None) -> Iterator[None]:
        """Let all reads of the source in this block, including lookups, have seen `floor`, by default the work's: with
        one reader, which is quicker. Does nothing if the source is not followed.
        """
        floor = self.work.floor if floor is None else floor
        if floor is None:
            yield
            return
        before = self._reader
        with self._changes.reading(floor) as reader:
            self._reader = reader
            try:
                yield
            finally:
                self._reader = before

    @property
    def _changes(self) -> Changes:
        return need(self.source.changes, self.source, "follow changes")

    @property
    def codec(self) -> Codec:
        return need(self.source.codec, self.source, "read records")

    @property
    def writer(self) -> Writer:
        return need(self.target.writer, self.target, "be written to")

    @contextmanager
    def transaction(self) -> Iterator[TargetTransaction]:
        """Open a transaction of the target. Fails if another run has taken over."""
        with self.writer.transaction() as tx:
            journal.take_part(tx, self.work.run)
            yield tx

    @property
    def row_reader(self) -> RowReader:
        return need(self.target.row_reader, self.target, "be read back")

    @property
    def owners(self) -> Mapping[str, Owners]:
        """How rows of the target lead back to records, for each entity."""
        return self.work.owners

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.target)

    def transformer(self, entity: str) -> Transformer:
        if entity not in self._transformers:
            lookups = LookupReader(self.work.shapes, self._found, self.transcode, self.codec)
            self._transformers[entity] = Transformer(
                self.work.program.feeds[entity], self.work.tables, self.engine, lookups
            )
        return self._transformers[entity]

    def _found(
        self, entity: str, path: Path, values: Sequence[str], shape: Shape, columns: Sequence[Column], also: Also
    ) -> Iterator[Batch]:
        """Yield the records with these values, as Arrow. Reads with a floor use the reader."""
        reader, finder = self.reader, self.source.finder
        if finder is not None and reader is self.source.reader:
            yield from finder.found(entity, path, values, shape, columns, also)
        else:
            yield from (self.transcode(shape, columns, raw) for raw in reader.fetch(entity, path, values, shape))

    @contextmanager
    def noting_uses(self, tx: TargetTransaction, entity: str) -> Iterator[None]:
        """Note, in the transaction, the looked-up records in this block, by the values by which they are joined."""
        if not self.work.is_followed:
            yield
            return
        lookups, uses = self.transformer(entity).lookups, set[used.Use]()
        before, lookups.uses = lookups.uses, uses
        try:
            yield
        finally:
            lookups.uses = before
        used.note(tx, uses)

    def forget_lookups(self) -> None:
        """Forget what mappings have looked up: the source may have changed since."""
        for transformer in self._transformers.values():
            transformer.lookups.forget()

    def transcode(self, shape: Shape, columns: Sequence[Column], raw: bytes) -> Batch:
        """Return raw documents as a batch. The transcoder is made once for a shape and its columns."""
        key = (shape.entity, tuple(columns))
        if key not in self._transcoders:
            self._transcoders[key] = self.codec.reader(shape, columns)
        return self._transcoders[key].read(raw)

    def batch_of(self, entity: str, raw: bytes) -> Batch:
        """Return raw documents of an entity as a batch of the columns that its mappings read."""
        return self.transcode(self.work.shapes[entity], self.work.program.feeds[entity].columns, raw)

    def close(self) -> None:
        self.engine.close()
        self.source.close()
        self.target.close()


def get_ready(*urls: str) -> None:
    """Load the modules of the stores of these URLs, and open an engine, whose connection the session's takes over. No
    connection to a database stays open.
    """
    for url in urls:
        open_store(url).close()
    with closing(Engine()) as engine:
        engine.open()


_sessions: dict[tuple[str, int], Session] = {}
"""Sessions by the token of the work and the thread. An engine and its connections are used by one thread only."""
_lock = threading.Lock()


def session(work: Work) -> Session:
    """Return this thread's session of the move. Sessions of other moves, which are over, are closed."""
    thread = threading.get_ident()
    if (found := _sessions.get((work.token, thread))) is not None:
        return found
    _close([key for key in list(_sessions) if key[1] == thread])
    opened = Session(work)
    with _lock:
        _sessions[work.token, thread] = opened
    _at_exit()
    return opened


@cache
def _at_exit() -> None:
    Finalize(None, _close_all, exitpriority=0)  # unlike atexit, it also runs at the end of a worker


def close_own_sessions() -> None:
    """Close the sessions of the calling thread, before it ends: some drivers allow only this thread to do it."""
    _close([key for key in list(_sessions) if key[1] == threading.get_ident()])


def close_sessions(token: str) -> None:
    """Close the sessions of a move in this process. None of its calls may be running."""
    _close([key for key in list(_sessions) if key[0] == token])
    forget(token)


def _close_all() -> None:
    _close(list(_sessions))


def _close(keys: Sequence[tuple[str, int]]) -> None:
    for key in keys:
        with _lock:
            found = _sessions.pop(key, None)
        if found is not None:
            found.close()
