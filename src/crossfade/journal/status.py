"""The current count equation of the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crossfade.journal.journal import (
    FINISHED,
    LATER,
    PREPARED,
    ChunkRecord,
    MoveRecord,
    chunks,
    open_by_reason,
    remainders,
)
from crossfade.model.counts import Counts
from crossfade.model.rejection import REMAINDER
from crossfade.stores.contract import TargetTransaction


@dataclass(frozen=True)
class EntityStatus:
    """The count equation of an entity, and the state of its chunks."""

    entity: str
    counts: Counts
    chunks: int
    chunks_done: int
    planned: int
    reasons: dict[str, int]
    begun: bool = True
    """Whether the copy has been planned. Before that the counts mean nothing."""
    remainders: tuple[str, ...] = ()
    """The unreadable rests of a torn source: an unknown number of records, which are in no count."""
    gone: int = 0
    """Records that were copied and later found to be no longer in the source. `counts` does not include them."""

    @property
    def done(self) -> bool:
        return self.begun and self.chunks == self.chunks_done

    @property
    def balanced(self) -> bool:
        return self.done and self.counts.balanced and not self.remainders

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
    """The number of rows that the copy wrote into each table."""
    limit: float
    faults: tuple[str, ...] = ()
    """Sentences on what the source holds now and no account includes."""
    notes: tuple[str, ...] = ()
    """Sentences on what else of the source is not copied, and why."""

    @property
    def ok(self) -> bool:
        """Whether the copy is finished, every entity is balanced and within its limit on quarantine, and the source
        holds nothing else.
        """
        return self.finished and self.within_limit and all(e.balanced for e in self.entities) and not self.faults

    @property
    def finished(self) -> bool:
        return self.stage == FINISHED

    @property
    def within_limit(self) -> bool:
        """Whether all entities are within the limit. A remainder of unknown size never is."""
        return all(e.quarantined_share <= self.limit and not e.remainders for e in self.entities)


def status_of(tx: TargetTransaction, move: MoveRecord, entities: Iterable[str], limit: float) -> Status:
    """Return the status of every planned entity, and of `entities`, which may not be planned yet."""
    plan, reasons = chunks(tx), open_by_reason(tx)
    torn = remainders(tx) if any(REMAINDER in counts for counts in reasons.values()) else {}
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
            _entity_status(
                name,
                [c for c in plan if c.chunk.entity == name],
                {r: n for r, n in reasons.get(name, {}).items() if r != REMAINDER},
                begun,
                torn.get(name, ()),
            )
            for name in sorted({c.chunk.entity for c in plan} | set(entities))
        ),
        rows=dict(sorted(rows.items())),
        limit=limit,
    )


def _entity_status(
    name: str, chunks: Sequence[ChunkRecord], reasons: dict[str, int], begun: bool, remainders: tuple[str, ...]
) -> EntityStatus:
    counts = sum((c.counts for c in chunks if c.counts is not None), Counts())
    own = [c for c in chunks if c.chunk.number != LATER]
    gone = sum(c.gone for c in chunks)
    done = sum(1 for c in own if c.counts is not None)
    return EntityStatus(name, counts, len(own), done, sum(c.chunk.count for c in own), reasons, begun, remainders, gone)
