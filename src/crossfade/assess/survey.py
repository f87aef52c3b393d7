"""The survey: a full scan of the source, never a sample, that gives the shape of every entity.

Small entities are one piece of work each; with an executor large ones are counted by the range and merged. The counts
are the same however the work was divided (documents/count.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from crossfade.documents.count import Histogram
from crossfade.errors import Misused
from crossfade.executor.tasks import run_tasks
from crossfade.model.batch import REMAINDER, Chunk
from crossfade.model.shape import Shape
from crossfade.stores.contract import EntityInfo, Reader, Store, need

SEGMENT_BYTES = 256 * 1024 * 1024  # an entity larger than this is counted in ranges, where there is an executor
IN_FLIGHT = 16  # pieces of work handed to the executor ahead


@dataclass(frozen=True, slots=True)
class Scanned:
    """Progress: `documents` more of `entity` (`bytes` long) have been counted."""

    entity: str
    documents: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Surveyed:
    """An entity has been scanned to its end."""

    shape: Shape
    problem_keys: dict[str, tuple[str, ...]]


Listener = Callable[[Scanned | Surveyed], None]


def survey(
    open_store: Callable[[], Store],
    entities: Iterable[EntityInfo],
    *,
    named: Collection[str] = (),
    executor: Executor | None = None,
    listener: Listener | None = None,
    segment_bytes: int = SEGMENT_BYTES,
) -> list[Shape]:
    """The shapes of the entities that a move copies (or of those `named`), sorted by name.

    `open_store` opens the source anew; with an executor of processes it has to be picklable (functools.partial is).
    Raises Misused where a name is not an entity's, Refused where an entity has no shape that could be reviewed,
    Unreachable where the source cannot be read.
    """
    chosen = choose(list(entities), named)
    tell = listener or _silent
    if executor is None:
        return [_one_after_another(open_store, info, tell) for info in chosen]
    return _spread(open_store, chosen, executor, tell, segment_bytes)


def choose(entities: Sequence[EntityInfo], named: Collection[str]) -> list[EntityInfo]:
    """Those named, or those that are copied unless told otherwise; sorted by name."""
    known = {info.name: info for info in entities}
    unknown = sorted(set(named) - set(known))
    if unknown:
        raise Misused(
            f"the source has no entity {unknown[0]!r}; nothing was read",
            hint=f"it has: {', '.join(sorted(known)) or 'none at all'}",
        )
    return [known[name] for name in sorted(known) if (name in named if named else known[name].copied)]


def count_entity(open_store: Callable[[], Store], entity: str, tell: Listener) -> Histogram:
    """Count every document of an entity, in whatever order the store finds fastest."""
    with open_store() as store:
        return _count(need(store.reader, store, "read documents").scan(entity), entity, tell)


def count_chunk(open_store: Callable[[], Store], chunk: Chunk) -> Histogram:
    """Count the documents of one range."""
    with open_store() as store:
        return _count(need(store.reader, store, "read documents").raw(chunk), chunk.entity, _silent)


def _count(batches: Iterable[bytes], entity: str, tell: Listener) -> Histogram:
    histogram = Histogram()
    for batch in batches:
        before = histogram.count
        histogram.add(batch)
        tell(Scanned(entity, histogram.count - before, len(batch)))
    return histogram


def _one_after_another(open_store: Callable[[], Store], info: EntityInfo, tell: Listener) -> Shape:
    return _finish(info, count_entity(open_store, info.name, tell), tell)


def _spread(
    open_store: Callable[[], Store], chosen: list[EntityInfo], executor: Executor, tell: Listener, segment_bytes: int
) -> list[Shape]:
    """Hand out pieces of work, and merge what comes back."""
    counted: dict[str, Histogram] = {info.name: Histogram() for info in chosen}

    def take(counts: tuple[str, Histogram]) -> None:
        entity, part = counts
        counted[entity].merge(part)
        tell(Scanned(entity, part.count, part.bytes))

    with open_store() as store:
        pieces = _pieces(need(store.reader, store, "read documents"), chosen, segment_bytes)
        run_tasks(executor, _count_piece, ((open_store, piece) for piece in pieces), take, ahead=IN_FLIGHT)
    return [_finish(info, counted[info.name], tell) for info in chosen]


def _count_piece(open_store: Callable[[], Store], piece: str | Chunk) -> tuple[str, Histogram]:
    if isinstance(piece, Chunk):
        return piece.entity, count_chunk(open_store, piece)
    return piece, count_entity(open_store, piece, _silent)


def _pieces(reader: Reader, chosen: list[EntityInfo], segment_bytes: int) -> Iterator[str | Chunk]:
    """Entities to be scanned as a whole, and ranges of the large ones."""
    for info in chosen:
        if info.bytes <= segment_bytes:
            yield info.name
        else:
            yield from reader.chunks(info.name, target_bytes=segment_bytes)


def _finish(info: EntityInfo, histogram: Histogram, tell: Listener) -> Shape:
    shape = histogram.to_shape(info.name, entity_class=info.entity_class, plan=info.plan)
    if info.torn:
        shape = replace(shape, problems={**shape.problems, REMAINDER: 1})
    tell(Surveyed(shape, {reason: tuple(seen.keys) for reason, seen in sorted(histogram.problems.items())}))
    return shape


def _silent(event: Scanned | Surveyed) -> None:
    """Nobody listens."""
