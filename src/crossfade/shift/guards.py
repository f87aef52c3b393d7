"""Reasons in the data for which the application is taken back automatically. This only decides, from the status.

A guard is a gate that has to keep holding: it is checked again before each step of a cutover, and once a second
while the target is followed after it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from crossfade.journal.status import FollowStatus, Status
from crossfade.project import Guards
from crossfade.shift.gates import Gate, is_equal, lag_gate

FOLLOWING = ("copying", "following")


def guards(found: Status, settings: Guards) -> list[Gate]:
    """Return the guards that are set, whether they hold or not."""
    return [*_quarantine(found, settings), *_followed(found.following, settings)]


def are_set(settings: Guards) -> bool:
    """Return whether anything is watched."""
    watched = (settings.lag_s, settings.quarantine)
    return any(limit is not None for limit in watched) or settings.differences or settings.lost_feed


def _quarantine(found: Status, settings: Guards) -> Iterator[Gate]:
    if (limit := settings.quarantine) is None:
        return
    share, entity = max(_set_aside(found), default=(0.0, ""))
    figure = f"{share:.2%} of {entity}" if share else "none"
    yield Gate("guard: quarantine", figure, f"at most {limit:.2%}", share <= limit, "crossfade quarantine list")


def _set_aside(found: Status) -> Iterator[tuple[float, str]]:
    """Yield the share of each entity that is in quarantine; after a cutover, that the source cannot store."""
    if found.following is None or not found.following.is_back:
        yield from ((e.quarantined_share, e.entity) for e in found.entities)
        return
    aside = Counter[str]()
    for entity, _, _, records in found.following.set_aside:
        aside[entity] += records
    for e in found.entities:
        yield aside[e.entity] / max(1, e.counts.source), e.entity


def _followed(found: FollowStatus | None, settings: Guards) -> Iterator[Gate]:
    if settings.lag_s is not None:
        yield lag_gate("guard: lag", found, f"at most {settings.lag_s:g} s", settings.lag_s)
    if settings.differences:
        last = None if found is None else found.verified
        good = last is None or is_equal(last.verdict)
        figure = "none" if good else "the last verification found some"
        yield Gate("guard: differences", figure, "none", good, "crossfade verify")
    if settings.lost_feed:
        figure = _feed(found)
        yield Gate("guard: feed", figure, "following", figure == "following", "crossfade status")


def _feed(found: FollowStatus | None) -> str:
    if found is None or not found.running:
        return "no run is alive"
    if found.halted:
        return f"halted: {', '.join(one.entity for one in found.halted)}"
    return "following" if found.state in FOLLOWING else found.state


class BrokenFor:
    """How long something has been broken without interruption."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._since = seconds, 0.0
        self._is_broken = False

    def is_over(self, broken: bool, now: float) -> bool:
        """Note whether it is broken at `now` (monotonic). Return whether it has been broken for that long."""
        if broken and not self._is_broken:
            self._since = now
        self._is_broken = broken
        return broken and now - self._since >= self._seconds
