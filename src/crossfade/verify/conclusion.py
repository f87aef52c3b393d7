"""The verdict in words and figures, the same in `run`, in `verify` and in both reports.

There are four outcomes: the data is equal and complete; it is equal, but records are in quarantine; it is not proven,
because records are written too often to be compared; it is not equal.
The target's schema and the user's rules have their own sentences and do not affect the verdict on the data.
"""

from __future__ import annotations

from collections.abc import Iterator

from crossfade.model.counts import counted, percent
from crossfade.verify.verdict import AGAIN, COMPLETE, SET_ASIDE, UNSETTLED, Verdict

TITLES = {COMPLETE: "Equal and complete", SET_ASIDE: "Equal, but not complete", UNSETTLED: "Not proven"}


def title(verdict: Verdict) -> str:
    """Return the outcome in a few words."""
    return TITLES.get(verdict.outcome, "Not equal")


def sentence(verdict: Verdict) -> str:
    """Return the outcome for the data in one sentence."""
    total = verdict.counts
    if verdict.outcome == COMPLETE:
        left = f", {total.discarded:,} discarded with a reason" if total.discarded else ""
        return f"equal and complete: {counted(total.source, 'record')} in the source, {total.copied:,} copied{left}"
    if verdict.outcome == SET_ASIDE:
        share = percent(total.quarantined, total.source)
        return f"equal, but {counted(total.quarantined, 'record is', 'records are')} set aside in quarantine ({share})"
    return ("not proven: " if verdict.outcome == UNSETTLED else "not equal: ") + "; ".join(reasons(verdict))


def reasons(verdict: Verdict) -> list[str]:
    """Return why the data is not equal, each reason in a few words."""
    return list(_reasons(verdict))


def _reasons(verdict: Verdict) -> Iterator[str]:
    for entity in verdict.entities:
        if entity.remainders:
            yield torn(entity.entity)
    for name, why in verdict.not_read.items():
        yield not_read(name, why)
    if verdict.differences:
        yield counted(verdict.differences, "difference")
    if verdict.unsettled:
        yield f"{counted(verdict.unsettled, 'record is', 'records are')} written too often to be compared"
    if verdict.unread:
        yield f"the rows of {', '.join(verdict.unread)} could not be compared"
    for entity in verdict.entities:
        if entity.uncounted:
            yield unaccounted(entity.entity, entity.uncounted)
        elif not entity.balanced and not entity.remainders:
            yield f"the counts of {entity.entity} do not balance"
        if entity.disagreements:
            yield f"the counts of {entity.entity} in the journal differ"


def not_read(name: str, why: str) -> str:
    return f"{name} is in the source but is not read; the number of its records is unknown: {why}"


def torn(entity: str) -> str:
    return f"{entity} is torn in the source: an unknown number of its records cannot be read"


def unaccounted(entity: str, records: int) -> str:
    """`1 record of bookings is neither copied, quarantined nor discarded`"""
    which, verb = ("record", "is") if records == 1 else ("records", "are")
    return f"{records:,} {which} of {entity} {verb} neither copied, quarantined nor discarded"


def through(verdict: Verdict) -> list[str]:
    """Return up to where a followed source is proven; nothing if the source is not followed."""
    found = verdict.through
    if found is None:
        return []
    which = "that changed since the last verification" if found.kind == AGAIN else "that changed meanwhile"
    lines = [
        f"every write up to {found.at} (the source's {'time' if found.position.at else 'position'}) was compared;"
        f" {counted(found.compared, 'record')} {which}, in {counted(found.generations, 'generation')}"
    ]
    if verdict.moving:
        lines.append(
            f"{counted(verdict.moving, 'record')} changed again meanwhile, and is not part of this verdict"
            if verdict.moving == 1
            else f"{verdict.moving:,} records changed again meanwhile, and are not part of this verdict"
        )
    return lines


def apart(verdict: Verdict) -> list[str]:
    """Return what fails apart from the data: the target's schema, and the rules."""
    return list(_apart(verdict))


def _apart(verdict: Verdict) -> Iterator[str]:
    if not verdict.schema_holds:
        assert verdict.schema is not None
        found = counted(len(verdict.schema.faults), "difference")
        yield f"the target's schema is not the one that was created: {found}"
    if not verdict.rules_hold:
        failed = sum(1 for r in verdict.rules if r.error)
        broken = sum(1 for r in verdict.rules if r.total)
        parts = [f"{broken:,} of {counted(len(verdict.rules), 'rule')} broken"] if broken else []
        parts += [f"{counted(failed, 'rule')} failed to run"] if failed else []
        yield ", ".join(parts)
