"""Describe what has changed between two surveys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from crossfade.model.counts import counted
from crossfade.model.shape import Node, Path, Shape, TypeStats, format_path
from crossfade.model.type_stats import DISTINCT


def compare(old: Iterable[Shape], new: Iterable[Shape], there: Collection[str] = ()) -> list[str]:
    """Return one sentence for each difference, in the order of entities and paths.

    `there` are the entities that the source holds, surveyed or not.
    """
    before = {shape.entity: shape for shape in old}
    after = {shape.entity: shape for shape in new}
    found: list[str] = []
    for entity in sorted({*before, *after}):
        if entity not in after:
            found.append(f"{entity}: no longer {'surveyed' if entity in there else 'in the source'}")
        elif entity not in before:
            found.append(f"{entity}: not surveyed before ({_records(after[entity])})")
        else:
            found += _changes(before[entity], after[entity])
    return found


def _changes(old: Shape, new: Shape) -> Iterator[str]:
    entity = new.entity
    if old.entity_class != new.entity_class:
        yield f"{entity}: was a {old.entity_class}, is a {new.entity_class}"
    if old.count != new.count:
        yield f"{entity}: {_records(old)} before, {new.count} now"
    for reason in sorted({*old.problems, *new.problems}):
        if old.problems.get(reason, 0) != new.problems.get(reason, 0):
            yield f"{entity}: {reason}: {old.problems.get(reason, 0)} before, {new.problems.get(reason, 0)} now"
    yield from _reference_changes(old, new)
    before, after = dict(old.root.walk()), dict(new.root.walk())
    turned = {path for path in before.keys() & after.keys() if before[path].is_map != after[path].is_map}
    for path in sorted({*before, *after}):
        if any(path[:n] in turned for n in range(len(path))):
            continue  # when an object becomes a map, or the reverse, all paths below it have new names
        yield from _place_changes(f"{entity}: {format_path(path)}", path, before, after)
    if old.count == new.count and old.bytes != new.bytes and before == after:
        yield f"{entity}: {counted(old.bytes, 'byte')} before, {new.bytes:,} now"


def _reference_changes(old: Shape, new: Shape) -> Iterator[str]:
    before, after = ({str(one): one for one in shape.references} for shape in (old, new))
    for name in sorted({*before, *after}):
        if name not in before or name not in after:
            yield f"{new.entity}: {name}: {'no longer a reference' if name in before else 'a new reference'}"
        elif before[name].orphans != after[name].orphans:
            yield f"{new.entity}: {name}: {before[name].orphans:,} orphans before, {after[name].orphans:,} now"


def _place_changes(place: str, path: Path, before: dict[Path, Node], after: dict[Path, Node]) -> Iterator[str]:
    if path not in after:
        yield f"{place}: no longer there"
        return
    node = after[path]
    if path not in before:
        yield f"{place}: new, as {', '.join(sorted(node.types))}"
        return
    old = before[path]
    if old.missing != node.missing:
        yield f"{place}: missing in {old.missing} before, in {node.missing} now"
    if old.is_map != node.is_map:
        yield f"{place}: is {'a map' if node.is_map else 'not a map'} now"
    if old.engine != node.engine:
        yield f"{place}: its name in SQL was {old.engine!r}, and is {node.engine!r} now"
    for kind in sorted({*old.types, *node.types}):
        yield from _type_changes(f"{place}: {kind}", old, node, kind)


def _type_changes(place: str, old: Node, new: Node, kind: str) -> Iterator[str]:
    before, after = old.types.get(kind), new.types.get(kind)
    if after is None or before is None:
        yield (
            f"{place}: no longer seen" if after is None else f"{place}: a new type here, {counted(after.count, 'time')}"
        )
        return
    if before.count != after.count:
        yield f"{place}: {counted(before.count, 'time')} before, {after.count:,} now"
    if (before.least, before.greatest) != (after.least, after.greatest):
        yield f"{place}: from {before.least} to {before.greatest} before, from {after.least} to {after.greatest} now"
    lengths = (before.min_length, before.max_length), (after.min_length, after.max_length)
    if lengths[0] != lengths[1]:
        (a, b), (c, d) = lengths
        yield f"{place}: lengths {a} to {b} before, {c} to {d} now"
    yield from _value_changes(place, before, after)


def _value_changes(place: str, before: TypeStats, after: TypeStats) -> Iterator[str]:
    """Name the values that came and went where all are known; else say how many there were."""
    if before.values and after.values:
        for word, values in (("new", {*after.values} - {*before.values}), ("gone", {*before.values} - {*after.values})):
            if values:
                yield f"{place}: values that are {word}: {', '.join(sorted(values))}"
    elif before.distinct != after.distinct:
        yield f"{place}: {_distinct(before)} before, {_distinct(after)} now"


def _distinct(stats: TypeStats) -> str:
    return f"more than {DISTINCT:,} distinct values" if stats.distinct is None else f"{stats.distinct:,} distinct"


def _records(shape: Shape) -> str:
    return f"{shape.count} {shape.vocabulary.record}{'' if shape.count == 1 else 's'}"
