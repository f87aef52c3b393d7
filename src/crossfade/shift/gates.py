"""What must hold before a cutover, and before the way back is closed, each with its figure and its limit. This only
decides; the figures are read elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase

from crossfade.errors import Refused
from crossfade.journal.daily import GREEN, Daily, green_days
from crossfade.journal.rehearsed import Rehearsal
from crossfade.journal.status import FollowStatus, Status
from crossfade.journal.verified import NO_BASE, Proof
from crossfade.project import Cutover, Finish, Shifting
from crossfade.stores.contract import Sessions


@dataclass(frozen=True, slots=True)
class Gate:
    """`figure` is what was found, `limit` what it must be. `hint` is what to do if it does not hold."""

    name: str
    figure: str
    limit: str
    holds: bool
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """`proof`: the last verification of everything, if it used the present mappings. `lacks`: why a store cannot be
    closed, by its role. `failed`: the commands that failed, each with how. `others`: who else has a session with the
    source. `free`: how many more sessions the target takes. None: the store has no sessions, or does not show them.
    `rehearsals`: those with the present mappings since the last that was not green. `no_way_back`: why there is none;
    None if none is required. `no_owner`: the tables whose new rows do not come back.
    """

    status: Status
    proof: Proof | None
    lacks: Mapping[str, Sequence[str]]
    failed: Mapping[str, str]
    now: datetime
    others: Sequence[Sessions] | None = None
    free: int | None = None
    rehearsals: Sequence[Rehearsal] = ()
    no_way_back: Sequence[str] | None = ()
    no_owner: Sequence[str] = ()


def gates(figures: Figures, settings: Cutover) -> list[Gate]:
    """Return all gates, whether they hold or not."""
    return [
        *following(figures.status.following, settings),
        _quarantine(figures.status),
        _balance(figures.status),
        *_filled(figures.status),
        *proof(figures, settings),
        *_rehearsals(figures, settings),
        *(fence_gate(role, lacks) for role, lacks in figures.lacks.items()),
        _way_back(figures.no_way_back),
        *_no_owner(figures.no_owner),
        others(figures.others, settings.writers),
        *free(figures.free, settings.free_sessions),
        *(command_gate(command, figures.failed.get(command)) for command in settings.before),
    ]


def _no_owner(tables: Sequence[str]) -> Iterator[Gate]:
    """Yield a gate that always holds, but that a person should see: such tables may prevent a rollback later."""
    if tables:
        yield Gate("tables whose new rows do not come back", ", ".join(tables), "any", True, "crossfade invert")


def gates_to_finish(
    proof: Proof | None, days: Sequence[Daily], settings: Finish, today: date, since: datetime | None = None
) -> list[Gate]:
    """Return the gates before the way back is closed. `proof` and `days` are the verifications, the newest last; those
    that ended before `since` do not count.
    """
    hint = "crossfade verify --daily"
    if since is not None:
        hint += ", while crossfade start follows the target; then crossfade stop"
        proof = proof if proof is not None and datetime.fromisoformat(proof.ended_at) > since else None
        days = [one for one in days if datetime.fromisoformat(one.ended_at) > since]
    ended = [(datetime.fromisoformat(proof.ended_at), is_equal(proof.verdict), proof.verdict)] if proof else []
    ended += [(datetime.fromisoformat(one.ended_at), one.outcome == GREEN, one.said) for one in days]
    _, green, said = max(ended, default=(None, False, "there is none"))
    found = [Gate("newest verification", "green" if green else said, "green", green, hint)]
    if settings.green_days:
        row = green_days(days, today)
        figure, limit = f"{row} in a row", f"at least {settings.green_days}"
        found.append(Gate("green days", figure, limit, row >= settings.green_days, hint))
    return found


def require(found: Sequence[Gate]) -> None:
    """Raise Refused with the gates that do not hold."""
    broken = [gate for gate in found if not gate.holds]
    if broken:
        lines = [f"{gate.name}: {gate.figure} (limit: {gate.limit})" for gate in broken]
        hints = {gate.name: gate.hint for gate in broken if gate.hint}
        hint = "; ".join(f"{said} ({name})" if len(hints) > 1 else said for name, said in hints.items()) or None
        raise Refused("\n  ".join(["these gates do not hold; nothing was changed", *lines]), hint=hint)


def _to_follow(found: FollowStatus | None) -> str:
    if found is not None and found.polled:
        return (
            "crossfade stop, then crossfade start --detach; without a feed, see cutover.md on sources that are polled"
        )
    return "crossfade status" if found is not None and found.running else "crossfade start --detach"


def following(found: FollowStatus | None, settings: Shifting) -> Iterator[Gate]:
    state = "not followed" if found is None else found.state if found.running else "no run is alive"
    good = found is not None and found.running and found.state == "following"
    yield Gate("follower", state, "following", good, _to_follow(found))
    if found is None:
        return
    yield lag_gate("lag", found, f"{settings.lag_s:g} s", settings.lag_s)
    halted = ", ".join(one.entity for one in found.halted) or "none"
    yield Gate("halted entities", halted, "none", not found.halted, "crossfade status says why")


def lag_gate(name: str, found: FollowStatus | None, limit: str, seconds: float) -> Gate:
    """Return the gate of the lag. If marks are overdue, the last lag that was proven says nothing of now."""
    lag = None if found is None or found.behind_ms is None else found.behind_ms / 1000
    overdue = found is not None and found.overdue_ms
    figure = "not proven" if lag is None else f"at least {lag:.0f} s" if overdue else f"{lag:.2f} s"
    return Gate(name, figure, limit, lag is not None and lag <= seconds, "crossfade status")


def _quarantine(found: Status) -> Gate:
    worst = max((e.quarantined_share for e in found.entities), default=0.0)
    records = sum(e.counts.quarantined for e in found.entities)
    figure = f"{records} records, at most {worst:.2%} of an entity"
    return Gate("quarantine", figure, f"{found.limit:.2%}", found.within_limit, "crossfade quarantine list")


def _filled(found: Status) -> Iterator[Gate]:
    """Yield a gate if something has no data: reading it fails."""
    if found.unfilled:
        yield Gate("without data", ", ".join(found.unfilled), "none", False, "crossfade status says why")


def _balance(found: Status) -> Gate:
    unbalanced = [e.entity for e in found.entities if not e.balanced]
    return Gate(
        "counts",
        f"not balanced: {', '.join(unbalanced)}" if unbalanced else "balanced",
        "balanced",
        not unbalanced,
        "crossfade status",
    )


def proof(figures: Figures, settings: Shifting) -> Iterator[Gate]:
    proof, hint = figures.proof, "crossfade verify"
    if proof is None:
        yield Gate(
            "proof",
            "no verification of everything in this direction yet",
            f"at most {settings.proof_h:g} h old",
            False,
            hint,
        )
        return
    hours = (figures.now - datetime.fromisoformat(proof.ended_at)).total_seconds() / 3600
    figure, young = f"{hours:.1f} h old", hours <= settings.proof_h
    yield Gate("proof", figure, f"at most {settings.proof_h:g} h old", young, hint)
    last = figures.status.following.verified if figures.status.following is not None else None
    equal = is_equal(proof.verdict) and (last is None or is_equal(last.verdict))
    yield Gate("open differences", "none" if equal else "the last verification found some", "none", equal, hint)


def is_equal(verdict: str) -> bool:
    """Return whether a recorded verification found no difference. Records that were written too often to be compared do
    not count as differences: the comparison under the fence includes them.
    """
    return verdict not in ("not_equal", NO_BASE)


REHEARSALS, LAST_REHEARSAL = "green rehearsals", "last green rehearsal"


def _rehearsals(figures: Figures, settings: Cutover) -> Iterator[Gate]:
    green, days, hint = figures.rehearsals, settings.rehearsed_days, "crossfade rehearse"
    if settings.rehearsals:
        enough = len(green) >= settings.rehearsals
        yield Gate(REHEARSALS, f"{len(green)} in a row", f"at least {settings.rehearsals}", enough, hint)
    if days is not None:
        ended = [datetime.fromisoformat(one.ended_at) for one in green if one.ended_at]
        age = (figures.now - max(ended)).total_seconds() / 86400 if ended else None
        figure = "none" if age is None else f"{age:.1f} days old"
        yield Gate(LAST_REHEARSAL, figure, f"at most {days:g} days old", age is not None and age <= days, hint)


def fence_gate(role: str, lacks: Sequence[str]) -> Gate:
    return Gate(f"fence of the {role}", "; ".join(lacks) or "can be closed", "can be closed", not lacks)


def _way_back(why: Sequence[str] | None) -> Gate:
    if why is None:
        return Gate("way back", "not required", "any (cutover.way_back)", True)
    hint = "way_back = false in [cutover]: then a cutover cannot be undone"
    return Gate("way back", f"no way back: {'; '.join(why)}" if why else "can be made", "can be made", not why, hint)


def others(
    found: Sequence[Sessions] | None, writers: Sequence[str], role: str = "source", setting: str = "cutover.writers"
) -> Gate:
    """Return the gate on sessions, because each may write. Without `writers` the gate only shows them. One that
    this login may not see counts as one of others.
    """
    unknown = [one for one in found or () if not _is_named(one, writers)]
    figure = "not shown" if found is None else ", ".join(map(str, unknown if writers else found)) or "none"
    limit = f"only {', '.join(writers)}" if writers else f"any ({setting})"
    holds = not writers or (found is not None and not unknown)
    return Gate(f"sessions of others with the {role}", figure, limit, holds, f"end them, or name them in {setting}")


def _is_named(one: Sessions, writers: Sequence[str]) -> bool:
    return any(fnmatchcase(name, wanted) for wanted in writers for name in (one.login, one.application) if name)


def free(found: int | None, least: int, role: str = "target") -> Iterator[Gate]:
    if found is not None:
        yield Gate(
            f"free sessions of the {role}", str(found), f"at least {least}", found >= least, "raise max_connections"
        )


def command_gate(command: str, failed: str | None, where: str = "it is in cutover.before") -> Gate:
    return Gate(f"command: {command}", failed or "succeeded", "succeeds", failed is None, where)
