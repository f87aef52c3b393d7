"""The repair while the target is open: the run that follows it puts the records that differ back into the source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from crossfade.journal import dirty, looked_up, returned
from crossfade.journal.returned import Who
from crossfade.model.events import Listener
from crossfade.move import repairing, verifying_back
from crossfade.move.context import Context
from crossfade.move.repairing import Repaired
from crossfade.pipeline.noting import Applied
from crossfade.runtime.records import NO_KEY
from crossfade.runtime.way_back import WayBack

ASIDE = "set_aside"


def repair(
    context: Context, listen: Listener, *, dry_run: bool = False, keys: Mapping[str, Sequence[str]] | None = None
) -> Repaired:
    """Compare everything, unless keys are given, and let the run put back what differs. Raises Refused if no run
    follows the target.
    """
    with verifying_back.prepared(context, listen) as (way, follower):
        if keys is None:
            proof, differ = verifying_back.differing(context, way, follower, only_changed=False)
            compared = proof.compared
        else:
            differ = {(of, key) for of, named in keys.items() for key in repairing.meant(context, of, named)}
            compared = 0
        if dry_run:
            return Repaired(len(differ), Applied(), dry_run=True, compared=compared, back=True)
        _hand_over(way, differ)
        follower.drain()
        with context.transaction() as tx:
            aside = returned.which_aside(tx, differ)
    outcomes = Counter((who[0], ASIDE if who in aside else "applied") for who in differ)
    return Repaired(len(differ), Applied(records=outcomes), handed_over=True, compared=compared, back=True)


def _hand_over(way: WayBack, differ: Iterable[Who]) -> None:
    with way.transact() as tx:
        for entity, key in sorted(differ):
            if key.startswith(NO_KEY):
                looked_up.put(tx, *way.feed_key(entity, key))
            else:
                dirty.put(tx, entity, [key])
