"""Writes documents back into a MongoDB whose writes are blocked for all others.

If the server has logins, each run has one of its own, which may bypass the block; the login of the move need not.
Without logins, the command itself asks to bypass it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference

from crossfade.records.bson.ejson_loads import loads_canonical
from crossfade.stores.contract import RecordChange, RecordRefused, RecordWriter, Replaced
from crossfade.stores.mongodb.closing import close_client
from crossfade.stores.mongodb.errors import speaking
from crossfade.stores.mongodb.fence_logins import BACK, BYPASS, Logins
from crossfade.stores.mongodb.transaction import MAJORITY, is_transient

GUARDS = "crossfade"
"""A database beside the application's: transactions cannot write to `admin`."""
GUARD = "guard"
ROLE = "crossfade_back"
PATIENCE = 60.0
_EXISTS = 51002
_NO_USER, _NO_ROLE = 11, 31
_LOCKED_OUT = (_NO_USER, 13, 18)
"""What a login gets that was dropped."""
_REFUSALS = {121: "check", 11000: "unique", 10334: "too_large", 17419: "too_large", 66: "changes_key"}
_DOING = "writing records back"

BYTES_AT_ONCE = 12_000_000
"""The most bytes of documents in a command; the server accepts messages of 48 MB."""

Client = MongoClient[dict[str, Any]]
Numbered = tuple[int, RecordChange]
"""A change, and its position."""


