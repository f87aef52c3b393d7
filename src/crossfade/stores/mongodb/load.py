"""The lag of a replica set and the sessions of a server, as it reports them. Needs the role `clusterMonitor`."""

from __future__ import annotations

from typing import Any

from pymongo.database import Database

from crossfade.stores.contract.load import Load
from crossfade.stores.mongodb.errors import speaking

_PRIMARY, _SECONDARY = 1, 2


class MongoLoad:
    """Queries the primary."""

    def __init__(self, db: Database[dict[str, Any]], url: str) -> None:
        self._admin, self._url = db.client.admin, url

    def lag(self) -> float:
        with speaking(self._url, "asking for the state of the replica set"):
            members = self._admin.command("replSetGetStatus")["members"]
            config = self._admin.command("replSetGetConfig")["config"]["members"]
        delayed = {one["_id"] for one in config if one.get("secondaryDelaySecs") or one.get("slaveDelay")}
        newest = max(one["optimeDate"] for one in members if one["state"] in (_PRIMARY, _SECONDARY))
        behind = [
            (newest - one["optimeDate"]).total_seconds()
            for one in members
            if one["state"] == _SECONDARY and one["_id"] not in delayed
        ]
        return max(behind, default=0.0)

    def active(self) -> int:
        with speaking(self._url, "asking for the state of the server"):
            found = self._admin.command("serverStatus", repl=0, metrics=0, locks=0)
        return int(found["globalLock"]["activeClients"]["total"])


_: type[Load] = MongoLoad
