"""The count equation: every record of a source is in exactly one account."""

from __future__ import annotations

from dataclasses import dataclass


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return text such as `1 step`, `2,000 steps`, `3 regexes`. `plural` is for irregular nouns."""
    return f"{number:,} {noun if number == 1 else plural or _plural(noun)}"


def _plural(noun: str) -> str:
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in ("a", "e", "o", "u"):
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def percent(part: int, whole: int) -> str:
    """Return text such as `0.20 %`. It is 0 % or 100 % only if that is exact: `< 0.01 %`, `> 99.99 %`."""
    share = part / whole if whole else 0.0
    if 0 < share < 0.0001:
        return "< 0.01 %"
    return "> 99.99 %" if 0.9999 < share < 1 else f"{share:.2%}".replace("%", " %")


@dataclass(frozen=True, slots=True)
class Counts:
    """The accounts of the records of a chunk or an entity: `source = copied + quarantined + discarded`."""

    source: int = 0
    copied: int = 0
    quarantined: int = 0
    discarded: int = 0

    @property
    def balanced(self) -> bool:
        return self.source == self.copied + self.quarantined + self.discarded

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.source + other.source,
            self.copied + other.copied,
            self.quarantined + other.quarantined,
            self.discarded + other.discarded,
        )
