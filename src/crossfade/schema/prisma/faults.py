"""Collects every fault of a schema, so that one run reports them all."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

from crossfade.errors import Fault, SchemaFault
from crossfade.schema.prisma.syntax import FilePlace


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` most likely misspells, or None if none is close.

    The threshold is high on purpose: `UserStats` is not a misspelling of `User`, nor `AccountHistory` of
    `AccountSettings`; in a short word one letter weighs more.
    """
    folded: dict[str, str] = {}
    for name in known:
        folded.setdefault(name.lower(), name)
    close = get_close_matches(word.lower(), folded, n=1, cutoff=0.65 if len(word) < 5 else 0.75)
    if not close:
        return None
    same = sum(block.size for block in SequenceMatcher(a=word.lower(), b=close[0]).get_matching_blocks())
    differing = len(word) + len(close[0]) - 2 * same
    return folded[close[0]] if differing <= max(2, len(word) // 4) else None


class Faults:
    """The faults found so far, and the text in which they are found."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}
        self._found: dict[tuple[str, int, int, str], Fault] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def open(self, file: str, lines: list[str]) -> None:
        """Keep a file's lines, to show the statement with each fault."""
        self._lines[file] = lines

    def line(self, place: FilePlace) -> str:
        """Return the source line at a place, or "" if there is none."""
        lines = self._lines.get(place.file, [])
        return lines[place.line - 1] if 0 < place.line <= len(lines) else ""

    def add(self, place: FilePlace, reason: str, *, suggestion: str | None = None, hint: str | None = None) -> None:
        """Record one fault; the same fault at the same place counts once."""
        statement = self.line(place).strip()
        key = (place.file, place.line, place.column, reason)
        fault = Fault(place.file, place.line, place.column, reason, statement, suggestion, hint)
        self._found.setdefault(key, fault)

    def unknown(
        self, place: FilePlace, what: str, word: str, known: Iterable[str], hint: str | None = None, users: str = ""
    ) -> None:
        """Record an unknown word, with the nearest known one and the line corrected with it."""
        choices = sorted(set(known))
        close = nearest(word, choices)
        if close is None:
            listed = ", ".join(choices)
            fallback = f"use one of {listed}" if 0 < len(listed) < 300 else None
            self.add(place, f"{what} {word!r} is not known{users}", hint=hint or fallback)
            return
        suggestion = self.replaced(place, word, close)
        self.add(
            place, f"{what} {word!r} is not known{users}; the nearest is {close!r}", suggestion=suggestion, hint=hint
        )

    def replaced(self, place: FilePlace, old: str, new: str) -> str | None:
        """Return the source line with `old`, found at or after the place's column, replaced by `new`."""
        line = self.line(place)
        at = line.find(old, place.column - 1)
        return None if at < 0 else (line[:at] + new + line[at + len(old) :]).strip()

    def raise_any(self) -> None:
        """Raise SchemaFault with all faults in order of place, if there are any."""
        if self._found:
            ordered = sorted(self._found.values(), key=lambda f: (f.file, f.line, f.column))
            raise SchemaFault(ordered)
