"""docs/reference/json.md and documents of values that have everything in them: no run of the tests has all of that."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from bson import ObjectId
from test_json_documented import differences, documented

from crossfade.cli import finish, rollback
from crossfade.cli.cutover import gates_document
from crossfade.cli.invert import _described
from crossfade.cli.round_trip import tried
from crossfade.cli.status import rehearsal_document, status_document
from crossfade.journal.cutover import CutoverRecord, StepRecord
from crossfade.journal.daily import Daily
from crossfade.journal.halted import Halted
from crossfade.journal.passes import Pass
from crossfade.journal.rehearsed import Rehearsal
from crossfade.journal.status import EntityStatus, FollowStatus, Status
from crossfade.journal.verified import Proof
from crossfade.model.counts import Counts
from crossfade.model.positions import Position
from crossfade.model.rejection import Rejection
from crossfade.move.finishing import Finished
from crossfade.move.inverting import Inverted
from crossfade.move.records import Records
from crossfade.move.rolling_back import RolledBack
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.schema.compare import SchemaDifference
from crossfade.shift.gates import Gate
from crossfade.shift.plan import Plan
from crossfade.transform.put import NotPut
from crossfade.verify.facts import CauseShown, Example, Facts, MappingShown
from crossfade.verify.not_carried import Changed, LeftBehind
from crossfade.verify.not_copied import Altered, document_of
from crossfade.verify.report import as_json
from crossfade.verify.round_trip import Tried
from crossfade.verify.verdict import (
    Difference,
    EntityVerdict,
    RuleVerdict,
    SchemaVerdict,
    TableVerdict,
    Through,
    Verdict,
)

AT, TEXT = datetime(2026, 1, 31, tzinfo=UTC), "2026-01-31T00:00:00+00:00"
KEY = str(BSON.key(to_bson({"_id": ObjectId(24 * "0")})))
REHEARSAL = Rehearsal("1", "here", 1, False, "d", TEXT, TEXT, seconds=0.5, cause="it broke")
FOLLOWS = FollowStatus(
    state="paused",
    cause="too many",
    running=True,
    started_at=TEXT,
    position_at=AT,
    lag_ms=5,
    proven_at=TEXT,
    backlog=7,
    moving={"people": 1},
    halted=(Halted("people", "unseen", "a new path", TEXT),),
    verified=Proof("whole", Position("p", AT), TEXT, TEXT, "not_equal", 3),
    changed_since=2,
    throttled="a backup",
    last_pass=Pass(1, TEXT, 0.5, 3, 2, 1),
    set_aside=(("people", "too_large", "people.photo", 1),),
)
STATUS = Status(
    name="m",
    source="mongodb://h/d",
    stage="finished",
    started_at=TEXT,
    entities=(EntityStatus("people", Counts(3, 2, 1, 0), 1, 1, 3, {"check": 1}, remainders=("torn",), gone=1),),
    rows={"people": 2},
    limit=0.0,
    faults=("something is not copied",),
    notes=("something is left out",),
    following=FOLLOWS,
    cutover=CutoverRecord(cause="it took too long", changed_at=TEXT),
    target_is_closed=True,
    rehearsal=REHEARSAL,
    daily=Daily("2026-01-31", TEXT, "red", "not equal"),
)
VERDICT = Verdict(
    entities=(
        EntityVerdict(
            "people",
            Counts(3, 2, 0, 0),
            Counts(3, 3, 0, 0),
            1,
            (Rejection(0, "not_null", "NULL", "people", "name", "c", "name", KEY),),
            remainders=("torn",),
            altered=1,
            altered_records=(Altered(KEY, "quarantined", document_of(b"a"), document_of(b"b")),),
        ),
    ),
    tables=(
        TableVerdict(
            "people",
            3,
            {"changed": 1},
            {"age": 1},
            1,
            ("id",),
            ("created_at",),
            (Difference("changed", "people", "people", "1", KEY, "age", "40", "-1"),),
        ),
    ),
    rules=(RuleVerdict("ages", "nobody is younger", ("id",), (("1",),), 1, "it failed"),),
    schema=SchemaVerdict((SchemaDifference("changed", "table", "t", "t", "o", "f", "a", "b"),), 1, {"t": "w"}, ("n",)),
    not_read={"pets": "it is not read"},
    through=Through("whole", Position("p", AT), 3, 4, 1, 2),
    durations={"chunks": 0.1, "keys": 0.1, "rules": 0.1},
)
FACTS = Facts(
    move="m",
    source="mongodb://h/d",
    target="postgresql://h/d",
    at=AT,
    quarantine={"people": {"check": 1}},
    quarantine_limit=0.0,
    causes=(CauseShown("people", "check", "people", "c", "not_in_source", 1, (Example("1", KEY, "d", "{}"),)),),
    left_behind=(LeftBehind("path", "people.__v", "nobody reads it", 1, 2, 3),),
    changed=(Changed("people.email", 3, ("lower",), ("people.email",), "agreed"),),
    mappings=(MappingShown("people", "mapping/people.sql", "d", "SELECT 1"),),
    digest="d",
    limit=100,
    versions={"crossfade": "0.1.0"},
)


def test_a_status_with_everything() -> None:
    assert list(differences(documented()["status"], status_document(STATUS))) == []


def test_a_verification_with_everything() -> None:
    printed = as_json(VERDICT, FACTS)
    added = {"ok", "within_limit", "notes", "report_json", "report_html", "report_error"}
    page = {name: value for name, value in documented()["verify"].items() if name not in added}
    assert list(differences(page, printed)) == []


def test_a_rehearsal_with_everything() -> None:
    steps = [{"name": "marker", "seconds": 0.1, "outcome": "done"}]
    gates = gates_document([Gate("lag", "12 s", "10 s", False, "crossfade status")])
    printed = {"ok": False, **rehearsal_document(REHEARSAL), "gates": gates, "steps": steps}
    assert list(differences(documented()["rehearse"], printed)) == []


def test_a_rollback_and_an_end() -> None:
    steps = (StepRecord(1, 1, "marker", TEXT, TEXT, 0.1, "done"),)
    done = RolledBack("source", Plan((), "d"), steps, ("the webhook answered 500",))
    assert list(differences(documented()["rollback"], rollback._document(done))) == []
    ended = Finished(Path("evidence.jsonl"), 42, ("a slot",))
    assert list(differences(documented()["finish"], finish._document(ended))) == []


def test_laws_that_are_broken() -> None:
    found = Tried("people", 3, 3, broken=[(KEY, "it changes")], missing="it has no inverse")
    for causes in (found.alone, found.changes):
        causes.add(NotPut(0, "no_way_back", "the row has 'b'", "people", "name", "name"), KEY)
    printed = tried(Records(BSON), [found]).document
    assert list(differences(documented()["check --round-trip"], printed)) == []


def test_an_inverse_that_cannot_be_derived() -> None:
    found = Inverted("people", Path("people.sql"), "underived", "no table has a row for each record", ())
    page = documented()["invert"]["entities"][0]
    assert list(differences(page, _described(found))) == []
