"""A collection by its name, whatever the name is.

A server takes names that pymongo refuses to make a `Collection` of: `a..b`, `trail.`, in databases from before 3.0
also names with a dollar. Every command of the driver only sends the name on, so such a collection is made with another
one and renamed before it is used.
"""

from __future__ import annotations

from typing import Any

from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import InvalidName

from crossfade.errors import Unsupported

_PLACEHOLDER = "placeholder"


def collection_of(db: Database[dict[str, Any]], name: str) -> Collection[dict[str, Any]]:
    """The collection `name` of the database. Raises Unsupported where this pymongo cannot be made to ask for it."""
    try:
        return db[name]
    except InvalidName:
        return _renamed(db[_PLACEHOLDER], name)


def _renamed(collection: Collection[dict[str, Any]], name: str) -> Collection[dict[str, Any]]:
    # Attributes that pymongo keeps to itself: what it makes of them is checked, so that another version cannot read
    # another collection.
    full = f"{collection.database.name}.{name}"
    collection._name, collection._full_name = name, full
    if (collection.name, collection.full_name) != (name, full):
        raise Unsupported(
            f"the installed pymongo cannot read a collection called {name!r}",
            hint=f"rename it in the source, or leave it out of `entities` in crossfade.toml: {name!r}",
        )
    return collection


__all__ = ["collection_of"]
