"""Objects that look as a value does in Extended JSON, and how our text tells them apart from it.

An object `{"$oid": x}` and an ObjectId would have one text. So such an object is written with one more `$` before each
of its names: `{"$$oid": x}`, and an object `{"$$oid": x}` as `{"$$$oid": x}`. All other objects, DBRefs and stored
queries among them, stay as they are.
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
"""What plain JSON writes for the values that JSON has no word for."""
CANONICAL: Names = _WRITTEN | frozenset(
    frozenset(names.split()) for names in ("$oid", "$numberInt", "$numberLong", "$uuid", "$binary $type")
)
"""What canonical Extended JSON writes, and whatever else is read as such a value."""


def like_a_value(names: Collection[str], values: Names) -> bool:
    """Whether an object of these names would be taken for a value, or for an object that was told apart from one."""
    if not 1 <= len(names) <= 2:
        return False
    bare = [_bare(name) for name in names]
    return None not in bare and len(set(bare)) == len(bare) and frozenset(bare) in values


def _bare(name: str) -> str | None:
    """With one `$`; None where it has none."""
    return "$" + name.lstrip("$") if name.startswith("$") else None


def told_apart(names: Iterable[str]) -> bool:
    """Whether these are the names that our text gives to an object that looks as a value does."""
    names = list(names)
    return all(name.startswith("$$") for name in names) and like_a_value(names, CANONICAL)
