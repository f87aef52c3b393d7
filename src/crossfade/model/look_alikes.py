"""Names that look the same on a screen and are not: letters of other alphabets, invisible characters, compositions.

A message that repeats such a name says nothing; it has to name the characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from difflib import SequenceMatcher

from crossfade.model.names import nearest, visible

_LATIN = str.maketrans(
    "АВСЕНІЈКМОРЅТХУаеіјоԛрсѕухһԁԝ" "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανικυρ" "ı‐‑‒–—―−‘’ʼ′",
    "ABCEHIJKMOPSTXYaeijoqpcsyxhdw" "ABEZHIKMNOPTYXoavikup" "i-------''''",
)  # fmt: skip
"""Letters of the Cyrillic and Greek alphabets, and signs, that look like ones of ASCII."""
_SHOWN = 3


def look_alike(name: str, known: Iterable[str]) -> str | None:
    """Return another known name that looks the same, or None.

    >>> look_alike("n\\u0430me", ["name", "Name"])
    'name'
    """
    looks = _looks(name)
    return next((one for one in known if one != name and _looks(one) == looks), None)


def _looks(name: str) -> str:
    return unicodedata.normalize("NFKC", visible(unicodedata.normalize("NFKC", name)).translate(_LATIN))


def in_characters(name: str, other: str) -> str:
    """Return which characters a name has in which it differs from another one that looks the same.

    >>> in_characters("n\\u0430me", "name")
    'U+0430 (CYRILLIC SMALL LETTER A) instead of U+0061 (LATIN SMALL LETTER A)'
    """
    steps = SequenceMatcher(None, name, other, autojunk=False).get_opcodes()
    found = [_difference(name[a:b], other[c:d]) for step, a, b, c, d in steps if step != "equal"]
    return "; ".join(found[:_SHOWN]) + ("; ..." if len(found) > _SHOWN else "")


def instead(name: str, known: Iterable[str], write: Callable[[str], str] = str) -> tuple[str, str | None]:
    """Return what to add to the message that a name is unknown, and the hint: the name that is meant."""
    known = list(known)
    alike = look_alike(name, known)
    if alike is None:
        return "", nearest(name, known, write)
    return f", but {alike!r}, which looks the same: it has {in_characters(alike, name)}", write(alike)


def _difference(own: str, others: str) -> str:
    if not own:
        return f"no {_named(others)}"
    return f"{_named(own)} instead of {_named(others)}" if others else f"{_named(own)} in addition"


def _named(text: str) -> str:
    return " ".join(f"U+{ord(c):04X} ({unicodedata.name(c, 'no name')})" for c in text)


__all__ = ["in_characters", "instead", "look_alike"]
