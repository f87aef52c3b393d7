"""Blocks the writes of users on the whole server (setUserWriteBlockMode, MongoDB 6.0).

The command itself waits for open transactions, and writers queue behind it: so it always has a time limit. If the
server has logins, each controller has one of its own, because no transaction could distinguish an old command from a
new one: a controller that takes over revokes the roles of older logins, ends their sessions, and drops them, in this
order. Without logins, a controller that was replaced while it slept learns it only from the guard, which it reads
before its command.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from bson import SON
from pymongo import MongoClient
from pymongo.errors import DuplicateKeyError, NetworkTimeout, OperationFailure

from crossfade.errors import Busy, CrossfadeError, Unsupported
from crossfade.model.urls import hide_password
from crossfade.stores.contract import Fence, FenceState, Replaced, TargetTransaction, next_of_move
from crossfade.stores.mongodb.errors import speaking
from crossfade.stores.mongodb.fence_logins import Logins, lacking

GUARD = "crossfade_fence"
"""A collection of the database `admin`, which is never blocked."""
CLOSED, OPEN_SECONDS, SLACK = 2, 20.0, 5.0
_TIMED_OUT = 50
_COMMENT = "crossfade-fence"
_OLDEST = (6, 0)

Client = MongoClient[dict[str, Any]]


class MongoFence:
    def __init__(self, client: Client, url: str) -> None:
        self._client, self._url, self._admin = client, url, client.admin
        self._logins = Logins(client)
        self._tokens: set[int] = set()

    def check(self) -> Sequence[str]:
        with speaking(self._url, "checking whether its writes can be blocked"):
            if tuple(self._client.server_info()["versionArray"][:2]) < _OLDEST:
                return ["the server is older than MongoDB 6.0, which is the first that blocks writes"]
            if "setName" not in self._admin.command("hello"):
                return ["the URL does not lead to a member of a replica set"]
            return lacking(self._admin) if self._logins.are_known else []

    def state(self) -> FenceState:
        with speaking(self._url, "asking whether its writes are blocked"):
            closed = self._admin.command("serverStatus")["repl"].get("userWriteBlockMode") == CLOSED
            guard = self._admin[GUARD].find_one({"_id": 1})
            passes = tuple(f"the login {name}" for name in self._logins.that_pass()) if closed else ()
            return FenceState(closed, 0 if guard is None else int(guard["token"]), passes)

    def take_over(self, token: int) -> None:
        """Take over. Older commands are ended first, because one that waits blocks the guard too."""
        with speaking(self._url, "taking over its fence"):
            self._end(older_than=token)
            self._guard(token)
            self._logins.end_older(token)
            self._end(older_than=token)
            self._logins.new(token)
            self._guard(token)  # `remove` may have dropped it with its collection
            self._tokens.add(token)

    def close(self, token: int, *, seconds: float) -> None:
        try:
            self._block(token, True, seconds)
        except TimeoutError:
            with speaking(self._url, "ending a command"):
                holders = self._transactions()
                self._end(only=token)
            if self.state().closed:
                self.open(token)
            raise self._busy(seconds, holders) from None

    def open(self, token: int) -> None:
        """A `close` of its own whose connection broke may still wait in the server, and blocks the guard: it is ended
        first.
        """
        with speaking(self._url, "ending a command"):
            self._end(only=token)
        try:
            self._block(token, False, OPEN_SECONDS)
        except TimeoutError:
            with speaking(self._url, "ending a command"):
                self._end(only=token)
            raise self._busy(OPEN_SECONDS, []) from None

    def open_within(self, tx: TargetTransaction, token: int) -> None:
        raise Unsupported(f"{hide_password(self._url)} cannot be opened in a transaction of its own")

    def close_for_good(self, token: int) -> None:
        self._give_up(token)

    def remove(self, token: int | None = None) -> None:
        """Take over first: then the guard and the logins that are dropped are our own, or older. The guard goes last:
        while it is there, another call finds what an interrupted one has left.
        """
        found = self.state().token
        if token is not None and token != found:
            raise Replaced()
        if found:
            own = next_of_move(found)
            self.take_over(own)
            self.open(own)
            self._give_up(own)
        with speaking(self._url, "removing its fence"):
            if self._admin[GUARD].find_one({}) is None:
                self._admin[GUARD].drop()

    # -- the guard

    def _give_up(self, token: int) -> None:
        with speaking(self._url, "giving up its fence"):
            self._require(token)
            self._logins.drop(token)
            if not self._admin[GUARD].delete_one({"_id": 1, "token": token}).deleted_count:
                raise Replaced()

    def _guard(self, token: int) -> None:
        try:
            self._admin[GUARD].update_one({"_id": 1, "token": {"$lte": token}}, {"$set": {"token": token}}, upsert=True)
        except DuplicateKeyError:
            raise Replaced() from None

    def _require(self, token: int) -> None:
        if token not in self._tokens or self._admin[GUARD].find_one({"_id": 1, "token": token}) is None:
            raise Replaced()

    # -- commands

    def _block(self, token: int, block: bool, seconds: float) -> None:
        """Block or unblock writes. Raises TimeoutError if it takes longer: then the state of the server is unknown."""
        with speaking(self._url, "blocking writes" if block else "allowing writes"):
            self._require(token)
            with self._logins.client(self._url, token, seconds + SLACK) as client:
                try:
                    client.admin.command(_command(token, block, seconds))
                except NetworkTimeout:
                    raise TimeoutError from None
                except OperationFailure as error:
                    if error.code == _TIMED_OUT:
                        raise TimeoutError from None
                    if self._logins.are_known and error.code in (13, 18, 11):  # the login was dropped
                        raise Replaced() from error
                    raise

    def _end(self, *, only: int | None = None, older_than: int = 0) -> None:
        """End running commands of this token, or of older ones, and wait until they have ended."""
        until = time.monotonic() + OPEN_SECONDS
        while found := [op for op in self._running() if (op[1] == only if only is not None else op[1] < older_than)]:
            if time.monotonic() > until:
                raise CrossfadeError(f"a command that was ended still runs at {hide_password(self._url)}")
            for op, _ in found:
                self._admin.command("killOp", 1, op=op)
            time.sleep(0.1)

    def _running(self) -> list[tuple[Any, int]]:
        ops = self._admin.aggregate([{"$currentOp": {"allUsers": True, "localOps": True}}])
        said = [(op.get("opid"), str(op.get("command", {}).get("comment", ""))) for op in ops]
        return [(op, int(text.split()[1])) for op, text in said if text.startswith(f"{_COMMENT} ")]

    def _transactions(self) -> list[str]:
        ops = self._admin.aggregate([{"$currentOp": {"allUsers": True, "idleSessions": True, "localOps": True}}])
        return [
            f"a transaction of {op.get('appName') or op.get('client') or 'a client'}, open for"
            f" {int(op['transaction'].get('timeOpenMicros', 0)) / 1e6:.1f} s"
            for op in ops
            if "transaction" in op
        ]

    def _busy(self, seconds: float, holders: Sequence[str]) -> Busy:
        return Busy(
            f"{hide_password(self._url)} was not closed or opened within {seconds:g} s, and is as before: transactions"
            " did not end" + "".join(f"\n  {holder}" for holder in holders),
            hint="end those sessions, or wait until they have ended; then run the same command again",
        )


def _command(token: int, block: bool, seconds: float) -> SON[str, Any]:
    limit = max(1, round(seconds * 1000))
    words = {"setUserWriteBlockMode": 1, "global": block, "maxTimeMS": limit, "comment": f"{_COMMENT} {token}"}
    return SON(words)


_: type[Fence] = MongoFence
