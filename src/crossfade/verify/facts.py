"""What a report contains besides the verdict, as values. The caller of a verification collects them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from crossfade.verify.not_carried import Changed, LeftBehind


@dataclass(frozen=True, slots=True)
class Example:
    """A record in quarantine. `key` is the source's key; `document` is the record as shown, shortened if it is long."""

    id: str
    key: str | None
    detail: str
    document: str


@dataclass(frozen=True, slots=True)
class CauseShown:
    """Records in quarantine for one reason at one place, with some examples. `parent` is as in journal.causes."""

    entity: str
    reason: str
    place: str
    constraint: str | None
    parent: str | None
    count: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class MappingShown:
    """A mapping file: its SQL as it was applied, and the SHA-256 of the SQL."""

    table: str
    file: str
    digest: str
    sql: str


@dataclass(frozen=True)
class Facts:
    """URLs have their passwords hidden; `at` is when the verification ended.

    `versions` has product -> version; `quarantine` has entity -> reason -> open entries; `limit` is the number of
    differences that are named for each table. `digest` covers all mappings and discards; the journal has it, too.
    """

    move: str
    source: str
    target: str
    versions: Mapping[str, str] = field(default_factory=dict)
    quarantine: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    quarantine_limit: float = 0.0
    within_limit: bool = True
    readable: Callable[[str | None], str] = lambda key: key or "-"  # a record's key for people
    causes: Sequence[CauseShown] = ()
    left_behind: Sequence[LeftBehind] = ()
    changed: Sequence[Changed] = ()
    mappings: Sequence[MappingShown] = ()
    digest: str = ""
    limit: int = 100
    at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
