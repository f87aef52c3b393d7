"""Paths whose values reach the target only in part: through functions that keep less than their argument.

`left(x, 1)`, `lower(x)`, `max(x)`, `CAST(x AS DATE)`, a CASE that uses the value only in some records: usually
intended, so it is a note and not a fault. A `[[discard]]` of the path, with a reason, removes the note. Functions that
together read all of a value (the date of a BSON timestamp, and its counter) keep it whole.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from crossfade.mapping.coverage.covered import Covered, covered_by
from crossfade.mapping.coverage.kept import Kept, kept_by
from crossfade.mapping.coverage.uncovered import discarded, types_counted, uses_of
from crossfade.model.counts import counted
from crossfade.model.findings import Finding
from crossfade.model.program import LESS, WHOLE, Branch, Feed, Program, Use, carries
from crossfade.model.shape import Path, Shape, format_path
from crossfade.model.target import TargetSchema
from crossfade.model.type_stats import TypeStats
from crossfade.project import Discard

_TOGETHER = (
    frozenset({"timestamp_date", "timestamp_counter"}),
    frozenset({"regex_pattern", "regex_options"}),
    frozenset({"code_text", "code_scope"}),
)
"""Functions of which each reads a part of a value, and all of them the whole."""
_SPELLING = frozenset({"lower", "upper", "initcap", "trim", "ltrim", "rtrim", "replace", "translate"})
HINT = "map the whole value too, or [[discard]] the path with a reason"


@dataclass(frozen=True)
class PartialPath:
    """A path whose values are copied only in part: the columns hold what the functions `by` keep of its `types` (with
    their counts). `everything`: this applies to all types of the path.
    """

    entity: str
    path: Path
    types: Mapping[str, int]
    by: tuple[str, ...]
    columns: tuple[str, ...]
    everything: bool = True

    @property
    def place(self) -> str:
        return f"{self.entity}.{format_path(self.path)}"


def changed(program: Program, shapes: Mapping[str, Shape]) -> list[PartialPath]:
    """Return every path whose values the mappings change on purpose, with or without the reason in a discard."""
    feeds = sorted(program.feeds.items())
    return [
        part for entity, feed in feeds if feed.branches for part in _of_entity(shapes[entity], feed, (), program.files)
    ]


def partly_covered(
    program: Program, shapes: Mapping[str, Shape], target: TargetSchema, discards: Sequence[Discard]
) -> Iterator[Finding]:
    """Yield a note for each such path, without the paths below it."""
    for entity, feed in sorted(program.feeds.items()):
        of_entity = [d for d in discards if d.entity == entity]
        if feed.branches and not any(d.is_whole for d in of_entity):
            spelt = [replace(b, uses=tuple(_spelt(b, target))) for b in feed.branches]
            own = [d for d in of_entity if d.path is not None]
            told = {d.table for d in discards}
            for part in _of_entity(shapes[entity], replace(feed, branches=tuple(spelt)), own, told):
                node = shapes[entity].node(part.path)
                ids = (
                    node is not None and _is_text(part) and ("objectId" in node.types or _of_ids(node.types["string"]))
                )
                yield _other_ids(part) if ids else _note(part)


def _spelt(branch: Branch, target: TargetSchema) -> Iterator[Use]:
    """Yield the uses. One that only changes the spelling of a value for an enum counts as whole."""
    table = target.table(branch.table)
    columns = {c.name: c.type for c in table.columns} if table is not None else {}
    for use in branch.uses:
        column = columns.get(use.output)
        is_label = use.keeps == LESS and column is not None and column.kind == "enum"
        yield replace(use, keeps=WHOLE, by=()) if is_label and _SPELLING.issuperset(use.by) else use


def _of_entity(
    shape: Shape, feed: Feed, discards: Sequence[Discard], told: Collection[str | None]
) -> Iterator[PartialPath]:
    feed = replace(feed, branches=tuple(replace(b, uses=tuple(_completed(b.uses))) for b in feed.branches))
    some, whole = covered_by(uses_of(feed), shape.entity), kept_by(shape, feed, told, lambda u: u.keeps == WHOLE)
    skip: Path | None = None
    for path, node in shape.root.walk():
        if skip is not None and path[: len(skip)] == skip:
            continue
        types = {
            t: s.count
            for t, s in node.types.items()
            if t != "null" and _cut(path, t, some, whole) and not discarded(path, t, discards)
        }
        if types:
            yield _part(shape.entity, feed, path, types, everything=types.keys() == node.value_types)
            skip = path


def _completed(uses: Sequence[Use]) -> Iterator[Use]:
    """Yield the uses of a branch. Those of a value that it reads completely, in parts, count as whole."""
    parts: dict[Path, set[str]] = {}
    for use in uses:
        if carries(use) and use.keeps == LESS and len(use.by) == 1:
            parts.setdefault(use.path, set()).update(use.by)
    for use in uses:
        read = parts.get(use.path, set())
        is_part = carries(use) and any(read >= all_parts >= {*use.by} for all_parts in _TOGETHER)
        yield replace(use, keeps=WHOLE, by=()) if is_part else use


def _cut(path: Path, type_name: str, some: Covered, whole: Kept) -> bool:
    """Return whether the type is copied in part. Objects and arrays count only if they are used as a whole."""
    if some.in_rest(path):
        return not whole.rest and not some.covers(path, type_name)
    if whole.covers(path, type_name) or not some.covers(path, type_name):
        return False
    return type_name not in ("object", "array") or some.within_whole(path, type_name)


def _part(entity: str, feed: Feed, path: Path, types: Mapping[str, int], *, everything: bool) -> PartialPath:
    behind = [(b, u) for b in feed.branches for u in b.uses if u.entity == entity and _feeds(u, path, types)]
    by = tuple(dict.fromkeys(name for _, use in behind for name in use.by))
    return PartialPath(entity, path, types, by, tuple(sorted({f"{b.table}.{u.output}" for b, u in behind})), everything)


def _is_text(part: PartialPath) -> bool:
    return part.by == ("uuid_of",) and part.types.keys() == {"string"}


def _of_ids(text: TypeStats) -> bool:
    """Return whether the texts of a path look like ObjectIds: all have 24 characters, the least and greatest digits."""
    ends = (text.least or "", text.greatest or "")
    return (text.min_length, text.max_length) == (24, 24) and all(_DIGITS.fullmatch(end) for end in ends)


_DIGITS = re.compile(r'"[0-9a-fA-F]{24}"')


def _other_ids(part: PartialPath) -> Finding:
    """Return the note on references that are text where ObjectIds are meant: their UUIDs would not match."""
    (number,) = part.types.values()
    are, them, ids = ("is", "it", "another id") if number == 1 else ("are", "them", "other ids")
    which = "the ObjectId" if number == 1 else "the ObjectIds"
    columns = ", ".join(part.columns)
    unequal = f"uuid_of returns {ids} for {them} than for {which} in {columns}"
    message = f"{counted(number, 'reference')} {are} text: {unequal}"
    return Finding(
        "note", "in_part", part.place, message, "uuid_of(oid_of(...)) if the text is the 24 digits of an ObjectId"
    )


def _note(part: PartialPath) -> Finding:
    of = "" if part.everything else f" for {types_counted(part.types)}"
    message = f"only the result of {', '.join(part.by)}{of} reaches {', '.join(part.columns)}"
    return Finding("note", "in_part", part.place, message, HINT)


def _feeds(use: Use, path: Path, types: Mapping[str, int]) -> bool:
    if use.depth == "rest":
        return use.keeps == LESS and not use.looked_up
    if not carries(use) or use.keeps != LESS:
        return False
    return bool(use.types & types.keys()) if use.path == path else use.depth == "whole" and _above(use.path, path)


def _above(upper: Path, path: Path) -> bool:
    return path[: len(upper)] == upper
