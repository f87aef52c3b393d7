"""Lists a database's collections, also for a login with few rights.

A full listCollections requires a privilege of its own. A login that may only read some collections can still list their
names (`authorizedCollections`) and see whether one of them is a view.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure

from crossfade.stores.mongodb.errors import UNAUTHORIZED

Listed = Mapping[str, Any]


def list_all(db: Database[dict[str, Any]]) -> list[Listed] | None:
    """Return everything in the database with its options; None if the login lacks the privilege."""
    return _allowed(db, {})


def list_authorized(db: Database[dict[str, Any]]) -> list[Listed]:
    """Return name and type of the collections on which the login has any privilege."""
    return list(db.list_collections(nameOnly=True, authorizedCollections=True))


def has_key_index(db: Database[dict[str, Any]], name: str) -> bool | None:
    """Return whether the collection has an index on `_id` for reading ranges of keys; None if it does not exist."""
    found = _allowed(db, {"name": name})
    if found is not None:
        return next(("idIndex" in one for one in found), None)
    types = {str(one["name"]): one.get("type", "collection") for one in list_authorized(db)}
    if name not in types:
        return None
    return types[name] == "collection" and _is_read_by_key_index(db, name)


def _allowed(db: Database[dict[str, Any]], query: Mapping[str, Any]) -> list[Listed] | None:
    try:
        return list(db.list_collections(filter=dict(query)))
    except OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        return None


def _is_read_by_key_index(db: Database[dict[str, Any]], name: str) -> bool:
    """Decide it by the query plan: a clustered collection stores its keys in order, without an index."""
    find = {"find": name, "filter": {}, "hint": {"_id": 1}, "limit": 1}
    try:
        plan = db.command("explain", find, verbosity="queryPlanner")
    except OperationFailure as error:
        if error.code == UNAUTHORIZED:
            raise
        return False  # there is no such index
    return "IXSCAN" in set(_stages(plan.get("queryPlanner", {})))


def _stages(plan: Any) -> Iterator[str]:
    if isinstance(plan, Mapping):
        if "stage" in plan:
            yield str(plan["stage"])
        for part in plan.values():
            yield from _stages(part)
    elif isinstance(plan, list):
        for part in plan:
            yield from _stages(part)
