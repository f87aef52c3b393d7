"""What a server, a login or a collection lacks for a change stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure

from crossfade.stores.mongodb.errors import UNAUTHORIZED
from crossfade.stores.mongodb.listing import list_all, list_authorized
from crossfade.stores.mongodb.position import OplogPoint
from crossfade.stores.mongodb.stream import MongoStream

OLDEST = (4, 2)  # since then a stream can be opened after the database was dropped, and tokens can be compared
_EXPANDS_EVENTS = (6, 0)
_NAMES_EVICTIONS = (5, 0)


def lacking(db: Database[dict[str, Any]], entities: Sequence[str]) -> list[str]:
    """Return what is missing, one sentence each."""
    hello = db.client.admin.command("hello")
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        return [
            "the server is not a member of a replica set: only those have change streams (start it with --replSet and"
            " run rs.initiate() once: a replica set of one member is enough)"
        ]
    if (version := _version(db)) < OLDEST:
        return [f"the server is MongoDB {'.'.join(map(str, version))}; its changes can be followed since 4.2"]
    return [*_of_stream(db, entities, hello), *_of_collections(db, entities, version)]


def expands_events(db: Database[dict[str, Any]]) -> bool:
    """Return whether the server can show other events than writes, drops and renames."""
    return _version(db) >= _EXPANDS_EVENTS


def _version(db: Database[dict[str, Any]]) -> tuple[int, ...]:
    return tuple(db.client.server_info()["versionArray"][:2])


def _of_stream(db: Database[dict[str, Any]], entities: Sequence[str], hello: Any) -> Iterator[str]:
    since = OplogPoint(
        hello["lastWrite"]["opTime"]["ts"] if "lastWrite" in hello else hello["$clusterTime"]["clusterTime"]
    )
    try:
        MongoStream(db, entities, since, expanded=expands_events(db)).close()
    except OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        yield (
            f"the login may not open a change stream on the database {db.name!r}: grant it the role read on this"
            " database (that is find and changeStream on all its collections)"
        )
    if not (hello.get("isWritablePrimary") or hello.get("msg") == "isdbgrid"):
        yield "the URL leads to a secondary only: name the replica set in it (replicaSet=...), without directConnection"


def _of_collections(db: Database[dict[str, Any]], entities: Sequence[str], version: tuple[int, ...]) -> Iterator[str]:
    listed = {str(one["name"]): one for one in (list_all(db) or list_authorized(db))}
    for name in entities:
        found = listed.get(name, {})
        if (kind := found.get("type")) in ("view", "timeseries"):
            what = "a view" if kind == "view" else "a time series"
            yield f"{name} is {what}, and change streams do not cover it: copy it while nobody writes to it"
        elif found.get("options", {}).get("capped") and version < _NAMES_EVICTIONS:
            yield f"{name} is capped, and before MongoDB 5.0 nothing names the documents that the server discards in it"


__all__ = ["expands_events", "lacking"]
