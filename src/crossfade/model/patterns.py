"""Names of entities, or patterns of them as a shell has them: `*` (anything), `?` (one character), `[abc]`."""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase


def is_pattern(text: str) -> bool:
    return any(sign in text for sign in "*?[")


def matching(text: str, names: Collection[str]) -> list[str]:
    """The names that are meant, sorted. One that is really called so is meant itself, whatever its signs.

    >>> matching("*.data", ["a.data", "b.meta"])
    ['a.data']
    """
    if text in names:
        return [text]
    return sorted(name for name in names if is_pattern(text) and fnmatchcase(name, text))
