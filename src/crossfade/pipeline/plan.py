"""Plan a copy: divide the keys of the source into chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from crossfade.journal import journal
from crossfade.model.batch import Chunk
from crossfade.model.events import Listener, ignore
from crossfade.runtime.again import again_from
from crossfade.stores.contract import Reader, Transaction


class KeyScan:
    """The chunks of entities, in order. They are cached, and can be requested again."""

    def __init__(self, reader: Reader, entities: Sequence[str], target_bytes: int, tell: Listener = ignore) -> None:
        self._reader, self.entities, self._target_bytes, self._tell = reader, entities, target_bytes, tell
        self._found: list[Chunk] = []
        self._rest = self._scan(entities)

    def go_on(self, wanted: Callable[[], bool]) -> None:
        """Scan from chunk to chunk, as long as it is `wanted`."""
        while wanted() and (chunk := next(self._rest, None)) is not None:
            self._found.append(chunk)

    def chunks(self, entities: Sequence[str]) -> Iterator[Chunk]:
        """Yield the chunks of some entities. If these are all entities, continue the scan that has begun."""
        if entities != self.entities:
            yield from self._scan(entities)
            return
        yield from self._found[:]
        for chunk in self._rest:
            self._found.append(chunk)
            yield chunk

    def _scan(self, entities: Sequence[str]) -> Iterator[Chunk]:
        for entity in entities:
            begin = partial(self._reader.chunks, entity, target_bytes=self._target_bytes)
            yield from again_from(begin, self._tell)


def plan(scan: KeyScan, transaction: Transaction) -> list[Chunk]:
    """Return the chunks that are not finished. The first call makes the plan and records it; later ones read it."""
    with transaction() as tx:
        journal.lock_move(tx)
        planned = {c.chunk.entity for c in journal.chunks(tx)}
        journal.plan_chunks(tx, scan.chunks([e for e in scan.entities if e not in planned]))
        pending = [c.chunk for c in journal.chunks(tx) if c.counts is None]
        if pending:
            journal.set_stage(tx, journal.COPYING)
    return pending
