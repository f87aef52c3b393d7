"""The identity of a source: a resumed copy has to read from the source that it began with.

A source is identified by its entities (a collection's UUID, the content of a file) and by its place. A cloned database
has the same entities, but its documents soon differ, so a person has to confirm another place. With other entities it
is another source, which cannot be confirmed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class SourceIdentity:
    """`places` are the source's own names for its place; two sources with a common name are at the same place. `parts`
    has the identity of each entity and, after an "@", what may change without affecting it (a file's time).
    """

    database: str
    places: tuple[str, ...]
    parts: Mapping[str, str]

    def as_text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_text(text: str) -> SourceIdentity:
        found = json.loads(text)
        return SourceIdentity(found["database"], tuple(found["places"]), found["parts"])


@dataclass(frozen=True)
class Change:
    """How a source differs from an earlier one. `other`: entities with another identity; then it is another source.
    Otherwise `what` describes what has to be confirmed.
    """

    other: tuple[str, ...]
    what: str


def changed(
    then: SourceIdentity, now: SourceIdentity, entities: Collection[str], *, anew: Collection[str] = ()
) -> Change | None:
    """Return the changes of the source that concern these entities, or None.

    If the source is still at the same place, the identities of entities in `anew` are not compared: they are copied
    from the beginning.
    """
    free = anew if is_same_place(then, now) else ()
    known = [e for e in sorted(entities) if e in then.parts and e not in free]
    other = tuple(e for e in known if _what(then.parts[e]) != _what(now.parts.get(e, "")))
    if other:
        return Change(other, "")
    if then.database != now.database:
        return Change((), f"it is the database {now.database!r}, and was {then.database!r}")
    if not set(then.places) & set(now.places):
        return Change((), f"it is at {', '.join(now.places)}, and was at {', '.join(then.places)}")
    touched = [e for e in known if then.parts[e] != now.parts[e]]
    return Change((), f"{', '.join(touched)} was written since") if touched else None


def is_same_place(then: SourceIdentity, now: SourceIdentity) -> bool:
    """Return whether both are the same database at the same place, whatever it holds."""
    return then.database == now.database and bool(set(then.places) & set(now.places))


def _what(part: str) -> str:
    return part.partition("@")[0]
