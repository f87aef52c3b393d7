"""What the application asks of a store. An answer may not depend on which one gives it.

Records are dictionaries with the names of the API: `id` and references are the 24 hex digits of an ObjectId, labels are
in lower case (`in-progress`), dates are UTC without a zone and have milliseconds, and what a record has not is None. A
user has `profile`, `stats` and `security` in it, as the old document has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

Record = dict[str, Any]
Kind = Literal["enrollments", "progress", "earned"]
T = TypeVar("T")


class Repository(Protocol):
    """The records, as one transaction sees them."""

    def user(self, user_id: str) -> Record | None: ...

    def user_with(self, field: Literal["username", "email"], value: str) -> Record | None: ...

    def add_user(self, user: Record) -> None: ...

    def change_user(self, user_id: str, values: Mapping[str, Any]) -> None:
        """Set values by their paths: `currentStreak`, `stats.totalPoints`."""

    def leaders(self, by: Literal["streak", "points"], limit: int) -> Sequence[Record]:
        """Return students, the best first: by their present streak (above 0), or by their points."""

    def modules(self) -> Sequence[Record]:
        """Return the modules that are active, by phase and order."""

    def contents(self, module_id: str) -> Sequence[Record]:
        """Return the contents of a module that are active, in their order."""

    def content(self, content_id: str) -> Record | None: ...

    def achievements(self) -> Sequence[Record]:
        """Return what can be earned: `id`, `slug`, `requirements` and `rewards`."""

    def of_user(self, kind: Kind, user_id: str) -> Sequence[Record]: ...

    def add(self, kind: Kind, record: Record) -> None: ...

    def change(self, kind: Kind, record_id: str, values: Mapping[str, Any]) -> None: ...


class Store(Protocol):
    """A database. It raises its driver's own errors; one that refuses writes is nothing else than that."""

    def read(self, work: Callable[[Repository], T]) -> T: ...

    def transaction(self, work: Callable[[Repository], T]) -> T:
        """Call `work`, once more if another transaction was in its way, and commit what it did."""
