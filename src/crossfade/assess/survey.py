"""The survey: a full scan of the source, never a sample, that returns the shape of every entity.

A small entity is one piece of work. With an executor, large entities are counted in ranges, and the counts are merged.
The result does not depend on how the work was divided (records/codec.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from crossfade.assess.map_rules import RulesOf, no_rules
from crossfade.errors import Misused, Refused
from crossfade.model.batch import Chunk
from crossfade.model.events import EntitySurveyed, Listener, RecordsScanned, ignore
from crossfade.model.map_rules import MapRules
from crossfade.model.patterns import is_pattern, matching
from crossfade.model.rejection import REMAINDER
from crossfade.model.shape import Shape
from crossfade.records.codec import Codec, Counter
from crossfade.runtime.again import again, again_from
from crossfade.runtime.executor import Executor
from crossfade.runtime.sent_once import Once
from crossfade.runtime.tasks import run_tasks
from crossfade.stores.contract import EntityInfo, Reader, Store, need

SEGMENT_BYTES = 256 * 1024 * 1024  # an entity larger than this is counted in ranges, where there is an executor
IN_FLIGHT = 16  # pieces of work submitted to the executor ahead


def survey(
    open_store: Callable[[], Store],
    entities: Iterable[EntityInfo],
    *,
    named: Collection[str] = (),
    rules: RulesOf = no_rules,
    executor: Executor | None = None,
    listener: Listener = ignore,
    segment_bytes: int = SEGMENT_BYTES,
    refused: dict[str, Refused] | None = None,
) -> list[Shape]:
    """Return the shapes of the entities that a move copies (or of those `named`), sorted by name.

    `open_store` opens the source; with an executor of processes it has to be picklable (functools.partial is). `rules`
    returns for an entity which of its objects are maps. If an entity has too many paths to be reviewed, its error is
    put into `refused` and the others are surveyed; without that dict the error is raised. Raises Misused if the source
    has no entity of a name, Unreachable if the source cannot be read.
    """
    scan = _Scan(open_store, choose(list(entities), named), rules, listener)
    shapes = list(scan.one_by_one(segment_bytes) if executor is None else scan.spread(executor, segment_bytes))
    if scan.refused and refused is None:
        raise next(iter(scan.refused.values()))
    if refused is not None:
        refused.update(scan.refused)
    return shapes


def choose(entities: Sequence[EntityInfo], named: Collection[str]) -> list[EntityInfo]:
    """Return the entities that are named or match a pattern, or those that are copied by default; sorted by name.

    A pattern matches only entities that are copied by default; a view or the like has to be named.
    """
    known = {info.name: info for info in entities}
    copied = [name for name, info in known.items() if info.copied]
    if not named:
        return [known[name] for name in sorted(copied)]
    chosen: set[str] = set()
    for text in named:
        found = [text] if text in known else matching(text, copied)
        if not found:
            what = "that matches " if is_pattern(text) else ""
            raise Misused(
                f"the source has no entity {what}{text!r}; nothing was read",
                hint=f"it has: {', '.join(sorted(known)) or 'no entities'}",
            )
        chosen |= {*found}
    return [known[name] for name in sorted(chosen)]


class _Scan:
    """The counts of some entities while they arrive. If an entity is refused, it is not counted any further."""

    def __init__(
        self, open_store: Callable[[], Store], chosen: list[EntityInfo], rules: RulesOf, tell: Listener
    ) -> None:
        self.open_store, self.chosen, self.rules, self.tell = open_store, chosen, rules, tell
        self.refused: dict[str, Refused] = {}
        self._counted: dict[str, Counter] = {}

    def one_by_one(self, segment_bytes: int) -> Iterator[Shape]:
        """Count in this process. Large entities are divided, so that a lost connection repeats only one piece."""
        for info in self.chosen:
            with self.open_store() as store:
                codec = _codec(store)
                for piece in _pieces(need(store.reader, store, "read records"), [info], segment_bytes, self.tell):
                    count = partial(_count_piece, self.open_store, piece, self.rules(info.name), self.tell)
                    self._take(again(count, self.tell))
            yield from self._finish(info, codec)

    def spread(self, executor: Executor, segment_bytes: int) -> Iterator[Shape]:
        """Submit pieces of work, and merge the results."""
        with self.open_store() as store:
            codec = _codec(store)
            pieces = _pieces(need(store.reader, store, "read records"), self.chosen, segment_bytes, self.tell)
            opener = Once(self.open_store)
            tasks = ((opener, piece, self.rules(_entity(piece))) for piece in pieces)
            run_tasks(executor, _count_piece_elsewhere, tasks, self._take_and_tell, IN_FLIGHT, self.tell)
        for info in self.chosen:
            yield from self._finish(info, codec)

    def _take(self, counts: Counts) -> None:
        entity, part = counts
        if entity in self.refused:
            return
        try:
            if isinstance(part, Refused):
                raise part
            mine = self._counted.setdefault(entity, part)
            if mine is not part:
                mine.merge(part)
        except Refused as refused:
            self._refuse(entity, refused)

    def _finish(self, info: EntityInfo, codec: Codec) -> Iterator[Shape]:
        """Yield the entity's shape, or nothing if it is refused."""
        if info.name in self.refused:
            return
        histogram = self._counted.pop(info.name, None) or codec.counter()
        try:
            shape = histogram.to_shape(info.name, entity_class=info.entity_class, plan=info.plan)
        except Refused as refused:
            self._refuse(info.name, refused)
            return
        if info.torn:
            shape = replace(shape, problems={**shape.problems, REMAINDER: 1})
        keys = {reason: tuple(seen.keys) for reason, seen in sorted(histogram.problems.items())}
        self.tell(EntitySurveyed(shape.entity, shape.count, shape.bytes, shape.problems, keys))
        yield shape

    def _take_and_tell(self, counts: Counts) -> None:
        self._take(counts)
        entity, part = counts
        if not isinstance(part, Refused):
            self.tell(RecordsScanned(entity, part.count, part.bytes))

    def _refuse(self, entity: str, refused: Refused) -> None:
        self._counted.pop(entity, None)
        self.refused[entity] = Refused(f"{entity}: {refused.message}", hint=refused.hint)


