"""One transaction of a MongoDB target, with savepoints, which MongoDB does not have, and repeated after a conflict.

MongoDB aborts a transaction on every error, and on a conflict with another one. So the writes are recorded in order as
functions until the commit: a new transaction runs them again, without those that were rolled back to a savepoint. A
standalone server has no transactions: every write is done at once, and rolling back to a savepoint undoes its writes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from pymongo.client_session import ClientSession
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from crossfade.errors import CrossfadeError
from crossfade.stores.contract import Overtaken

Session = ClientSession | None
Result = TypeVar("Result")
Work = Callable[[Session], Result]

MAJORITY = WriteConcern("majority")
_PATIENCE = 75.0  # seconds for which a transaction in conflict is repeated: a server ends abandoned ones after 60
_LONGEST_PAUSE = 0.2
_NO_SUCH_TRANSACTION, _ROLLED_BACK, _TOO_LARGE = 251, -31800, 388
"""-31800 is the storage engine's own: it had no room in its cache just then."""


class LockedChanged(Exception):
    """Another transaction has changed what this one had locked before it had to be repeated."""


class NotSeen(Exception):
    """The transaction began before something that it needs was written: it is repeated."""


class Repeatable:
    """The session of one transaction, and all of its writes."""

    def __init__(self, session: ClientSession | None) -> None:
        """Without a session the server has no transactions."""
        self._session, self.has_transactions = session, session is not None
        self._done: list[tuple[Work[Any], Callable[[], None] | None]] = []
        self._is_current = self._has_written = False
        self._after: list[Callable[[], None]] = []
        self._at_end: list[Callable[[], None]] = []

    @property
    def waits(self) -> bool:
        """Whether anything has to be run after the commit."""
        return bool(self._after)

    def later(self, work: Callable[[], None]) -> None:
        """Run it after the commit: work that cannot be part of a transaction, and is harmless if repeated."""
        self._after.append(work)

    def write(self, work: Work[Result], undo: Callable[[], None] | None = None) -> Result:
        """Run it, and again whenever the transaction is repeated. `undo` undoes it on a standalone server."""
        result = self._run(work)
        self._has_written = True
        self._done.append((work, undo))
        return result

    def ask(self, work: Work[Result], *, again: bool = False) -> Result:
        """Run a read in the transaction. With `again` it must find the same when the transaction is repeated."""
        result = self._run(work)
        if again and self.has_transactions:
            self._done.append((_reads_again(work, result), None))
        return result

    def at_end(self, work: Callable[[], None]) -> None:
        """Run it when the transaction has ended, committed or not."""
        self._at_end.append(work)

    def _run(self, work: Work[Result]) -> Result:
        if not self.has_transactions:
            return work(None)
        return self._patiently(lambda: work(self._current()))

    def commit(self) -> None:
        if self.has_transactions and self._has_written:
            self._commit()
        self.end()
        for work in self._after:
            work()

    def _commit(self) -> None:
        def attempt() -> None:
            session = self._current()
            for last in (False, False, True):
                try:
                    session.commit_transaction()
                    return
                except PyMongoError as error:
                    if last or not error.has_error_label("UnknownTransactionCommitResult"):
                        raise

        self._patiently(attempt)

    def end(self) -> None:
        """Abort what is not committed."""
        self._is_current = False
        if self._session is not None and self._session.in_transaction:
            with suppress(PyMongoError):
                self._session.abort_transaction()
        while self._at_end:
            with suppress(PyMongoError):
                self._at_end.pop()()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        place = len(self._done)
        try:
            yield
        except BaseException:
            self._back_to(place)
            raise

    def _back_to(self, place: int) -> None:
        rolled_back = self._done[place:]
        del self._done[place:]
        if self.has_transactions:
            self._is_current = False
        else:
            for _, undo in reversed(rolled_back):
                if undo is not None:
                    undo()

    def _patiently(self, attempt: Callable[[], Result]) -> Result:
        until = time.monotonic() + _PATIENCE
        pause = 0.01
        while True:
            try:
                return attempt()
            except PyMongoError as error:
                self._is_current = False  # whatever the error, the server has aborted the transaction
                if not is_transient(error) or time.monotonic() > until:
                    raise _too_large(error) or error from None
            except NotSeen:
                self._is_current = False
                if time.monotonic() > until:
                    raise _changed() from None
            except LockedChanged:
                raise _changed() from None
            time.sleep(pause * random.random())
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _current(self) -> ClientSession:
        """Return the session. If the transaction is a new one, everything is done in it again first."""
        session = self._session
        assert session is not None, "the server has transactions"
        if self._is_current:
            return session
        if session.in_transaction:
            with suppress(PyMongoError):
                session.abort_transaction()
        session.start_transaction(ReadConcern("snapshot"), MAJORITY, ReadPreference.PRIMARY)
        for work, _ in self._done:
            work(session)
        self._is_current = True
        return session


def _reads_again(work: Work[Any], result: Any) -> Work[None]:
    def run(session: Session) -> None:
        if work(session) != result:
            raise LockedChanged

    return run


def _changed() -> Overtaken:
    return Overtaken("another transaction has changed what this one works on; nothing was written")


def _too_large(error: PyMongoError) -> CrossfadeError | None:
    """Return the error of a transaction that the server's cache does not hold, with what to do."""
    if not isinstance(error, OperationFailure) or error.code not in (_ROLLED_BACK, _TOO_LARGE):
        return None
    return CrossfadeError(
        "a chunk is too large for one transaction: the server's cache does not hold it; nothing of it was written",
        hint="reduce limits.chunk_mb, then crossfade copy --restart; or give the server a larger cache",
    )


def is_transient(error: PyMongoError) -> bool:
    """Return whether the transaction can be repeated: it conflicted with another one."""
    if isinstance(error, ConnectionFailure):
        return False  # the caller waits for a server that is away
    code = error.code if isinstance(error, OperationFailure) else None
    return error.has_error_label("TransientTransactionError") or code in (_NO_SUCH_TRANSACTION, _ROLLED_BACK)
