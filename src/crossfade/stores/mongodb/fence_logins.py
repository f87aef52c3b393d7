"""The logins of controllers that block writes: one for each, so that an older controller can be locked out."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure

ROLE = "crossfade_fence"
PREFIX = "crossfade_fence_"
BACK = "crossfade_back_"
"""The prefix of the logins that write records back (records.py)."""
BYPASS = "bypassWriteBlockingMode"
_EXISTS = 51002
_OF_LOGINS = ("createRole", "createUser", "dropUser", "grantRole", "revokeRole", "viewUser")
_OF_SERVER = ("inprog", "killop", "killAnySession", "serverStatus")

Client = MongoClient[dict[str, Any]]


class Logins:
    """`are_known`: whether the server has logins at all."""

    def __init__(self, client: Client) -> None:
        self._client, self._admin = client, client.admin
        self._passwords: dict[int, str] = {}
        self._known: bool | None = None

    @property
    def are_known(self) -> bool:
        if self._known is None:
            self._known = bool(self._whoami())
        return self._known

    def new(self, token: int) -> None:
        """Create the login of a controller."""
        if not self.are_known:
            return
        privileges = [{"resource": {"cluster": True}, "actions": ["setUserWriteBlockMode"]}]
        try:
            self._admin.command("createRole", ROLE, privileges=privileges, roles=[])
        except OperationFailure as error:
            if error.code != _EXISTS:
                raise
        self._passwords[token] = secrets.token_urlsafe(24)
        self._drop(_name(token))
        self._admin.command("createUser", _name(token), pwd=self._passwords[token], roles=[ROLE])

    def end_older(self, token: int) -> None:
        """Revoke the roles of older logins, end their sessions, and drop them. None of these is enough alone."""
        if self.are_known:
            for name in self._ours():
                if int(name.removeprefix(PREFIX)) < token:
                    self._drop(name)

    def drop(self, token: int) -> None:
        """Drop the login of a controller and those of older ones; with the last of all, their role."""
        if self.are_known:
            self.end_older(token + 1)
            if not self._ours() and self._admin.command("rolesInfo", ROLE)["roles"]:
                self._admin.command("dropRole", ROLE)

    @contextmanager
    def client(self, url: str, token: int, seconds: float) -> Iterator[Client]:
        """Open a client that waits so long for an answer, with the login of the token if there are logins."""
        options: dict[str, Any] = {"socketTimeoutMS": round(seconds * 1000), "retryWrites": False}
        if self.are_known:
            options |= {
                "username": _name(token),
                "password": self._passwords[token],
                "authSource": "admin",
                "authMechanism": "DEFAULT",
            }
        with MongoClient[dict[str, Any]](url, **options) as client:
            yield client

    def that_pass(self) -> list[str]:
        """Return the logins that may write although writes are blocked, without our own."""
        if not self.are_known:
            return []
        own = {(one["user"], one["db"]) for one in self._whoami()}
        users = self._admin.command("usersInfo", {"forAllDBs": True})["users"]
        others = [one for one in users if (one["user"], one["db"]) not in own and not one["user"].startswith(BACK)]
        return [f"{one['user']} ({one['db']})" for one in others if self._passes(one)]

    def _passes(self, user: dict[str, Any]) -> bool:
        asked = {"user": user["user"], "db": user["db"]}
        (found,) = self._admin.command("usersInfo", asked, showPrivileges=True)["users"]
        return any(BYPASS in privilege["actions"] for privilege in found["inheritedPrivileges"])

    def _whoami(self) -> list[dict[str, Any]]:
        return list(self._admin.command("connectionStatus")["authInfo"]["authenticatedUsers"])

    def _ours(self) -> list[str]:
        users = self._admin.command("usersInfo", 1)["users"]
        return sorted(str(one["user"]) for one in users if str(one["user"]).startswith(PREFIX))

    def _drop(self, name: str) -> None:
        if not self._admin.command("usersInfo", name)["users"]:
            return
        self._admin.command("updateUser", name, roles=[])
        self._admin.command("killAllSessions", [{"user": name, "db": "admin"}])
        self._admin.command("dropUser", name)


def lacking(admin: Database[dict[str, Any]]) -> Sequence[str]:
    """Return what the login may not do."""
    status = admin.command("connectionStatus", showPrivileges=True)["authInfo"]
    may = {
        action
        for one in status["authenticatedUserPrivileges"]
        if one["resource"].get("cluster")
        or one["resource"].get("anyResource")
        or one["resource"].get("db") in ("", "admin")
        for action in one["actions"]
    }
    missing = [action for action in (*_OF_LOGINS, *_OF_SERVER) if action not in may]
    return [f"the login may not: {', '.join(missing)} (roles userAdminAnyDatabase and clusterAdmin)"] if missing else []


def _name(token: int) -> str:
    return f"{PREFIX}{token:012d}"
