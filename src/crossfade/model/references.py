"""References from the rows of one table to those of another: declared ones, and those that only names suggest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """`columns` hold what `there` is in the table of the entity `to`. `orphans` counts the rows whose values, none of
    them NULL, are in no row there.
    """

    columns: tuple[str, ...]
    to: str
    there: tuple[str, ...]
    declared: bool = True
    orphans: int = 0

    def __str__(self) -> str:
        return f"{', '.join(self.columns)} -> {self.to} ({', '.join(self.there)})"


@dataclass(frozen=True, slots=True)
class Keyed:
    """A table with a key of one column, of this type; by it others may refer to the table."""

    entity: str
    table: str
    column: str
    type: str


def guessed(
    entity: str, columns: Mapping[str, str], tables: Sequence[Keyed], excluded: Iterable[str]
) -> Iterator[Reference]:
    """Yield what the names of columns (with their types) say: `artist_id` or `artistId` is the key of the table
    artist or artists, else of the one table that has a key of that name. `excluded` are the columns
    that declare what they refer to, or are a key.
    """
    for name in columns.keys() - {*excluded}:
        stem = _stem(name)
        named = [t for t in tables if t.table.lower() in _names(stem)] if stem else []
        found = named or [t for t in tables if stem and t.column.lower() == name.lower() and t.entity != entity]
        if len(found) == 1 and found[0].type == columns[name]:
            yield Reference((name,), found[0].entity, (found[0].column,), declared=False)


def _stem(name: str) -> str:
    """Return what a column is the id of: `artist` of artist_id, artistId, ArtistID; "" if it is none."""
    lower = name.lower()
    if lower.endswith("_id"):
        return lower[:-3]
    return lower[:-2] if name.endswith(("Id", "ID")) and len(name) > 2 else ""


def _names(stem: str) -> set[str]:
    return {stem, f"{stem}s", f"{stem}es", f"{stem[:-1]}ies" if stem.endswith("y") else stem}
