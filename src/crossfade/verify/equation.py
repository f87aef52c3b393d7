"""The count equation of a source that is followed, at a position: without the records that are moving.

The accounts of all records are in files, as the first generation found them. For records that were listed later, the
account of their last comparison counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.counts import Counts
from crossfade.verify.listed import GONE
from crossfade.verify.not_copied import COPIED, DISCARDED, QUARANTINED
from crossfade.verify.spool import spooled


def resting(folder: Path, listed: Mapping[str, str], moving: Collection[str]) -> Counts:
    """Return the counts of the records of one entity that are not moving. `listed` has the later accounts by key."""
    counts = Counter(account for key, account in listed.items() if account != GONE and key not in moving)
    later = pa.array(sorted({*listed, *moving}), pa.string())
    for part in spooled(folder):
        same = part.filter(pc.invert(pc.is_in(part.column("key"), value_set=later))) if len(later) else part
        for one in pc.value_counts(same.column("account")).to_pylist():
            counts[one["values"]] += one["counts"]
    return Counts(counts.total(), counts[COPIED], counts[QUARANTINED], counts[DISCARDED])
