"""The input and the result of a suggestion. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Refusal:
    """The database's error for a statement. `position` is the offset in it that the error points at, or None."""

    code: str
    message: str
    position: int | None = None
    detail: str = ""


@dataclass(frozen=True)
class Knowledge:
    """The context of the statement; all names in lower case without their schema."""

    later: Mapping[str, int] = field(default_factory=dict)
    """What the file creates further down, by name, with its line."""
    later_parts: Mapping[str, int] = field(default_factory=dict)
    """The same for triggers and rules, which may be called like the function that they run."""
    extensions: frozenset[str] = frozenset()
    """Extensions that the server could install."""
    types: frozenset[str] = frozenset()
    tables: Mapping[str, str] = field(default_factory=dict)
    """The CREATE TABLE statements of the file, by table."""


@dataclass(frozen=True)
class Suggestion:
    """`sql` replaces the statement: statements, "" if it is removed, None if there is no correction.

    `later` are statements for the end of the file.
    """

    reason: str
    sql: str | None = None
    hint: str | None = None
    later: tuple[str, ...] = ()


Suggester = Callable[[str, Refusal, Knowledge], Suggestion | None]
