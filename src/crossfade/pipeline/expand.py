"""Find the roots that a change of looked-up records concerns: those whose mapping reads them, now or when it last ran.

They are found in the source, by the field of the root that the lookup is joined by. For a lookup by key that is enough.
A lookup by another field (a comment that names its post) also needs the values that its records had: the journal has
them (journal/used.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from crossfade.journal import used
from crossfade.model.program import Lookup, Program
from crossfade.model.shape import Shape, format_path
from crossfade.runtime.records import pieces
from crossfade.runtime.session import Session


@dataclass(frozen=True)
class Trail:
    """The path from a lookup to its root: the lookup, and those through which it is joined."""

    root: str
    steps: tuple[Lookup, ...]


def trails(program: Program) -> dict[str, list[Trail]]:
    """Return entity -> the lookups that read it."""
    found: dict[str, list[Trail]] = {}
    for feed in program.feeds.values():
        for branch in feed.branches:
            by_alias = {lookup.alias: lookup for lookup in branch.lookups}
            for lookup in branch.lookups:
                trail = Trail(feed.entity, tuple(_steps(lookup, by_alias)))
                if all(_way(trail) != _way(other) for other in found.get(lookup.entity, ())):
                    found.setdefault(lookup.entity, []).append(trail)
    return found


def _steps(lookup: Lookup, by_alias: Mapping[str, Lookup]) -> Iterator[Lookup]:
    yield lookup
    while lookup.of:
        lookup = by_alias[lookup.of]
        yield lookup


def _way(trail: Trail) -> tuple[object, ...]:
    return trail.root, *((step.entity, step.path, step.of_path) for step in trail.steps)


def is_gathered(shapes: Mapping[str, Shape], lookup: Lookup) -> bool:
    """Return whether the lookup is joined by another field than the key of the looked-up entity."""
    return shapes[lookup.entity].key != (lookup.path,)


def before(s: Session, trail: Trail, keys: Collection[str]) -> set[str]:
    """Return the values by which these records were joined, from the journal."""
    first = trail.steps[0]
    if not is_gathered(s.work.shapes, first):
        return set()
    with s.transaction() as tx:
        return used.values(tx, first.entity, format_path(first.path), keys)


def roots(s: Session, trail: Trail, keys: Collection[str], values: Collection[str]) -> Iterator[list[str]]:
    """Yield the keys of the roots that these records concern, some at a time; `values` is what `before` returned.

    If the keys of the lookup are the value of an expression, these are all roots.
    """
    first = trail.steps[0]
    joined = set(values)
    if is_gathered(s.work.shapes, first):
        joined |= _values(s, first, s.codec.key_path, keys)
    else:
        joined |= set(keys)
    for step, following in zip(trail.steps, trail.steps[1:], strict=False):
        if step.of_path is None:
            break
        joined = _values(s, following, step.of_path, joined)
    if all(step.of_path is not None for step in trail.steps):
        last = trail.steps[-1].of_path
        assert last is not None
        for piece in pieces(sorted(joined)):
            for raw in s.reader.fetch(trail.root, last, piece):
                yield _keys(s, raw)
    else:
        for raw in s.reader.keys(trail.root):
            yield _keys(s, raw)


def _values(s: Session, lookup: Lookup, path: tuple[str, ...], asked: Collection[str]) -> set[str]:
    """Return the values by which records are joined that have one of the asked values at `path`."""
    found = set[str]()
    for piece in pieces(sorted(asked)):
        for reply in s.reader.fetch(lookup.entity, path, piece):
            for raw in s.codec.split(reply):
                value = s.codec.value_at(raw, lookup.path) if is_gathered(s.work.shapes, lookup) else s.codec.key(raw)
                if value is not None:
                    found.add(value)
    return found


def _keys(s: Session, reply: bytes) -> list[str]:
    return [key for raw in s.codec.split(reply) if (key := s.codec.key(raw)) is not None]
