"""The inverse of the mappings of an entity: SQL over the target's tables that rebuilds its records. Values only."""

from __future__ import annotations

from dataclasses import dataclass

PLACE = "#place"
"""The position, from 1, of the element of an array that made a row; a column of rows while records are rebuilt. NULL in
a row that no element of the old record made.
"""


@dataclass(frozen=True, slots=True)
class NoWayBack:
    """A column whose changes cannot come back, with the reason. `count`: how many values the survey saw at the places
    of the record that it is made of; None if it is made of none.

    `hint` says how an inverse written by hand could store it, if it could.
    """

    table: str
    column: str
    reason: str
    count: int | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class ChosenPlace:
    """A column that is made of one of several fields (coalesce, CASE): a new value comes back in `place`."""

    table: str
    column: str
    place: str
    others: tuple[str, ...]


@dataclass(frozen=True)
class Inverse:
    """`sql` is None if it cannot be derived; `why` says why. `tables` are the tables that the entity feeds, the owner
    table first; `no_way_back` and `chosen` are columns of them.
    """

    entity: str
    sql: str | None
    tables: tuple[str, ...]
    no_way_back: tuple[NoWayBack, ...] = ()
    why: str | None = None
    chosen: tuple[ChosenPlace, ...] = ()