class MongoRecordWriter:
    def __init__(self, client: Client, db: Database[dict[str, Any]], url: str) -> None:
        self._client, self._db, self._url = client, db, url
        self._logins = Logins(client)
        self._own: tuple[str, int, Client] | None = None

    def check(self, entities: Sequence[str]) -> Sequence[str]:
        with speaking(self._url, "checking whether records can be written back"):
            if "setName" not in self._client.admin.command("hello"):
                return ["the URL does not lead to a member of a replica set, and there are no transactions without one"]
        return []

    def take_over(self, slot: str, number: int, entities: Sequence[str]) -> None:
        """Take over with a login that passes the block. After it has written the guard, no older run can commit."""
        self.close()
        with speaking(self._url, "taking over the way back"):
            client = self._opened(slot, _login(slot, number))
            try:
                self._guard(client, slot, number)
            except BaseException as error:
                close_client(client)
                if isinstance(error, Replaced) and self._logins.are_known:
                    self._drop_login(_login(slot, number))
                raise
            self._drop_logins(slot, before=number)
            self._own = slot, number, client

    def changes_with(self, changes: Sequence[RecordChange]) -> Sequence[tuple[str, str]]:
        return ()

    def write(self, slot: str, number: int, changes: Sequence[RecordChange]) -> Mapping[int, RecordRefused]:
        refused = self._written(slot, number, list(enumerate(changes)), delete_first=False)
        waiting = [(place, changes[place]) for place, why in sorted(refused.items()) if why.reason == "unique"]
        if waiting:  # unique values may pass from one to another
            still = self._written(slot, number, waiting, delete_first=True)
            written = {place for place, _ in waiting} - still.keys()
            refused = {place: still.get(place, why) for place, why in refused.items() if place not in written}
        return refused

    def remove(self, slot: str) -> None:
        self.close()
        with speaking(self._url, "removing the way back"):
            found = self._client[GUARDS][GUARD].find_one({"_id": slot})
            if found is not None:
                self._remove_guard(slot, int(found["number"]))
            if self._logins.are_known:
                self._drop_logins(slot)
                with _already_gone():
                    self._client.admin.command("dropRole", f"{ROLE}_{slot}")

    def close(self) -> None:
        if self._own is not None:
            close_client(self._own[2])
            self._own = None

    # -- the guard, and the login

    def _remove_guard(self, slot: str, number: int) -> None:
        """Remove the guard if it still has this number. Raises Replaced if it has another one; if it is gone, another
        removal was faster, which may have dropped the login of this one, too.
        """
        guards, login = self._client[GUARDS][GUARD], f"{_login(slot, number)}_{secrets.token_hex(4)}"
        try:
            with self._opened(slot, login) as client:
                seen = {"_id": slot, "number": number}
                self._run(client, GUARDS, {"delete": GUARD, "deletes": [{"q": seen, "limit": 1}]})
                if guards.find_one({}) is None:
                    self._run(client, GUARDS, {"dropDatabase": 1})
        except OperationFailure as error:
            was_dropped = self._logins.are_known and error.code in (*_LOCKED_OUT, _NO_ROLE)
            if not was_dropped or guards.find_one({"_id": slot, "number": number}) is not None:
                raise
        finally:
            if self._logins.are_known:
                self._drop_login(login)
        if guards.find_one({"_id": slot}) is not None:
            raise Replaced()

    def _guard(self, client: Client, slot: str, number: int) -> None:
        """Write the number into a document that all transactions write: this waits for them."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self._guard_once(client, slot, number)
                return
            except OperationFailure as error:
                if not is_transient(error) or time.monotonic() > end:
                    raise

    def _guard_once(self, client: Client, slot: str, number: int) -> None:
        with client.start_session() as session, session.start_transaction(ReadConcern("snapshot"), MAJORITY):
            found = client[GUARDS][GUARD].find_one({"_id": slot}, session=session)
            if found is not None and int(found["number"]) > number:
                raise Replaced()
            with_number = {"q": {"_id": slot}, "u": {"$set": {"number": number}}, "upsert": True}
            self._run(client, GUARDS, {"update": GUARD, "updates": [with_number]}, session)

    def _opened(self, slot: str, name: str) -> Client:
        """Return a client that passes the block, with a login of its own if there are logins."""
        options: dict[str, Any] = {"appname": "crossfade-back"}
        if self._logins.are_known:
            password = secrets.token_urlsafe(24)
            self._ensure_role(slot)
            self._drop_login(name)
            self._client.admin.command("createUser", name, pwd=password, roles=[f"{ROLE}_{slot}"])
            options |= {"username": name, "password": password, "authSource": "admin", "authMechanism": "DEFAULT"}
        return MongoClient(self._url, **options)

    def _ensure_role(self, slot: str) -> None:
        writes = ["find", "insert", "update", "remove"]
        privileges = [
            {"resource": {"cluster": True}, "actions": [BYPASS]},
            {"resource": {"db": self._db.name, "collection": ""}, "actions": writes},
            {"resource": {"db": GUARDS, "collection": ""}, "actions": [*writes, "createCollection", "dropDatabase"]},
        ]
        try:
            self._client.admin.command("createRole", f"{ROLE}_{slot}", privileges=privileges, roles=[])
        except OperationFailure as error:
            if error.code != _EXISTS:
                raise

    def _drop_logins(self, slot: str, before: int | None = None) -> None:
        own = f"{BACK}{slot}_"
        users = self._client.admin.command("usersInfo", 1)["users"] if self._logins.are_known else []
        for name in (str(user["user"]) for user in users if str(user["user"]).startswith(own)):
            if before is None or int(name.removeprefix(own).partition("_")[0]) < before:
                self._drop_login(name)

    def _drop_login(self, name: str) -> None:
        with _already_gone():
            self._client.admin.command("updateUser", name, roles=[])
            self._client.admin.command("killAllSessions", [{"user": name, "db": "admin"}])
            self._client.admin.command("dropUser", name)

    # -- one transaction

    def _written(
        self, slot: str, number: int, changes: Sequence[Numbered], *, delete_first: bool
    ) -> dict[int, RecordRefused]:
        """Write as many as the server accepts, in one transaction; return the others."""
        refused: dict[int, RecordRefused] = {}
        while len(refused) < len(changes):
            found = self._attempt(
                slot, number, [one for one in changes if one[0] not in refused], delete_first=delete_first
            )
            if found is None:
                break
            refused.update([found])
        return refused

    def _attempt(
        self, slot: str, number: int, changes: Sequence[Numbered], *, delete_first: bool
    ) -> tuple[int, RecordRefused] | None:
        """Write all of them; or none, and return one that the server refuses. With `delete_first` all are deleted
        first, so that none has a value that another is to get.
        """
        if self._own is None or self._own[:2] != (slot, number):
            raise Replaced()
        client, end = self._own[2], time.monotonic() + PATIENCE
        while True:
            try:
                with speaking(self._url, _DOING):
                    return self._transaction(client, slot, number, changes, delete_first=delete_first)
            except Exception as error:
                cause = error.__cause__
                if isinstance(cause, OperationFailure) and self._logins.are_known and cause.code in _LOCKED_OUT:
                    raise Replaced() from error  # the login was dropped
                if not isinstance(cause, PyMongoError) or not is_transient(cause) or time.monotonic() > end:
                    raise

    def _transaction(
        self, client: Client, slot: str, number: int, changes: Sequence[Numbered], *, delete_first: bool
    ) -> tuple[int, RecordRefused] | None:
        former = [(n, RecordChange(c.entity, c.key, c.before, None)) for n, c in changes if delete_first and c.before]
        primary, snapshot = ReadPreference.PRIMARY, ReadConcern("snapshot")
        with client.start_session() as session:
            session.start_transaction(snapshot, MAJORITY, primary)
            try:
                mine = {"q": {"_id": slot, "number": number}, "u": {"$inc": {"writes": 1}}}
                if not self._run(client, GUARDS, {"update": GUARD, "updates": [mine]}, session)["n"]:
                    raise Replaced()
                for together in _together([*former, *changes]):
                    reply = self._run(client, self._db.name, _command([change for _, change in together]), session)
                    if (why := _refusal(reply)) is not None:
                        return together[why[0]][0], why[1]
                _commit(session)
                return None
            finally:
                if session.in_transaction:
                    session.abort_transaction()

    def _run(
        self, client: Client, db: str, command: dict[str, Any], session: ClientSession | None = None
    ) -> dict[str, Any]:
        word = {} if self._logins.are_known else {"mayBypassWriteBlocking": True}
        return dict(client[db].command({**command, **word}, session=session, check=True))


def _login(slot: str, number: int) -> str:
    return f"{BACK}{slot}_{number:08d}"


@contextmanager
def _already_gone() -> Iterator[None]:
    """Go on if the login or the role that is dropped does not exist: another process may have dropped it."""
    try:
        yield
    except OperationFailure as error:
        if error.code not in (_NO_USER, _NO_ROLE):
            raise


def _together(changes: Sequence[Numbered]) -> Iterator[list[Numbered]]:
    """Yield consecutive changes that make up one command: of one entity and kind, bounded."""
    piece: list[Numbered] = []
    size = 0
    for one in changes:
        own = len(one[1].after or b"")
        if piece and (size + own > BYTES_AT_ONCE or _kind(piece[0][1]) != _kind(one[1])):
            yield piece
            piece, size = [], 0
        piece.append(one)
        size += own
    if piece:
        yield piece


def _kind(change: RecordChange) -> tuple[str, bool]:
    return change.entity, change.after is None


def _command(changes: Sequence[RecordChange]) -> dict[str, Any]:
    """Return the command for changes of one kind. It stops at the first that is refused."""
    of = [{"_id": {"$eq": loads_canonical(change.key)}} for change in changes]
    entity, are_deleted = _kind(changes[0])
    if are_deleted:
        return {"delete": entity, "deletes": [{"q": q, "limit": 1} for q in of]}
    raws = [RawBSONDocument(change.after) for change in changes if change.after is not None]
    return {"update": entity, "updates": [{"q": q, "u": u, "upsert": True} for q, u in zip(of, raws, strict=True)]}


def _refusal(reply: Mapping[str, Any]) -> tuple[int, RecordRefused] | None:
    """Return which write of a command was refused, and why. Raises errors that are not about the document."""
    for error in reply.get("writeErrors", ()):
        if error["code"] not in _REFUSALS:
            raise OperationFailure(str(error.get("errmsg")), error["code"], dict(error))
        return int(error["index"]), RecordRefused(_REFUSALS[error["code"]], str(error.get("errmsg")))
    return None


def _commit(session: ClientSession) -> None:
    for last in (False, False, True):
        try:
            session.commit_transaction()
            return
        except PyMongoError as error:
            if last or not error.has_error_label("UnknownTransactionCommitResult"):
                raise


_: type[RecordWriter] = MongoRecordWriter
