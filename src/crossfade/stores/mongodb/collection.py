"""Opens a collection by its name, whatever the name is.

A server accepts names for which pymongo refuses to create a `Collection`: `a..b`, `trail.`, in databases from before
3.0 also names with a dollar sign. The driver only passes the name on, so the object is created under another name and
renamed before it is used.
"""

from __future__ import annotations

from typing import Any

from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import InvalidName

from crossfade.errors import Unsupported

_PLACEHOLDER = "placeholder"


def collection_of(db: Database[dict[str, Any]], name: str) -> Collection[dict[str, Any]]:
    """Return the collection `name` of the database. Raises Unsupported if this pymongo cannot read it."""
    try:
        return db[name]
    except InvalidName:
        return _renamed(db[_PLACEHOLDER], name)


def _renamed(collection: Collection[dict[str, Any]], name: str) -> Collection[dict[str, Any]]:
    # Private attributes of pymongo: the resulting name is checked, so that another version cannot read another
    # collection.
    full = f"{collection.database.name}.{name}"
    collection._name, collection._full_name = name, full
    if (collection.name, collection.full_name) != (name, full):
        raise Unsupported(
            f"the installed pymongo cannot read a collection called {name!r}",
            hint=f"rename it in the source, or list the other entities in crossfade.toml (`entities`) without {name!r}",
        )
    return collection


__all__ = ["collection_of"]
