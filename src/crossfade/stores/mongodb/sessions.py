"""The sessions of a server, of all databases, because a fence closes the whole server. Needs `clusterMonitor`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure

from crossfade.errors import Refused
from crossfade.stores.contract.sessions import SessionList, Sessions
from crossfade.stores.mongodb.errors import speaking
from crossfade.stores.mongodb.fence_logins import Logins

_UNAUTHORIZED = 13
_CONNECTIONS = {"$currentOp": {"allUsers": True, "idleConnections": True, "localOps": True}}


class MongoSessions:
    def __init__(self, client: MongoClient[dict[str, Any]], url: str) -> None:
        self._admin, self._url = client.admin, url
        self._logins = Logins(client)

    def others(self) -> Sequence[Sessions]:
        with speaking(self._url, "asking who is connected"):
            try:
                found = [_who(one) for one in self._admin.aggregate([_CONNECTIONS]) if _is_client(one)]
            except OperationFailure as error:
                if error.code != _UNAUTHORIZED:
                    raise
                said = "the server does not show this login who is connected"
                raise Refused(said, hint="grant it the role clusterMonitor") from None
        if self._logins.are_known:  # clients without a login cannot write: these are monitoring connections of drivers
            found = [who for who in found if who[0]]
        return [Sessions(*who, count) for who, count in sorted(Counter(found).items())]

    def free(self) -> int:
        with speaking(self._url, "asking for the state of the server"):
            return int(self._admin.command("serverStatus", repl=0, metrics=0, locks=0)["connections"]["available"])


def _who(one: Mapping[str, Any]) -> tuple[str, str]:
    users = one.get("effectiveUsers", [])
    return ", ".join(sorted(str(user["user"]) for user in users)), str(one.get("appName", ""))


def _is_client(one: Mapping[str, Any]) -> bool:
    """Return whether it is a client, and not a member of the set: those use a driver of their own."""
    driver = str(one.get("clientMetadata", {}).get("driver", {}).get("name", ""))
    name = str(one.get("appName", ""))
    internal = driver.startswith(("NetworkInterface", "MongoDB Internal"))
    return "client" in one and not internal and name != "crossfade" and not name.startswith("crossfade-")


_: type[SessionList] = MongoSessions
