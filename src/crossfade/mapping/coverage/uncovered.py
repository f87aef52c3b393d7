"""Find the (path, type) pairs of the source that are not covered. Nothing is written while there is one.

A pair is covered if its value reaches an output of a mapping whose root is the entity, if it is in a remainder
(`rest_of`), or if a `[[discard]]` names it with a reason. A path that is used only in a condition (WHERE, ON, a
comparison, the condition of a CASE), or only for its type or presence, is not covered. Nor is a type that a CASE leaves
out, or a value that is used only in rows that not every record, or element, makes (kept.py).

A value that reaches its columns only through functions that keep less than their argument is covered, with a note.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from crossfade.mapping.coverage.covered import Covered, covered_by, holder
from crossfade.mapping.coverage.kept import Kept, kept_by
from crossfade.mapping.language.conversions import WITHOUT_A_TYPE, functions_for
from crossfade.model.counts import counted
from crossfade.model.findings import Finding
from crossfade.model.look_alikes import instead
from crossfade.model.names import choices
from crossfade.model.program import DECIDES, Branch, Draft, Feed, Program, Use, carries
from crossfade.model.quoting import identifier, toml_string
from crossfade.model.shape import Node, Path, Shape, format_path, parse_path
from crossfade.project import Discard


def uncovered(program: Program, shapes: Mapping[str, Shape], discards: Sequence[Discard]) -> Iterator[Finding]:
    """Yield a fault for each pair that is not covered."""
    for entity, shape in sorted(shapes.items()):
        discard = f"[[discard]] entity = {toml_string(entity)} with a reason"
        if any(d.entity == entity and d.is_whole for d in discards):
            continue
        feed = program.feeds.get(entity)
        if feed is None or not feed.branches:
            yield Finding(
                "fault", "unmapped_entity", entity,
                f"{counted(shape.count, shape.vocabulary.record)}, and no mapping has it as its root",
                f"write a mapping FROM {identifier(entity)}, or {discard}",
            )  # fmt: skip
            continue
        uses = covered_by(uses_of(feed), entity)
        own = [d for d in discards if d.entity == entity and d.path is not None]
        yield from _uncovered_pairs(shape, feed, uses, own)
        if any(isinstance(branch, Draft) for branch in feed.branches):
            continue  # it is unknown which rows it makes
        told = {d.table for d in discards}
        yield from _lost_without_a_row(shape, feed, uses, own, told)


def open_paths(shapes: Mapping[str, Shape], discards: Sequence[Discard]) -> Iterator[Finding]:
    """Yield a note for every path that holds values, for a project that has no mappings yet."""
    for entity, shape in sorted(shapes.items()):
        own = [d for d in discards if d.entity == entity and d.where is None]
        if any(d.path is None for d in own):
            continue
        for path, node in shape.root.walk():
            types = {
                t: s.count
                for t, s in node.types.items()
                if path and (t not in ("object", "array") or s.max_length == 0) and not discarded(path, t, own)
            }
            if types:
                missing = f", missing x {node.missing}" if node.missing else ""
                yield Finding("note", "open_path", f"{entity}.{format_path(path)}", types_counted(types) + missing)


def uses_of(feed: Feed) -> list[Use]:
    """Return the uses of all branches of a root."""
    return [u for b in feed.branches for u in b.uses]


def _uncovered_pairs(shape: Shape, feed: Feed, uses: Covered, discards: Sequence[Discard]) -> Iterator[Finding]:
    skip: Path | None = None
    for path, node in shape.root.walk():
        if not path or (skip is not None and path[: len(skip)] == skip):
            continue
        open_types = {
            t: s.count
            for t, s in node.types.items()
            if not uses.covers(path, t) and not uses.in_rest(path) and not discarded(path, t, discards)
        }
        if open_types:
            place = f"{shape.entity}.{format_path(path)}"
            message = f"not mapped: {types_counted(open_types)}{_but_reads(shape.entity, feed, path, uses)}"
            hint = _discard_hint(shape.entity, path, _some(node, open_types), open_types)
            yield Finding("fault", "uncovered", place, message, hint)
            skip = path  # the paths below would only repeat it
        elif node.is_map and not _has_keys(path, node, uses, discards):
            place, message = (
                f"{shape.entity}.{format_path(path)}",
                "only the values of the map are mapped, not its keys",
            )
            hint = f"the key of entries_of(...), or {_discard_hint(shape.entity, path)}"
            yield Finding("fault", "uncovered", place, message, hint)


def _has_keys(path: Path, node: Node, uses: Covered, discards: Sequence[Discard]) -> bool:
    """Return whether the keys of a map are covered: they are data too."""
    whole = path in uses.keys or uses.in_rest(path) or uses.within_whole(path, "object")
    return whole or all(discarded(path, t, discards) or uses.within_whole(path, t) for t in node.types)


def types_counted(types: Mapping[str, int]) -> str:
    """Return `3 ints, 1 string`, the most frequent first."""
    ordered = sorted(types.items(), key=lambda i: -i[1])
    return ", ".join(counted(n, t) if t.isalpha() else f"{n:,} {t}" for t, n in ordered)


def _but_reads(entity: str, feed: Feed, path: Path, uses: Covered) -> str:
    """Return how the mappings use a path that they do not copy, for the message."""
    own = [(b, u) for b in feed.branches for u in b.uses if u.entity == entity and not u.looked_up and u.path == path]
    if path in uses.values or path in uses.wholes:
        carried = names(f"{b.table}.{u.output}" for b, u in own if carries(u))
        return f": {carried} leaves it out"
    deciding = names(
        f"{b.table}.{u.output}" if u.output else b.table for b, u in own if u.keeps == DECIDES or not u.output
    )
    why = "".join(f": {by}" for by in dict.fromkeys(by for _, u in own if u.keeps == DECIDES for by in u.by))
    return f": used only in a condition in {deciding}{why}" if deciding else ""


def names(of: Iterable[str]) -> str:
    """Return the names, sorted and without duplicates."""
    return ", ".join(sorted(set(of)))


def _lost_without_a_row(
    shape: Shape, feed: Feed, all_uses: Covered, discards: Sequence[Discard], told: Collection[str | None]
) -> Iterator[Finding]:
    """Yield a fault for values that are used only in rows which not every record, or element, that has them makes: rows
    of an array's elements, and rows of what has another place (`WHERE x.other IS NOT NULL`).

    A record without a row of its own is quarantined. So a value of the root that all tables with such rows carry is
    safe. If another table has a row of the record, the loss would go unnoticed. `told` are the tables of which a
    discard says why they leave out rows.
    """
    kept = kept_by(shape, feed, told)
    in_arrays = kept_by(shape, feed, {b.table for b in feed.branches})
    for path, node in shape.root.walk():
        lost = [
            t
            for t in node.types
            if t not in ("null", "object", "array")
            and _loses(all_uses, kept, path, t)
            and not discarded(path, t, discards)
        ]
        if lost:
            why, hint = _without_its_array, "use LEFT JOIN unnest(...)"
            if not any(_loses(all_uses, in_arrays, path, t) for t in lost):
                why, hint = _without_another_place, "a [[discard]] of the table with a reason"
            place, rows = f"{shape.entity}.{format_path(path)}", _rows_with(feed, path, all_uses)
            hint = f"map it in a table of the root itself, or {hint}"
            yield Finding("fault", "uncovered", place, f"mapped only in rows {why(rows)}", hint)


def _loses(uses: Covered, kept: Kept, path: Path, type_name: str) -> bool:
    """Return whether a value is carried by all uses together, but not wherever it is."""
    if uses.in_rest(path):
        return not kept.rest
    return uses.covers(path, type_name) and not kept.covers(path, type_name)


def _rows_with(feed: Feed, path: Path, uses: Covered) -> list[Branch]:
    """Return the branches that carry the path."""

    def holds(use: Use) -> bool:
        if uses.in_rest(path):
            return use.depth == "rest"
        return carries(use) and path[: len(use.path)] == use.path

    return [b for b in feed.branches if any(map(holds, b.uses))]


def _without_its_array(rows: Sequence[Branch]) -> str:
    return f"of array elements ({names(b.table for b in rows)}): an empty array has no rows"


def _without_another_place(rows: Sequence[Branch]) -> str:
    others = names(format_path(one.paths[0]) for b in rows for one in b.present)
    return f"that have {others} ({names(b.table for b in rows)}): without it there is no row"


def discarded(path: Path, type_name: str, discards: Sequence[Discard]) -> bool:
    """Return whether one of these discards (of paths of the entity) names the pair."""
    for discard in discards:
        assert discard.path is not None
        try:
            at = parse_path(discard.path)
        except ValueError:
            continue  # `stale_discards` reports it
        if path[: len(at)] != at:
            continue
        discarded_type = holder(path[len(at)]) if len(path) > len(at) else type_name  # what holds a place below it
        if not discard.types or discarded_type in discard.types:
            return True
    return False


def _some(node: Node, open_types: Collection[str]) -> list[str]:
    """Return the open types of a place if others are mapped, so that a discard names only these; else none."""
    return [] if set(open_types) == set(node.types) else sorted(open_types)


def _discard_hint(entity: str, path: Path, types: Sequence[str] = (), open_types: Collection[str] = ()) -> str:
    at, name = toml_string(format_path(path)), toml_string(entity)
    only = f" types = [{', '.join(map(toml_string, types))}]" if types else ""
    by = functions_for(open_types) if not {*open_types} - WITHOUT_A_TYPE else None
    way = f"map it with {by}" if by else "map it"
    return f"{way}, rest_of(...), or [[discard]] entity = {name} path = {at}{only} with a reason"


def stale_discards(program: Program, shapes: Mapping[str, Shape], discards: Sequence[Discard]) -> Iterator[Finding]:
    """Yield a finding for each discard of something that does not exist, for example because it is misspelt."""
    for discard in discards:
        if discard.table is not None:
            if discard.table not in program.files:
                message = "a discard names a table that has no mapping"
                yield Finding("fault", "stale_discard", discard.table, message, choices(discard.table, program.files))
        elif discard.entity is None or discard.entity not in shapes:
            name, message = str(discard.entity), "a discard names an entity that the source does not have"
            said, alike = instead(name, shapes)
            hint = alike if said else choices(name, shapes)
            yield Finding("note", "stale_discard", name, message + said, hint)
        elif discard.path is not None:
            yield from _stale_path(discard, shapes[discard.entity])


def _stale_path(discard: Discard, shape: Shape) -> Iterator[Finding]:
    place = f"{shape.entity}.{discard.path}"
    try:
        path = parse_path(discard.path or "")
    except ValueError as e:
        yield Finding("fault", "stale_discard", place, str(e), "write it as in source.lock.json")
        return
    node = shape.node(path)
    above = next((path[:n] for n in range(len(path)) if (at := shape.node(path[:n])) is not None and at.is_map), None)
    if node is None and above is not None:
        name = format_path(above)
        yield Finding(
            "fault",
            "stale_discard",
            place,
            f"{shape.entity}.{name} is a map: all its values are one path, so one key cannot be discarded",
            f'discard {name}.{{}} and what is below it; or set [survey] objects = ["{shape.entity}.{name}"] in'
            " crossfade.toml, then crossfade survey",
        )
    elif node is None:
        known = [format_path(path) for path, _ in shape.root.walk() if path]
        message = "a discard names a path that the source does not have"
        said, alike = instead(discard.path or "", known)
        hint = alike if said else choices(discard.path or "", known)
        yield Finding("note", "stale_discard", place, message + said, hint)
    elif unknown := [name for name in discard.types if not shape.vocabulary.knows(name)]:
        message = f"{unknown[0]!r} is not a type of this source"
        yield Finding("fault", "stale_discard", place, message, choices(unknown[0], shape.vocabulary.types))
    elif unseen := sorted(set(discard.types) - node.types.keys()):
        seen = ", ".join(f"{kind} x {stats.count:,}" for kind, stats in sorted(node.types.items())) or "nothing"
        message = f"a discard names {', '.join(unseen)}, but the path never has {'them' if unseen[1:] else 'it'}"
        yield Finding("note", "stale_discard", place, message, f"it holds {seen}")
