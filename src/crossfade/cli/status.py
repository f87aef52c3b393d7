"""`crossfade status`: show the count equation of every entity, from the journal."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.screen import Screen, number
from crossfade.model.counts import counted
from crossfade.model.reasons import UNSEEN
from crossfade.model.rejection import WITHOUT_REMAINDER
from crossfade.move import Move
from crossfade.move.reports import torn
from crossfade.move.values import FINISHED, PREPARED, EntityStatus, FollowStatus, Rehearsal, Status

COUNTS = ("source", "copied", "quarantined", "discarded")

_VERDICTS = {
    "equal_and_complete": "equal and complete",
    "equal_but_quarantined": "equal, but records are set aside in quarantine",
    "not_proven": "not proven: records are written too often to be compared",
    "not_equal": "not equal",
    "not_equal_beyond_records": "not equal: rows that no record leads to, or a table that could not be read",
}
_VERDICTS_BACK = {
    "equal_and_complete": "the source has what the target has",
    "equal_but_quarantined": "equal, but the source cannot hold some records",
    "not_equal": "not equal",
}
WATCH = Annotated[bool, typer.Option("--watch", help="Show it again every two seconds, until Ctrl-C.")]
_EVERY = 2.0
_CLEAR = "\x1b[H\x1b[J"


@command("crossfade status --project examples/scribe-tree", stopped="nothing was changed")
def status(call: Invocation, watch: WATCH = False) -> Answer:
    """Show the progress of the move: source = copied + quarantined + discarded, for every entity.

    While the source is followed, also how far behind the target is, and what is still to be applied.

    Exit status 1 if the copy is not finished, if the counts do not balance, or if more records are in quarantine than
    the limit in crossfade.toml allows.
    """
    with call.move() as move:
        return status_answer(_watch(call, move) if watch else move.status())


def _watch(call: Invocation, move: Move) -> Status:
    """Print the status until Ctrl-C, with --json one document a line; return the last."""
    found = move.status()
    with suppress(KeyboardInterrupt), _silent_ctrl_c():
        while True:
            if call.options.json:
                sys.stdout.write(json.dumps(status_document(found)) + "\n")
            else:
                screen = Screen(sys.stdout, call.options.group)
                sys.stdout.write(_CLEAR if screen.terminal else "\n")
                draw_status(screen, status_document(found))
            sys.stdout.flush()
            time.sleep(_EVERY)
            found = move.status()
    return found


@contextmanager
def _silent_ctrl_c() -> Iterator[None]:
    """Suppress the message of Ctrl-C: there is no work that it could interrupt."""
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def status_answer(found: Status) -> Answer:
    document = status_document(found)
    return Answer(document, lambda screen: draw_status(screen, document), ok=found.ok)


def status_document(found: Status) -> dict[str, Any]:
    return {
        "ok": found.ok,
        "name": found.name,
        "source": found.source,
        "stage": found.stage,
        "started_at": found.started_at,
        "quarantine_limit": found.limit,
        "entities": [_entity(e, found.limit) for e in found.entities],
        "tables": dict(found.rows),
        "faults": list(found.faults),
        "notes": list(found.notes),
        "following": None if found.following is None else following_document(found.following),
        "cutover": {
            "stage": found.cutover.stage,
            "changed_at": found.cutover.changed_at or None,
            "cause": found.cutover.cause,
            "target_closed": found.target_is_closed,
        },
        "rehearsal": None if found.rehearsal is None else rehearsal_document(found.rehearsal),
        "daily": None
        if found.daily is None
        else {
            "day": found.daily.day,
            "outcome": found.daily.outcome,
            "said": found.daily.said,
            "green_days": found.green_days,
        },
    }


def rehearsal_document(found: Rehearsal) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "green": found.green,
        "began_at": found.began_at,
        "ended_at": found.ended_at,
        "closed_seconds": None if found.seconds is None else round(found.seconds, 3),
        "cause": found.cause,
    }


def following_document(found: FollowStatus) -> dict[str, Any]:
    proof = found.verified
    return {
        "state": found.state,
        "cause": found.cause,
        "running": found.running,
        "started_at": found.started_at,
        "position_at": _moment(found.position_at),
        "lag_ms": found.lag_ms,
        "lag_proven_at": found.proven_at,
        "overdue_ms": found.overdue_ms,
        "backlog_bytes": found.backlog,
        "throttled": found.throttled,
        "direction": found.direction,
        "set_aside": [
            {"entity": e, "reason": reason, "place": place, "records": n} for e, reason, place, n in found.set_aside
        ],
        "polled": found.polled,
        "last_pass": None if found.last_pass is None else asdict(found.last_pass),
        "moving": dict(sorted(found.moving.items())),
        "rows_named": dict(sorted(found.rows_named.items())),
        "halted": [{"entity": h.entity, "kind": h.kind, "cause": h.cause, "at": h.noted_at} for h in found.halted],
        "verified": None
        if proof is None
        else {
            "kind": proof.kind,
            "verdict": proof.verdict,
            "through": _moment(proof.position.at),
            "ended_at": proof.ended_at,
            "compared": proof.compared,
            "changed_since": found.changed_since,
        },
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _entity(entity: EntityStatus, limit: float) -> dict[str, Any]:
    return {
        "entity": entity.entity,
        **{name: getattr(entity.counts, name) for name in COUNTS},
        "balanced": entity.balanced,
        "over_limit": entity.quarantined_share > limit,
        "planned": entity.planned,
        "chunks": entity.chunks,
        "chunks_done": entity.chunks_done,
        "reasons": dict(sorted(entity.reasons.items())),
        "remainders": list(entity.remainders),
        "gone": entity.gone,
    }


def draw_status(screen: Screen, document: dict[str, Any], *, notes: bool = True) -> None:
    """Draw the table, and what keeps the move from being complete."""
    draw_torn(screen, document["entities"])
    rows = [
        (e["entity"], *(number(e[name]) for name in COUNTS), _balanced(e, document["stage"]))
        for e in document["entities"]
    ]
    screen.table(("entity", *COUNTS, "balanced"), rows, right=COUNTS)
    for entity in document["entities"]:
        for line in _remarks(entity, document["quarantine_limit"], followed=document.get("following") is not None):
            screen.line(line)
    following = document["following"]
    if following is not None and (following["direction"] == "back" or document["cutover"]["stage"] != "target"):
        draw_following(screen, document["following"])
    draw_cutover(screen, document["cutover"])
    _draw_trials(screen, document)
    for fault in document["faults"]:
        screen.line(fault, "bold red")
    for note in document["notes"] if notes else ():
        screen.line(note)
    if document["stage"] != FINISHED:
        said = "not started" if document["stage"] == PREPARED else f"not finished ({document['stage']})"
        at_work = following is not None and following["running"]
        screen.line(f"{said}: a run is at work" if at_work else f"{said}: {_next(document)}")


def _state(document: Mapping[str, Any]) -> str:
    if document["direction"] != "back":
        return str(document["state"])
    if document["state"] == "following":
        return "following the target, so that the source stays equal"
    return f"{document['state']}: the target is not followed, so the source does not stay equal"


def draw_following(screen: Screen, document: Mapping[str, Any]) -> None:
    """Draw how far behind the target is, what is to be applied, and what is halted."""
    again = "crossfade start --poll" if document["polled"] else "crossfade start"
    runs = "" if document["running"] else f" (no run is alive: {again} resumes)"
    back = document["direction"] == "back"
    screen.line(_state(document) + runs + (f": {document['cause']}" if document["cause"] else ""))
    if document["polled"]:
        _draw_pass(screen, document["last_pass"])
    if document["state"] == "lost":
        which = "this run" if document["running"] else "the next crossfade start"
        screen.line(f"what changed since is unknown: {which} compares everything")
    if document["position_at"]:
        screen.line(f"everything that changed until {document['position_at']} is in the journal")
    if document["lag_ms"] is not None:
        overdue = f"; nothing was proven for {document['overdue_ms'] / 1000:.0f} s" if document["overdue_ms"] else ""
        screen.line(f"proven to be {document['lag_ms'] / 1000:.2f} s behind at {document['lag_proven_at']}{overdue}")
    if document["backlog_bytes"]:
        side = "target" if back else "source"
        screen.line(f"the {side} retains {number(document['backlog_bytes'])} bytes for it")
    if document["throttled"]:
        screen.line(f"waiting for the source: {document['throttled']}")
    moving = ", ".join(f"{entity} {number(count)}" for entity, count in document["moving"].items())
    named = ", ".join(f"{counted(count, 'row')} of {table}" for table, count in document["rows_named"].items())
    screen.line(f"to be {'put back' if back else 'applied'}: {moving or ('nothing' if not named else 'not known yet')}")
    if named:
        screen.line(f"changed, and not looked at yet: {named}")
    if back:
        _draw_readiness(screen, document["set_aside"], is_all=not moving and not named)
    for one in document["halted"]:
        screen.line(f"{one['entity']} is no longer followed: {one['cause']}", "bold red")
        screen.line("Try: crossfade survey, crossfade check, then crossfade stop and crossfade start")
    if document["verified"] is not None:
        proof = document["verified"]
        screen.line(_proven(proof))
        if proof["changed_since"]:
            screen.line(f"changed since: {counted(proof['changed_since'], 'record')} (crossfade verify --again)")


def _proven(proof: Mapping[str, Any]) -> str:
    """Return the sentence on a verification. One of the way back says nothing of the records in quarantine."""
    back = proof["kind"].startswith("back")
    which = "what changed was" if proof["kind"].endswith("again") else "everything was"
    through = f", up to {proof['through']}" if proof["through"] else ""
    words = _VERDICTS_BACK if back else _VERDICTS
    way = " on the way back" if back else ""
    return f"{which} verified{way} at {proof['ended_at']}{through}: {words.get(proof['verdict'], proof['verdict'])}"


def _draw_readiness(screen: Screen, aside: Sequence[Mapping[str, Any]], *, is_all: bool) -> None:
    total = sum(one["records"] for one in aside)
    if not total:
        known = "every record" if is_all else "every record that was put back so far"
        screen.line(f"a rollback would lose nothing: the source can hold {known}")
        return
    screen.line(f"a rollback would lose {counted(total, 'record')} that the source cannot hold:", "bold yellow")
    for one in aside:
        place = f" ({one['place']})" if one["place"] else ""
        screen.line(f"  {counted(one['records'], 'record')} of {one['entity']}: {one['reason']}{place}")
    screen.line("  crossfade verify shows them; those that change are tried again")


def _next(document: Mapping[str, Any]) -> str:
    following = document["following"]
    if following is None:
        also = ", or crossfade start, which follows the source too"
        return "crossfade copy" + (also if document["stage"] == PREPARED else "")
    return "crossfade start --poll" if following["polled"] else "crossfade start"


def _draw_pass(screen: Screen, done: Mapping[str, Any] | None) -> None:
    if done is None:
        screen.line("no pass has ended yet: what changed during the copy is not in the target")
        return
    what = f"{counted(done['compared'], 'record')} compared, {number(done['repaired'])} repaired"
    screen.line(f"pass {number(done['number'])} took {done['seconds']:.1f} s: {what}")
    screen.line(f"the target has everything as of the pass that began at {done['began_at']}; no lag is proven")
    if done["left"]:
        screen.line(
            f"{counted(done['left'], 'row')} without a record in the source, or that cannot be removed", "yellow"
        )


_STAGES = {
    "fencing": "the source is being closed",
    "fenced": "the source is closed; the target is not open yet",
    "back": "the source is being opened again",
    "closing": "the target is being closed for a rollback",
    "closed": "the target is closed; the source is not open yet",
    "opening": "rolled back: the source is being opened",
    "target": "cut over: the target takes the application's writes, and the source is closed",
}


def draw_cutover(screen: Screen, document: Mapping[str, Any]) -> None:
    """Draw the stage of a cutover, if there was one."""
    if said := _STAGES.get(document["stage"]):
        screen.line(f"{said} (since {document['changed_at']})", "bold")
    if document["cause"]:
        screen.line(f"the last cutover was undone: {document['cause']}")
    if document["target_closed"]:
        screen.line("the target refuses the writes of applications until a cutover succeeds")


def _draw_trials(screen: Screen, document: Mapping[str, Any]) -> None:
    """Draw the last rehearsal of the cutover, and the row of green days."""
    if (last := document["rehearsal"]) is not None and document["cutover"]["stage"] == "source":
        screen.line(rehearsal_line(last), "" if last["green"] else "yellow")
    if (last := document["daily"]) is not None:
        days = counted(last["green_days"], "green day")
        screen.line(f"verify --daily on {last['day']}: {last['outcome']}; {days} in a row")


def rehearsal_line(document: Mapping[str, Any]) -> str:
    where = " on copies" if document["kind"] == "copies" else ""
    if document["ended_at"] is None:
        return (
            f"a rehearsal that began at {document['began_at']} has not ended: if it was killed, the target may be"
            " closed (crossfade rehearse undoes that)"
        )
    if not document["green"]:
        return f"the last rehearsal{where} ({document['ended_at']}) failed: {document['cause']}"
    return (
        f"rehearsed{where} at {document['ended_at']}: neither side takes writes for {document['closed_seconds']:.2f} s"
    )


def _balanced(entity: Mapping[str, Any], stage: str) -> str:
    if stage == PREPARED:
        return "not started"
    return "yes" if entity["balanced"] else "NO"


def draw_torn(screen: Screen, entities: Sequence[Mapping[str, Any]]) -> None:
    """Draw, at the top of the output, which parts of the source cannot be read."""
    for entity in entities:
        for detail in entity["remainders"]:
            screen.line(f"{torn(entity['entity'])}: {detail}", "bold red")
    if any(entity["remainders"] for entity in entities):
        screen.line(f"Try: {WITHOUT_REMAINDER}")


def _remarks(entity: dict[str, Any], limit: float, *, followed: bool) -> list[str]:
    name, lines = entity["entity"], []
    if entity["chunks_done"] < entity["chunks"]:
        done, chunks = number(entity["chunks_done"]), number(entity["chunks"])
        lines.append(f"{name}: {done} of {chunks} chunks are finished")
    if entity["over_limit"]:
        share = entity["quarantined"] / entity["source"]
        lines.append(f"{name}: {share:.2%} of its records are in quarantine; the limit is {limit:.2%}")
    if entity["reasons"]:
        lines.append(f"{name}: in quarantine: " + ", ".join(f"{r} x {n}" for r, n in entity["reasons"].items()))
    if entity["gone"]:
        are = "record is" if entity["gone"] == 1 else "records are"
        lines.append(f"{name}: {number(entity['gone'])} {are} no longer in the source, and in no count")
    if entity["reasons"].keys() & set(UNSEEN):
        by = "crossfade stop and crossfade start" if followed else "crossfade quarantine retry"
        lines.append(
            f"{name}: the survey had not seen what some of its records have: crossfade survey and crossfade check,"
            f" unless done since; then {by}"
        )
    return lines
