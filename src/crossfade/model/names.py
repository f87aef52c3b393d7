"""Names that SQL cannot confuse.

DuckDB resolves names case-insensitively and silently takes the first match, while MongoDB's field names are
case-sensitive, may be empty, and may contain anything except NUL. So these fields have a name in SQL that consists of
their name, "#" and the start of its SHA-256 (`a#ca97`, `A#559a`, `#e3b0`): fields of an object whose names differ only
in case or Unicode composition, fields with an empty name, and fields whose name contains "#". Fields whose names have
invisible characters (a byte order mark, zero-width spaces, marks of writing direction, control characters) have the
visible part of their name instead. All other fields keep their name.
"""

from __future__ import annotations

import difflib
import hashlib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence


def fold(name: str) -> str:
    """Return the name as an engine that ignores case and composition might see it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def engine_names(names: Iterable[str]) -> Mapping[str, str]:
    """Return a distinct engine name for each of the fields of an object.

    >>> sorted(engine_names(["a", "A", "b"]).items())
    [('A', 'A#559a'), ('a', 'a#ca97'), ('b', 'b')]
    """
    unique = sorted(set(names))
    folded = Counter(map(fold, unique))
    digits = 4
    while True:
        chosen = {n: _marked(n, digits) if _needs_mark(n, folded) else n for n in unique}
        if len(set(map(fold, chosen.values()))) == len(unique):
            return chosen
        digits += 4


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that are letters or marks by category, but invisible."""


def visible(name: str) -> str:
    """Return the visible part of a name, including plain spaces.

    >>> visible("\ufeffa\u200b b")
    'a b'
    """
    if name.isascii() and name.isprintable():
        return name
    return "".join(c for c in name if c == " " or not _is_unseen(c))


def _is_unseen(char: str) -> bool:
    is_selector = "\u180b" <= char <= "\u180f" or "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
    return is_selector or char in _FILLERS or unicodedata.category(char) in _UNSEEN


def _needs_mark(name: str, folded: Counter[str]) -> bool:
    return not name or "#" in name or folded[fold(name)] > 1 or visible(name) != name


def _marked(name: str, digits: int) -> str:
    return f"{visible(name)}#{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:digits]}"


def nearest(name: str, known: Iterable[str], write: Callable[[str], str] = str) -> str | None:
    """Return the most similar known name, or all of them if none is similar, as formatted by `write`."""
    known = list(known)
    near = _closest(name, known)
    if near is not None:
        return write(near)
    return f"one of {', '.join(map(write, sorted(known)[:SHOWN]))}" if known else None


def choices(name: str, known: Iterable[str]) -> str | None:
    """Return the most similar known name, and the others.

    >>> choices("chek", ["check", "unique"])
    'check (or unique)'
    """
    names = sorted(set(known))
    near = _closest(name, names)
    others = [n for n in names if n != near]
    more = ", ..." if len(others) > SHOWN else ""
    listed = ", ".join(others[:SHOWN]) + more
    if near is None:
        return f"one of {listed}" if listed else None
    return f"{near} (or {listed})" if listed else near


def similar(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that are similar: any of them may be meant.

    >>> similar("nmae", ["name", "names", "city"])
    ['name', 'names']
    """
    known = list(known)
    near = difflib.get_close_matches(name.lower(), {k.lower() for k in known}, n=SHOWN, cutoff=_CUTOFF)
    return [k for k in known if k.lower() in near]


SHOWN = 12
_CUTOFF = 0.5


def _closest(name: str, known: Sequence[str]) -> str | None:
    lowered = {k.lower(): k for k in reversed(known)}
    near = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=_CUTOFF)
    return lowered[near[0]] if near else None