Counts = tuple[str, Counter | Refused]


def _count_piece_elsewhere(opener: Once[Callable[[], Store]], piece: str | Chunk, rules: MapRules) -> Counts:
    return _count_piece(opener.value, piece, rules)


def _count_piece(
    open_store: Callable[[], Store], piece: str | Chunk, rules: MapRules, tell: Listener = ignore
) -> Counts:
    """Count an entity in the order that is fastest for the store, or the documents of a range."""
    entity = _entity(piece)
    with open_store() as store:
        if store.surveyor is not None:
            counted = store.surveyor.counted(piece, rules)
            tell(RecordsScanned(entity, counted.count, counted.bytes))
            return entity, counted
        histogram = _codec(store).counter(rules)
        reader = need(store.reader, store, "read records")
        try:
            for batch in reader.raw(piece) if isinstance(piece, Chunk) else reader.scan(piece):
                before = histogram.count
                histogram.add(batch)
                tell(RecordsScanned(entity, histogram.count - before, len(batch)))
        except Refused as refused:
            return entity, refused
    return entity, histogram


def _codec(store: Store) -> Codec:
    return need(store.codec, store, "read records")


def _entity(piece: str | Chunk) -> str:
    return piece.entity if isinstance(piece, Chunk) else piece


def _pieces(reader: Reader, chosen: list[EntityInfo], segment_bytes: int, tell: Listener) -> Iterator[str | Chunk]:
    """Yield the entities that are scanned as a whole, and ranges of the large ones."""
    for info in chosen:
        if info.bytes <= segment_bytes:
            yield info.name
        else:
            try:
                yield from _ranges(reader, info.name, segment_bytes, tell)
            except Refused:  # it has no key: it can be counted, and discarded
                yield info.name


def _ranges(reader: Reader, entity: str, segment_bytes: int, tell: Listener) -> Iterator[str | Chunk]:
    """Yield the ranges of an entity, or its name if it has none because it is empty."""
    is_empty = True
    for chunk in again_from(partial(reader.chunks, entity, target_bytes=segment_bytes), tell):
        is_empty = False
        yield chunk
    if is_empty:
        yield entity
