"""The values that the methods of a move return, for code that shows them."""

from __future__ import annotations

from crossfade.journal.causes import DISCARDED, MISSING, PARENTS, PRESENT, QUARANTINED, Cause, Selection, place_of
from crossfade.journal.cutover import StepRecord
from crossfade.journal.daily import FAILED, GREEN, RED, Daily, Outcome
from crossfade.journal.journal import FINISHED, PREPARED, Entry
from crossfade.journal.rehearsed import Rehearsal
from crossfade.journal.status import EntityStatus, FollowStatus, Status
from crossfade.mapping.lineage import Lineage
from crossfade.model.rejection import Rejection
from crossfade.move.cutting import CutOver, Ready
from crossfade.move.finishing import Finished
from crossfade.move.group_states import GroupState
from crossfade.move.preview import Preview
from crossfade.move.rehearsing import Rehearsed
from crossfade.move.repairing import Repaired
from crossfade.move.reset import Reset
from crossfade.move.rolling_back import ReadyBack, RolledBack
from crossfade.move.verifying_back import ProvenBack
from crossfade.pipeline.preview import Estimate, Previewed, Sample
from crossfade.shift.gates import Gate
from crossfade.shift.plan import Plan
from crossfade.stores.contract import EntityInfo
from crossfade.transform.transform import TableRows
from crossfade.verify.round_trip import Causes, Proven, Tried

__all__ = [
    "DISCARDED",
    "FAILED",
    "FINISHED",
    "GREEN",
    "MISSING",
    "PARENTS",
    "PREPARED",
    "PRESENT",
    "QUARANTINED",
    "RED",
    "Cause",
    "Causes",
    "CutOver",
    "Daily",
    "EntityInfo",
    "EntityStatus",
    "Entry",
    "Estimate",
    "Finished",
    "FollowStatus",
    "Gate",
    "GroupState",
    "Lineage",
    "Outcome",
    "Plan",
    "Preview",
    "Previewed",
    "Proven",
    "ProvenBack",
    "Ready",
    "ReadyBack",
    "Rehearsal",
    "Rehearsed",
    "Rejection",
    "Repaired",
    "Reset",
    "RolledBack",
    "Sample",
    "Selection",
    "Status",
    "StepRecord",
    "TableRows",
    "Tried",
    "place_of",
]
