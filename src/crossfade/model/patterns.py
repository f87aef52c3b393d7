"""Names of entities, or patterns as in a shell: `*` (anything), `?` (one character), `[abc]`."""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase


def is_pattern(text: str) -> bool:
    return any(sign in text for sign in "*?[")


def matching(text: str, names: Collection[str]) -> list[str]:
    """Return the matching names, sorted. If an entity has exactly this name, only that one matches.

    >>> matching("*.data", ["a.data", "b.meta"])
    ['a.data']
    """
    if text in names:
        return [text]
    return sorted(name for name in names if is_pattern(text) and fnmatchcase(name, text))
