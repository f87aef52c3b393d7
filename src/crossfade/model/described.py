"""The schema that a database reports, as flat facts. schema/compare.py compares two descriptions fact by fact.

A description has everything that determines what the database does with a row, whether a mapping uses it or not. It is
based on what the server created, not on a schema file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter

OWNING = ("owner", "rights")
"""Facts about owners and privileges: a schema created in a scratch database has others."""


@dataclass(frozen=True, slots=True)
class Thing:
    """An object of a schema: a relation, a column, a constraint, a trigger, a function.

    `kind` and `name` (as the database prints it, with its schema) identify it; `of` is the relation that it is part of,
    or "". `facts` describe it in words that can be shown; the fact "is" is its common name.
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
        """The partitioned relation, if it is a partition, or ""."""
        return self.facts.get("partition of", "").partition(" FOR VALUES ")[0].removesuffix(" DEFAULT")

    @property
    def what(self) -> str:
        """The common name of its kind: a relation is a table, a view, ..."""
        return self.facts.get("is", self.kind)


FACTS = 2
"""Incremented when stores describe the same schema by other facts: recorded descriptions are then created again."""


def by(product: str) -> str:
    """Return what `Described.server` says of a product with its major version."""
    return f"{product}, facts {FACTS}"


@dataclass(frozen=True)
class Described:
    """A whole schema. `server` is the product with its major version, and the version of the facts (`by`): another
    version may print definitions differently.

    The columns of a table come in its order.
    """

    server: str
    things: tuple[Thing, ...]

    def joined(self, other: Described) -> Described:
        """Merge two descriptions. A thing in both is as in `other`, except for its owner and privileges."""
        found = {t.key: t for t in self.things}
        for thing in other.things:
            known = found.pop(thing.key, None)  # columns keep the order of `other`
            found[thing.key] = thing if known is None else thing.owned_as(known)
        return Described(other.server, tuple(found.values()))


def plain(name: str) -> str:
    """Return a printed name without quotes and default schema, as mapping files have it."""
    return unquoted(name).removeprefix("public.")


def unquoted(name: str) -> str:
    """Return a printed name without its quotes."""
    return name.replace('""', "\0").replace('"', "").replace("\0", '"')


_ADAPTER = TypeAdapter(Described)


def as_text(described: Described) -> str:
    return _ADAPTER.dump_json(described).decode()


def from_text(text: str) -> Described:
    return _ADAPTER.validate_json(text)
