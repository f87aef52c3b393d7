"""The count equation, as the journal has it now."""

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
    """The count equation of one entity, with what its chunks say."""

    entity: str
    counts: Counts
    chunks: int
    chunks_done: int
    planned: int
    reasons: dict[str, int]
    begun: bool = True
    """Whether the copy has been planned: before that, nothing is nothing, and says nothing."""
    remainders: tuple[str, ...] = ()
    """What of a torn source cannot be read: an unknown number of records, which no count holds."""
    gone: int = 0
    """Records that were read and copied, and found to be no longer in the source since. `counts` is without them."""

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
    """Target table -> rows that the copy wrote."""
    limit: float
    faults: tuple[str, ...] = ()
    """What the source holds now that is in no account, in a sentence each."""
    notes: tuple[str, ...] = ()
    """What else of the source is not copied, and why."""

    @property
    def ok(self) -> bool:
        """The copy is finished, every entity balanced, none with more in quarantine than its limit, and nothing else is
        in the source.
        """
        return self.finished and self.within_limit and all(e.balanced for e in self.entities) and not self.faults

    @property
    def finished(self) -> bool:
        return self.stage == FINISHED

    @property
    def within_limit(self) -> bool:
        """A remainder of unknown size is within no limit."""
        return all(e.quarantined_share <= self.limit and not e.remainders for e in self.entities)


def status_of(tx: TargetTransaction, move: MoveRecord, entities: Iterable[str], limit: float) -> Status:
    """Of every entity that the plan knows, and of `entities`, which it may not know yet."""
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
