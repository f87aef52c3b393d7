"""The names of a database's collections, and what can be known of them by a login that may do little.

listCollections with all that it says takes a right of its own. A login that may read some collections and nothing else
may still ask for the names of these (`authorizedCollections`), and learns whether one of them is a view.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure

from crossfade.stores.mongodb.errors import UNAUTHORIZED

Listed = Mapping[str, Any]


def list_all(db: Database[dict[str, Any]]) -> list[Listed] | None:
    """Everything in the database with its options; None where the login may not ask for that."""
    return _allowed(db, {})


def list_authorized(db: Database[dict[str, Any]]) -> list[Listed]:
    """Name and type of the collections that the login may do anything with."""
    return list(db.list_collections(nameOnly=True, authorizedCollections=True))


def has_key_index(db: Database[dict[str, Any]], name: str) -> bool | None:
    """Whether it has the index on `_id` that ranges of keys are read by; None where there is no such collection."""
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
    """By how the server would read it: a clustered collection has keys in order, and no index of them."""
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
