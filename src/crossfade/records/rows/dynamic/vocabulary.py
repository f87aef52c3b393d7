"""The storage classes of SQLite, and what a column that holds some of them arrives as."""

from __future__ import annotations

from collections.abc import Mapping

from crossfade.model.type_stats import TypeStats
from crossfade.model.vocabulary import Vocabulary

_KINDS = {"integer": "long", "real": "double", "text": "string", "blob": "binary"}


def kind_of(types: Mapping[str, TypeStats], declared: str = "") -> str:
    """Return the kind of a column. Integers and reals together are exact numbers, as columns declared DECIMAL hold
    them. Any other mixture is "mixed". A column without values whose declaration allows several types has no kind.
    """
    names = types.keys() - {"null"}
    if len(names) == 1:
        (only,) = names
        return _KINDS.get(only, only if only in ("object", "array") else "mixed")
    if not any(types[name].count for name in names):
        return "null"
    return "decimal" if names == {"integer", "real"} else "mixed"


SQLITE = Vocabulary("sqlite", kind_of, (*_KINDS, "null"), record="row")
