"""Every error that Crossfade raises on purpose.

    CrossfadeError
     +-- Refused                 the request was refused because of the data or the state (exit status 1)
     |    +-- Uncovered          source paths without a mapping, remainder or discard
     |    +-- TooManyRefused     so many records of an entity were refused that the copy stopped
     |    +-- NotEmpty           the target holds something that does not belong to this move
     |    +-- Busy               another run is working in the target
     |    +-- Damaged            a dump was read, but it is damaged or is not a dump
     |    +-- Stale              the lock file or the schema is older than what it describes
     |    +-- SchemaFault        a schema file is not valid (carries every fault found)
     |    +-- MappingFault       a mapping file does not parse or bind (carries every fault found)
     |    +-- InvalidQuery       a rule is not a SELECT that the target can ever run
     +-- Misused                 wrong usage or configuration (exit status 2)
     |    +-- UnknownSetting
     |    +-- Unsupported        a store does not have the ability
     +-- Unreachable             a server or file could not be reached (exit status 3)

A message is a fact, the value, and what is true now, in lower case; `hint` is the next step and is shown
after "Try: ". The docstring of a class is its message if none is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar


class CrossfadeError(Exception):
    """something went wrong"""

    exit_status = 1
    passing = False
    """Whether the cause may be temporary (a lost connection): the same work may be tried again later."""

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        self.message = message or (self.__doc__ or "").strip()
        self.hint = hint
        super().__init__(self.message)


class Refused(CrossfadeError):
    """the request was refused"""


class Uncovered(Refused):
    """some source paths are neither mapped nor discarded; nothing was written

    `findings` are the faults that `crossfade check` reports.
    """

    def __init__(self, message: str | None = None, findings: Sequence[Any] = (), *, hint: str | None = None) -> None:
        self.findings = tuple(findings)
        super().__init__(message or (self.__doc__ or "").partition("\n")[0], hint=hint)


class TooManyRefused(Refused):
    """so many records of an entity were refused that the copy stopped"""


class NotEmpty(Refused):
    """the target is not empty; nothing was written"""


class Busy(Refused):
    """another run of crossfade is working in the target"""


class Damaged(Refused):
    """a dump is damaged"""


class Stale(Refused):
    """what was recorded no longer describes the database"""


@dataclass(frozen=True)
class Fault:
    """One fault of a file: its place, the statement, why it fails, and a correction.

    `line` and `column` count from 1; 0 means unknown. `suggestion` is the corrected statement, or None if there is
    none.
    """

    file: str
    line: int
    column: int
    reason: str
    statement: str = ""
    suggestion: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")
        parts = [f"{place}: {self.reason}"]
        if self.statement:
            parts.append(f"  statement: {self.statement.strip()}")
        if self.suggestion:
            parts.append(f"  corrected: {self.suggestion.strip()}")
        if self.hint:
            parts.append(f"  Try: {self.hint}")
        return "\n".join(parts)


class _Faults(Refused):
    """a file has faults"""

    def __init__(self, faults: list[Fault], message: str | None = None, *, hint: str | None = None) -> None:
        self.faults = tuple(faults)
        head = message or f"{len(faults)} fault{'s' if len(faults) != 1 else ''}; nothing was written"
        super().__init__("\n".join([head, *map(str, faults)]), hint=hint)


class SchemaFault(_Faults):
    """the target schema has faults"""


class MappingFault(_Faults):
    """a mapping has faults"""


class InvalidQuery(Refused):
    """a query is wrong whatever is created later: no SQL, not one SELECT, or a column that its table does not have"""


class Misused(CrossfadeError):
    """wrong usage or configuration"""

    exit_status = 2


class UnknownSetting(Misused):
    """a key that crossfade.toml does not have"""


class Unsupported(Misused):
    """this store does not have the ability"""


class Unreachable(CrossfadeError):
    """a server or file could not be reached"""

    exit_status = 3


Failed = TypeVar("Failed", bound=CrossfadeError)


def may_pass(error: Failed) -> Failed:
    """Return the error, marked as one whose cause may be temporary."""
    error.passing = True
    return error
