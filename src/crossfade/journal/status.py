"""The count equation, as the journal has it now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crossfade.journal.journal import FINISHED, LATER, PREPARED, ChunkRecord, MoveRecord, chunks, open_by_reason
from crossfade.model.counts import Counts
from crossfade.stores.contract import Loader


@dataclass(frozen=True)
class EntityStatus:
    """The count equation of one entity, with what its chunks say."""

    entity: str
    counts: Counts
    chunks: int
    chunks_done: int
    planned: int
    reasons: dict[str, int]
    begun: bool = True
    """Whether the copy has been planned: before that, nothing is nothing, and says nothing."""

    @property
    def done(self) -> bool:
        return self.begun and self.chunks == self.chunks_done

    @property
    def balanced(self) -> bool:
        return self.done and self.counts.balanced

    @property
    def quarantined_share(self) -> float:
        return self.counts.quarantined / self.counts.source if self.counts.source else 0.0


@dataclass(frozen=True)
class Status:
    name: str
    source: str
    stage: str
    started_at: str
    entities: tuple[EntityStatus, ...]
    rows: dict[str, int]
    """Target table -> rows that the copy wrote."""
    limit: float

    @property
    def ok(self) -> bool:
        """The copy is finished, every entity balanced, and none with more in quarantine than its limit."""
        return self.finished and self.within_limit and all(e.balanced for e in self.entities)

    @property
    def finished(self) -> bool:
        return self.stage == FINISHED

    @property
    def within_limit(self) -> bool:
        return all(e.quarantined_share <= self.limit for e in self.entities)


def status_of(tx: Loader, move: MoveRecord, entities: Iterable[str], limit: float) -> Status:
    """Of every entity that the plan knows, and of `entities`, which it may not know yet."""
    plan, reasons = chunks(tx), open_by_reason(tx)
    begun = move.stage != PREPARED
    rows: Counter[str] = Counter()
    for chunk in plan:
        rows.update(chunk.rows)
    return Status(
        name=move.name,
        source=move.source,
        stage=move.stage,
        started_at=move.started_at,
        entities=tuple(
            _entity_status(name, [c for c in plan if c.chunk.entity == name], reasons.get(name, {}), begun)
            for name in sorted({c.chunk.entity for c in plan} | set(entities))
        ),
        rows=dict(sorted(rows.items())),
        limit=limit,
    )


def _entity_status(name: str, chunks: Sequence[ChunkRecord], reasons: dict[str, int], begun: bool) -> EntityStatus:
    counts = sum((c.counts for c in chunks if c.counts is not None), Counts())
    own = [c for c in chunks if c.chunk.number != LATER]
    done = sum(1 for c in own if c.counts is not None)
    return EntityStatus(name, counts, len(own), done, sum(c.chunk.count for c in own), reasons, begun)
