"""Count how many of the records that a run applied went to quarantine. Above the limit the records are not at fault."""

from __future__ import annotations

from collections import Counter

from crossfade.pipeline.accounts import QUARANTINED
from crossfade.pipeline.enough import StopAt
from crossfade.pipeline.noting import Applied


class Budget:
    def __init__(self, stop_at: StopAt) -> None:
        self._stop_at = stop_at
        self._seen, self._lost = Counter[str](), Counter[str]()

    def overdrawn(self, applied: Applied) -> str | None:
        """Add what was applied. Return a sentence if the limit is reached for an entity."""
        for (entity, outcome), count in applied.records.items():
            self._seen[entity] += count
            self._lost[entity] += count if outcome == QUARANTINED else 0
        for entity, lost in self._lost.items():
            if self._stop_at.reached(lost, self._seen[entity]):
                return self._said(entity, lost, applied)
        return None

    def _said(self, entity: str, lost: int, applied: Applied) -> str:
        reasons = Counter({reason: n for (of, reason), n in applied.reasons.items() if of == entity})
        most = f", most of the last for {reasons.most_common(1)[0][0]}" if reasons else ""
        return (
            f"{lost:,} of the {self._seen[entity]:,} records of {entity} that this run applied went to quarantine"
            f" ({lost / self._seen[entity]:.1%}; limits.stop_at is {self._stop_at.share:.1%}){most}"
        )
