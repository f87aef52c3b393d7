"""What a dump consists of: recognized from names and first bytes, before any document is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossfade.errors import Misused

FORMATS = ("bson", "archive", "json")


@dataclass(frozen=True)
class Origin:
    """One entity of a dump. `file` holds its documents in `form` (None: there are none, as for a view).

    `stated` is the plan of a thing that is not a collection ("" for collections), `metadata` what mongodump wrote about
    it. `unread`: it holds, or may hold, records that Crossfade does not read.
    """

    name: str
    form: str = "bson"
    file: Path | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    entity_class: str = "collection"
    stated: str = ""
    unread: bool = False


@dataclass(frozen=True)
class Layout:
    """A dump of one database. `product` says what wrote it, if known."""

    path: Path
    form: str
    db: str
    product: str
    origins: tuple[Origin, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """Return every file that holds documents."""
        return tuple(dict.fromkeys(origin.file for origin in self.origins if origin.file is not None))


# Databases of the server itself: they are listed, but never chosen.
SERVERS_OWN = ("admin", "config", "local")


def choose_db(found: Mapping[str, Any], wanted: str | None, shown: str, how: str) -> str:
    """Return the database to read. Raises `Misused` if it is ambiguous; `how` says how to name one."""
    if wanted is not None:
        if wanted not in found:
            raise Misused(f"{shown} has no database {wanted!r}; it has {', '.join(sorted(found)) or 'none'}")
        return wanted
    users = [name for name in found if name not in SERVERS_OWN] or list(found)
    if len(users) != 1:
        raise Misused(f"{shown} holds {len(users)} databases ({', '.join(sorted(users))}); a move takes one", hint=how)
    return users[0]


def class_of(name: str, metadata: Mapping[str, Any]) -> str:
    """Return the entity's class, from its name and what mongodump wrote about it."""
    options = metadata.get("options") or {}
    kind = metadata.get("type", "")
    if name.startswith("system."):
        return "system"
    if kind == "view" or "viewOn" in options:
        return "view"
    if kind == "timeseries" or "timeseries" in options:
        return "timeseries"
    if options.get("capped"):
        return "capped"
    if "clusteredIndex" in options:
        return "clustered"
    return "collection"
