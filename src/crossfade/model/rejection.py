"""Why a record is rejected: one type for every reader, mapping and target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from crossfade.model.shape import Path, format_path

REMAINDER = "remainder"
"""The reason of a piece of a torn source that holds an unknown number of records: it is not counted as one."""
WITHOUT_REMAINDER = (
    "create the dump again, or truncate the file (a .gz: unpack it) where it is torn; then crossfade copy --restart"
)
"""The hint for a torn source."""

_LONGEST_PATH = 120  # characters of a path that a message shows


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rejected record, row or value. `reason` is one of docs/reference/errors.md.

    `row` is its position in the input: the records of a batch or the rows of a table. `table`, `column` and
    `constraint` are of the target; `path` is the formatted path in the record. A reader also returns the record itself:
    `raw`, and its `key` in the form of the codec, or None if the key could not be read. `row_key` is as in `Entry`.
    """

    row: int
    reason: str
    detail: str
    table: str | None = None
    column: str | None = None
    constraint: str | None = None
    path: str = ""
    key: str | None = None
    raw: bytes = b""
    row_key: str | None = None

    @property
    def said(self) -> str:
        """The detail, after the path if there is one."""
        return f"{_short(self.path)}: {self.detail}" if self.path else self.detail

    def at(self, row: int) -> Rejection:
        """Return the same for another record."""
        return replace(self, row=row)

    def of(self, key: str | None) -> Rejection:
        """Return the same with the record's key, without the record."""
        return replace(self, key=key, raw=b"")


class Rejected(Exception):
    """Raised where a value or a record is rejected: `reason` is one of docs/reference/errors.md, `path` is where in the
    record. A caller that knows the record catches it, and returns a Rejection.
    """

    def __init__(self, reason: str, detail: str, path: Path = ()) -> None:
        self.reason, self.detail, self.path = reason, detail, path
        super().__init__(detail)

    def at(self, row: int, **known: Any) -> Rejection:
        """Return the rejection of a row, with what else is known of it."""
        path = format_path(self.path) if self.path else ""
        return Rejection(row, self.reason, self.detail, path=path, **known)


def _short(path: str) -> str:
    """Leave out the middle of a path that is as long as a document is deep."""
    return path if len(path) <= _LONGEST_PATH else f"{path[: _LONGEST_PATH // 2]}…{path[-_LONGEST_PATH // 4 :]}"
