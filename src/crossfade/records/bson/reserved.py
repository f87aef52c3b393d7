"""Distinguish objects that look like a value in Extended JSON from that value.

An object `{"$oid": x}` and an ObjectId would have the same text. So such an object is written with an additional `$`
before each of its names: `{"$$oid": x}`, and an object `{"$$oid": x}` as `{"$$$oid": x}`. All other objects, including
DBRefs and stored queries, are unchanged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

Names = frozenset[frozenset[str]]

_WRITTEN = frozenset(
    frozenset(names.split())
    for names in (
        "$symbol", "$numberDouble", "$numberDecimal", "$binary", "$code", "$code $scope", "$timestamp",
        "$regularExpression", "$dbPointer", "$date", "$minKey", "$maxKey", "$undefined",
    )
)  # fmt: skip
PLAIN: Names = _WRITTEN
"""The names with which plain JSON writes values that JSON lacks."""
CANONICAL: Names = _WRITTEN | frozenset(
    frozenset(names.split()) for names in ("$oid", "$numberInt", "$numberLong", "$uuid", "$binary $type")
)
"""The names that canonical Extended JSON writes, and all others that are read as such a value."""


def like_a_value(names: Collection[str], values: Names) -> bool:
    """Return whether an object with these names could be read as a value, or as an escaped object."""
    if not 1 <= len(names) <= 2:
        return False
    bare = [_bare(name) for name in names]
    return None not in bare and len(set(bare)) == len(bare) and frozenset(bare) in values


def _bare(name: str) -> str | None:
    """Return the name with a single `$`, or None if it has none."""
    return "$" + name.lstrip("$") if name.startswith("$") else None


def are_escaped(names: Iterable[str]) -> bool:
    """Return whether these are the escaped names of an object that looks like a value."""
    names = list(names)
    return all(name.startswith("$$") for name in names) and like_a_value(names, CANONICAL)
