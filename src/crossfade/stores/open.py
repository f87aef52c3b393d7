"""Open the store of a URL. The code and the driver of a database are imported only when its scheme is used."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from crossfade.errors import Misused, Unsupported
from crossfade.model.urls import hide_password
from crossfade.records.codec import Codec
from crossfade.stores.contract import Group, Store

SOURCES = ("mongodb://", "mongodb+srv://", "dump:", "postgresql://", "postgres://", "sqlite:///")
TARGETS = ("postgresql://", "postgres://", "postgresql+psycopg://", "sqlite:///", "mongodb://", "mongodb+srv://")
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9]*)(?:\+[A-Za-z0-9]+)?:")


def open_store(
    url: str, run: str = "", known: Sequence[str] = (*SOURCES, *TARGETS), snapshot: str = "", of: Group | None = None
) -> Store:
    """Return the store that `url` names. Its connections carry the name of `run`, if the database shows one.

    It reads the `snapshot` of another store of this URL, if given. With a group, its journal and its fence are those of
    that group; it has no fence if it cannot refuse the writes of some of its tables.

    Raises Misused for an unknown scheme, with the schemes in `known` as the hint.
    """
    store = _opened(url, run, known, snapshot, of)
    return store if of is None or store.traits.has_groups else replace(store, fence=None)


def _opened(url: str, run: str, known: Sequence[str], snapshot: str, of: Group | None) -> Store:
    found = _SCHEME.match(url)
    match found[1].lower() if found else "":
        case "mongodb":
            from crossfade.stores.mongodb.store import open_mongodb

            return open_mongodb(url, run)
        case "dump":
            from crossfade.stores.dump.store import open_dump

            return open_dump(url)
        case "postgresql" | "postgres":
            from crossfade.stores.postgresql.store import open_postgresql

            return open_postgresql(url, run, snapshot, of)
        case "sqlite":
            from crossfade.stores.sqlite.store import open_sqlite

            return open_sqlite(url)
        case "memory":
            from crossfade.stores.memory.store import open_memory

            return open_memory(url)
    raise Misused(f"no database is known for the URL {hide_password(url)!r}", hint=f"one of {', '.join(known)}")


def codec_of(url: str) -> Codec:
    """Return the codec of the source that `url` names, without opening it.

    A URL that is not known (yet) gets the codec of documents, and is refused when it is opened.
    """
    found = _SCHEME.match(url)
    match found[1].lower() if found else "":
        case "postgresql" | "postgres":
            from crossfade.records.rows.codec import ROWS

            return ROWS
        case "sqlite":
            from crossfade.records.rows.dynamic.codec import DYNAMIC

            return DYNAMIC
    from crossfade.records.bson.codec import BSON

    return BSON


def dialect_of_target(url: str) -> str:
    """Return the name of the dialect in which the schema of the target at `url` is written; it is not opened.

    If its URL is not known (yet), PostgreSQL is assumed.
    """
    found = _SCHEME.match(url)
    return found[1].lower() if found and found[1].lower() in ("sqlite", "mongodb", "memory") else "postgresql"


def anywhere(url: str) -> str:
    """Return a URL of the same store that does not depend on the current directory."""
    found = _SCHEME.match(url)
    if found and found[1].lower() == "dump":
        from crossfade.stores.dump.store import absolute

        return absolute(url)
    if found and found[1].lower() == "sqlite":
        from crossfade.stores.sqlite.connect import absolute as absolute_file

        return absolute_file(url)
    return url


def with_groups(store: Store, of: Group | None) -> Store:
    """Return the store. Close it and raise Unsupported if it is to hold one group of several and cannot."""
    if of is None or store.traits.has_groups:
        return store
    store.close()
    raise Unsupported(
        f"{store.scheme} cannot be the target of groups that are moved one by one ({store.url}); nothing was changed",
        hint="leave out [groups]: then everything is moved, and cut over, at once",
    )
