"""What tells one source from another: a copy that goes on has to read from where it began.

A source is known by what its entities are (a collection's UUID, what a file holds), and by where it is. Of a database
that was cloned, the entities are the same and the documents soon are not, so another place has to be confirmed by a
person; other entities are another source, whatever anyone says.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class SourceIdentity:
    """`places` are the names that the source has for where it is: one of them in common is the same place. `parts` has
    for each entity what it is and, behind an "@", what may change without its becoming another (a file's time).
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
    """How a source differs from the one before. `other`: entities that are not what they were; then it is another
    source. Without them, `what` says what has to be confirmed.
    """

    other: tuple[str, ...]
    what: str


def changed(then: SourceIdentity, now: SourceIdentity, entities: Collection[str]) -> Change | None:
    """What has changed of the source, as far as these entities go; None where it is the same."""
    known = [e for e in sorted(entities) if e in then.parts]
    other = tuple(e for e in known if _what(then.parts[e]) != _what(now.parts.get(e, "")))
    if other:
        return Change(other, "")
    if then.database != now.database:
        return Change((), f"it is the database {now.database!r}, and was {then.database!r}")
    if not set(then.places) & set(now.places):
        return Change((), f"it is at {', '.join(now.places)}, and was at {', '.join(then.places)}")
    touched = [e for e in known if then.parts[e] != now.parts[e]]
    return Change((), f"{', '.join(touched)} was written since") if touched else None


def _what(part: str) -> str:
    return part.partition("@")[0]
