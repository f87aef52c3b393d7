"""The values that the methods of a move return, for code that shows them."""

from __future__ import annotations

from crossfade.journal.causes import DISCARDED, MISSING, PARENTS, PRESENT, QUARANTINED, Cause, Selection, place_of
from crossfade.journal.journal import FINISHED, PREPARED, Entry
from crossfade.journal.status import EntityStatus, Status
from crossfade.mapping.lineage import Lineage
from crossfade.model.rejection import Rejection
from crossfade.move.preview import Preview
from crossfade.move.repairing import Repaired
from crossfade.move.reset import Reset
from crossfade.pipeline.preview import Estimate, Previewed, Sample
from crossfade.stores.contract import EntityInfo
from crossfade.transform.transform import TableRows

__all__ = [
    "DISCARDED",
    "FINISHED",
    "MISSING",
    "PARENTS",
    "PREPARED",
    "PRESENT",
    "QUARANTINED",
    "Cause",
    "EntityInfo",
    "EntityStatus",
    "Entry",
    "Estimate",
    "Lineage",
    "Preview",
    "Previewed",
    "Rejection",
    "Repaired",
    "Reset",
    "Sample",
    "Selection",
    "Status",
    "TableRows",
    "place_of",
]
