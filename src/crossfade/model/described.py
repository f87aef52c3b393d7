"""What a database says that its schema is, as flat facts: schema/compare.py compares two descriptions fact by fact.

A description has everything that decides what the database does with a row, whether a mapping touches it or not: not
what a schema file says, but what the server made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter

OWNING = ("owner", "rights")
"""Facts about owners and privileges: a schema created in a scratch database has others."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One object of a schema: a relation, a column, a constraint, a trigger, a function.

    `kind` and `name` (as the database prints it, with its schema) name it; `of` is the relation that it is part of, or
    "". `facts` are what it is, in words that can be shown; the fact "is" says what people call it.
    """

    kind: str
    name: str
    of: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    def owned_as(self, known: Thing) -> Thing:
        facts = {fact: value for fact, value in self.facts.items() if fact not in OWNING}
        return replace(self, facts=facts | {fact: known.facts[fact] for fact in OWNING if fact in known.facts})

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.name

    @property
    def parent(self) -> str:
        """The relation of which it is a partition, or ""."""
        return self.facts.get("partition of", "").partition(" FOR VALUES ")[0].removesuffix(" DEFAULT")

    @property
    def what(self) -> str:
        """What people call it: a relation is a table, a view, ..."""
        return self.facts.get("is", self.kind)


FACTS = 2
"""Raised whenever stores describe the same schema by other facts: a description noted before is then created again."""


def by(product: str) -> str:
    """Return what `Described.server` says of a product with its major version."""
    return f"{product}, facts {FACTS}"


@dataclass(frozen=True)
class Described:
    """A whole schema. `server` is the product with its major version, and the version of our own facts (`by`): another
    one may print definitions otherwise.

    The columns of a table come in its order.
    """

    server: str
    things: tuple[Thing, ...]

    def joined(self, other: Described) -> Described:
        """Both together; where both have a thing, it is as in `other`, but for who owns it and has a right to it."""
        found = {t.key: t for t in self.things}
        for thing in other.things:
            known = found.pop(thing.key, None)  # columns keep the order of `other`
            found[thing.key] = thing if known is None else thing.owned_as(known)
        return Described(other.server, tuple(found.values()))


def plain(name: str) -> str:
    """A printed name without quotes and default schema, as mapping files have it."""
    return name.replace('""', "\0").replace('"', "").replace("\0", '"').removeprefix("public.")


_ADAPTER = TypeAdapter(Described)


def as_text(described: Described) -> str:
    return _ADAPTER.dump_json(described).decode()


def from_text(text: str) -> Described:
    return _ADAPTER.validate_json(text)
