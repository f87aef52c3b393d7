"""Is every (path, type) pair of the source taken up? Nothing is written while one is not.

A pair is covered when an output of a mapping whose root is the entity reads it (a path that only steers, in WHERE or
ON, carries nothing; nor does asking for its type or presence), when it lies in a remainder (`rest_of`), or when a
`[[discard]]` names it with a reason. A field of the root that only goes into rows made from the elements of an array
is not covered: a document whose array is empty makes no such row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from crossfade.mapping.program import Branch, Feed, Program, Use, carries
from crossfade.model.shape import ELEMENT, Path, Shape, format_path, parse_path
from crossfade.project import Discard


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `check` says. `severity` is "fault" (the answer is no) or "note".

    `kind` is a stable word; `place` is entity.path, table.column or a file.
    """

    severity: str
    kind: str
    place: str
    message: str
    hint: str | None = None


@dataclass(frozen=True)
class Taken:
    """What the mappings of one entity take up: places by value, places with all below them, arrays for their
    elements.
    """

    values: frozenset[Path]
    wholes: frozenset[Path]
    arrays: frozenset[Path]
    below: Mapping[Path, frozenset[str]]
    """Path -> "object" and/or "array": used places lie below it through fields, through elements."""
    rest: bool

    def covers(self, path: Path, bson_type: str) -> bool:
        if any(path[:n] in self.wholes for n in range(len(path) + 1)):
            return True
        below = self.below.get(path, frozenset())
        if bson_type == "object":
            return "object" in below
        if bson_type == "array":
            return "array" in below or path in self.values or path in self.arrays
        return path in self.values or (bson_type == "null" and (bool(below) or path in self.arrays))

    def in_rest(self, path: Path) -> bool:
        """Whether the path's top field is mentioned by no mapping: then the remainder holds it."""
        tops = {p[:1] for p in (*self.values, *self.wholes, *self.arrays, *self.below) if p}
        return self.rest and bool(path) and path[:1] not in tops


def taken(uses: Iterable[Use], entity: str) -> Taken:
    """What `uses` (of branches whose root is `entity`) take up of it."""
    places: dict[str, set[Path]] = {"value": set(), "whole": set(), "elements": set()}
    below: dict[Path, set[str]] = {}
    rest = False
    for use in uses:
        rest = rest or (use.depth == "rest" and not use.looked_up)
        if use.entity != entity or not carries(use):
            continue
        places[use.depth].add(use.path)
        for n in range(len(use.path)):
            below.setdefault(use.path[:n], set()).add("array" if use.path[n] == ELEMENT else "object")
    kinds = {path: frozenset(kinds) for path, kinds in below.items()}
    values, wholes, arrays = (frozenset(places[depth]) for depth in ("value", "whole", "elements"))
    return Taken(values, wholes, arrays, kinds, rest)


def uncovered(program: Program, shapes: Mapping[str, Shape], discards: Sequence[Discard]) -> Iterator[Finding]:
    """A fault for each pair that nobody takes up, biggest first in each entity."""
    for entity, shape in sorted(shapes.items()):
        if any(d.entity == entity and d.path is None and d.where is None for d in discards):
            continue
        feed = program.feeds.get(entity)
        if feed is None or not feed.branches:
            yield Finding(
                "fault", "unmapped_entity", entity, f"{shape.count} documents, and no mapping has it as its root",
                f'write a mapping FROM {entity}, or [[discard]] entity = "{entity}" with a reason',
            )  # fmt: skip
            continue
        uses = taken((u for b in feed.branches for u in b.uses), entity)
        own = [d for d in discards if d.entity == entity and d.path is not None]
        yield from _uncovered_pairs(shape, uses, own)
        yield from _lost_with_empty_arrays(shape, feed, uses, own)


def _uncovered_pairs(shape: Shape, uses: Taken, discards: Sequence[Discard]) -> Iterator[Finding]:
    skip: Path | None = None
    for path, node in shape.root.walk():
        if not path or (skip is not None and path[: len(skip)] == skip):
            continue
        open_types = {
            t: s.count
            for t, s in node.types.items()
            if not uses.covers(path, t) and not uses.in_rest(path) and not _discarded(path, t, discards)
        }
        if open_types:
            held = ", ".join(f"{t} x {n}" for t, n in sorted(open_types.items(), key=lambda i: -i[1]))
            place = f"{shape.entity}.{format_path(path)}"
            yield Finding("fault", "uncovered", place, f"nothing takes up {held}", _discard_hint(shape.entity, path))
            skip = path  # what lies below says nothing new


def _lost_with_empty_arrays(
    shape: Shape, feed: Feed, all_uses: Taken, discards: Sequence[Discard]
) -> Iterator[Finding]:
    """Values that go nowhere but into rows made from an array's elements, and are no part of these elements.

    Where every mapping of the root unnests, a document without a row is quarantined; beside a table of the root's own,
    nobody would notice.
    """
    if not any(b.one_row for b in feed.branches):
        return
    safe = taken((u for b in feed.branches for u in b.uses if _always_there(b, u)), shape.entity)
    for path, node in shape.root.walk():
        lost = [
            t
            for t in node.types
            if t not in ("null", "object", "array")
            and all_uses.covers(path, t)
            and not safe.covers(path, t)
            and not _discarded(path, t, discards)
        ]
        if lost:
            tables = {b.table for b in feed.branches for u in b.uses if carries(u) and path[: len(u.path)] == u.path}
            place = f"{shape.entity}.{format_path(path)}"
            message = (
                f"only rows of array elements carry it ({', '.join(sorted(tables))}): none are made of an empty array"
            )
            yield Finding(
                "fault", "uncovered", place, message, "carry it in a table of the root's own, or LEFT JOIN unnest(...)"
            )


def _always_there(branch: Branch, use: Use) -> bool:
    """Whether the branch makes a row wherever the place is: it lies in every array that the rows are made from."""
    return all(any(use.path[: len(e)] == e for e in elements) for elements in branch.unnested)


def _discarded(path: Path, bson_type: str, discards: Sequence[Discard]) -> bool:
    for discard in discards:
        assert discard.path is not None
        at = parse_path(discard.path)
        if path[: len(at)] == at and (not discard.types or len(path) > len(at) or bson_type in discard.types):
            return True
    return False


def _discard_hint(entity: str, path: Path) -> str:
    return f'map it, rest_of(...), or [[discard]] entity = "{entity}" path = "{format_path(path)}" with a reason'


def stale_discards(program: Program, shapes: Mapping[str, Shape], discards: Sequence[Discard]) -> Iterator[Finding]:
    """Discards that name what is not there: a misspelt one would hide that nothing is discarded."""
    for discard in discards:
        if discard.table is not None:
            if discard.table not in program.files:
                yield Finding("fault", "stale_discard", discard.table, "a discard names a table that has no mapping")
        elif discard.entity is None or discard.entity not in shapes:
            yield Finding(
                "note", "stale_discard", str(discard.entity), "a discard names an entity that the source has not"
            )
        elif discard.path is not None:
            yield from _stale_path(discard, shapes[discard.entity])


def _stale_path(discard: Discard, shape: Shape) -> Iterator[Finding]:
    place = f"{shape.entity}.{discard.path}"
    try:
        node = shape.node(parse_path(discard.path or ""))
    except ValueError as e:
        yield Finding("fault", "stale_discard", place, str(e), "write it as source.lock.json does")
        return
    if node is None:
        yield Finding("note", "stale_discard", place, "a discard names a path that the source has not")
