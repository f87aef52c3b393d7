"""What is carried wherever it is: not only in rows that some records or elements do not make.

A row of an array's elements is missing where the array is empty, a row of `WHERE x.other IS NOT NULL` where the other
place is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from crossfade.mapping.coverage.covered import Covered, covered_by
from crossfade.model.program import Branch, Feed, Use
from crossfade.model.shape import ELEMENT, ENTRY, Path, Shape


@dataclass(frozen=True)
class Kept:
    """What some branch has a row for whatever the record holds, and what each branch has that makes a row of a record
    of its own: a record without such a row is quarantined.
    """

    always: Covered
    by_each: Sequence[Covered]

    @property
    def rest(self) -> bool:
        return self.always.rest or all(one.rest for one in self.by_each)

    def covers(self, path: Path, type_name: str) -> bool:
        return self.always.covers(path, type_name) or all(one.covers(path, type_name) for one in self.by_each)


def kept_by(
    shape: Shape, feed: Feed, told: Collection[str | None], counts: Callable[[Use], bool] = lambda use: True
) -> Kept:
    """Return what the uses that count keep. `told` are the tables of which a discard says why they leave out rows."""
    own = [b for b in feed.branches if b.one_row] or feed.branches

    def covered(branches: Sequence[Branch], *, own: bool) -> Covered:
        uses = (u for b in branches for u in b.uses if counts(u) and _has_row(b, u, b.table in told, own=own))
        return covered_by(uses, shape.entity)

    return Kept(covered(feed.branches, own=False), [covered([b], own=True) for b in own])


def _has_row(branch: Branch, use: Use, told: bool, *, own: bool) -> bool:
    """Return whether the branch has a row for every value: it is inside every array that is unnested, and every place
    whose presence is asked. `own`: for every value of the root in a record that has a row of the branch.
    """

    def inside(paths: Sequence[Path]) -> bool:
        return any(use.path[: len(path)] == path for path in paths)

    of_root = own and not {ELEMENT, ENTRY} & {*use.path}
    asked = () if told else branch.present
    return all(of_root or inside(elements) for elements in branch.unnested) and all(
        inside(one.paths) or (of_root and one.of_root) for one in asked
    )


__all__ = ["Kept", "kept_by"]
