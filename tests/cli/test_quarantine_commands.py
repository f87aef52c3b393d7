"""Records in quarantine: list, show, retry, discard."""

from __future__ import annotations

import json

import bson
import pytest
from tinies import BOB, EVE, PEOPLE, Tiny

from crossfade.cli.record import hex_dump
from crossfade.move.records import Records
from crossfade.records.bson.codec import BSON


@pytest.fixture
def flawed(tiny: Tiny) -> Tiny:
    """Copied, with two records that do not fit: too old for the CHECK, and no name for the NOT NULL."""
    tiny.mongo.db.people.update_one({"_id": BOB}, {"$set": {"age": 900}})
    tiny.mongo.db.people.update_one({"_id": EVE}, {"$set": {"name": None}})
    ended = tiny("run", "--json")
    assert ended.status == 1, ended.err
    (people,) = ended.json["copy"]["entities"]
    assert (people["copied"], people["quarantined"], people["balanced"], people["over_limit"]) == (1, 2, True, True)
    return tiny


def _id_of(tiny: Tiny, reason: str) -> str:
    (entry,) = tiny("quarantine", "list", "--each", "--reason", reason, "--json").json["entries"]
    return str(entry["id"])


def test_list_is_by_cause(flawed: Tiny) -> None:
    ended = flawed("quarantine", "list")
    assert ended.status == 0
    assert "people: 1 record: not_null at people.name\n" in ended.out
    assert "people: 1 record: check at people (people_age_check)\n" in ended.out
    assert "2 records, 2 causes: check 1, not_null 1\n" in ended.out
    said = "nothing is in quarantine with this entity, reason and column; 2 with others\n"
    assert flawed("quarantine", "list", "--reason", "raised").out == said
    assert flawed("quarantine", "list", "--state", "discarded").out == "nothing is in quarantine\n"


@pytest.mark.parametrize(
    ("option", "word", "near"),
    [("--reason", "chek", "check"), ("--entity", "peeple", "people"), ("--column", "people.nmae", "people.name"),
     ("--table", "peopl", "people")],
)  # fmt: skip
def test_a_misspelt_selection_is_reported(flawed: Tiny, option: str, word: str, near: str) -> None:
    for what in (["list"], ["list", "--each"], ["retry"], ["discard", "--why", "x"]):
        ended = flawed("quarantine", *what, option, word)
        assert (ended.status, ended.out) == (2, ""), what
        assert f"Try: {near}" in ended.err
    assert flawed("quarantine", "list", "--json").json["records"] == 2


def test_list_each_streams_what_the_causes_count(flawed: Tiny) -> None:
    listed = flawed("quarantine", "list", "--each", "--json").json
    assert (listed["records"], listed["counts"]) == (2, {"check": 1, "not_null": 1})
    assert sorted(e["reason"] for e in listed["entries"]) == ["check", "not_null"]
    examples = [e for c in listed["causes"] for e in c["examples"]]
    assert sorted(examples, key=lambda e: str(e["id"])) == sorted(listed["entries"], key=lambda e: str(e["id"]))
    assert flawed("quarantine", "list", "--json").json["entries"] is None
    assert flawed("quarantine", "list", "--each", "--json", "--reason", "broken").json["entries"] == []
    plain = flawed("quarantine", "list", "--each")
    assert plain.out.startswith("id  ")
    assert all(e["id"] in plain.out for e in listed["entries"])


def test_retry_and_discard_by_selection(flawed: Tiny) -> None:
    flawed.mongo.db.people.update_one({"_id": BOB}, {"$set": {"age": 90}})
    tried = flawed("quarantine", "retry", "--entity", "people", "--reason", "check", "--json")
    assert (tried.status, tried.json["counts"]) == (0, {"copied": 1})
    assert "nothing is open" in flawed("quarantine", "retry", "--column", "age").out
    for wrong in (
        ["--why", "x"],
        ["--why", " ", "--entity", "people"],
        ["--entity", "people"],
        ["3f", "--entity", "people", "--why", "x"],
    ):
        assert flawed("quarantine", "discard", *wrong).status == 2
    gone = flawed("quarantine", "discard", "--column", "people.name", "--why", "nobody by that name", "--json")
    assert (gone.status, gone.json) == (0, {"entries": None, "counts": {"people": 1}})
    (people,) = flawed("status", "--json").json["entities"]
    assert (people["copied"], people["quarantined"], people["discarded"], people["balanced"]) == (2, 0, 1, True)
    notes = flawed("quarantine", "list", "--state", "discarded", "--each", "--json").json["entries"]
    assert [(e["reason"], e["note"]) for e in notes] == [("not_null", "nobody by that name")]


def test_nothing_is_left_to_retry_of_records_that_are_gone(flawed: Tiny) -> None:
    flawed.mongo.db.people.delete_one({"_id": BOB})
    tried = flawed("quarantine", "retry", "--entity", "people", "--reason", "check")
    assert tried.status == 0
    assert "1 record no longer in the source: nothing is left to retry" in tried.out
    both = flawed("quarantine", "retry", "--json")
    assert (both.status, both.json["ok"], both.json["counts"]) == (1, False, {"gone": 1, "quarantined": 1})


def test_retry_says_how_far_it_is(flawed: Tiny) -> None:
    ended = flawed("quarantine", "retry")
    assert ended.status == 1
    assert "retry: 2 of 2 records" in ended.err
    events = [json.loads(line) for line in flawed("quarantine", "retry", "--log-format", "json").err.splitlines()]
    tried = [(e["entity"], e["outcome"], e["reason"]) for e in events if e["event"] == "RecordRetried"]
    assert sorted(tried) == [("people", "quarantined", "check"), ("people", "quarantined", "not_null")]


def test_status_says_why_the_answer_is_no(flawed: Tiny) -> None:
    ended = flawed("status")
    assert ended.status == 1
    assert "people: 66.67% of its records are in quarantine; the limit is 0.00%" in ended.out
    assert "people: in quarantine: check x 1, not_null x 1" in ended.out


def test_show_prints_the_document_with_nothing_the_terminal_would_obey(flawed: Tiny) -> None:
    ended = flawed("quarantine", "show", _id_of(flawed, "check"))
    assert ended.status == 0
    assert 'ObjectId("5e0b00000000000000000002")' in ended.out
    assert ": 900" in ended.out
    assert "\x1b" not in ended.out


def test_retry_after_the_record_was_fixed(flawed: Tiny) -> None:
    flawed.mongo.db.people.update_one({"_id": BOB}, {"$set": {"age": 90}})
    ended = flawed("quarantine", "retry", "--json")
    assert ended.status == 1  # the other one is as it was
    assert ended.json["counts"] == {"copied": 1, "quarantined": 1}
    assert flawed.postgres.execute("SELECT count(*) FROM people") == [(2,)]
    assert flawed("quarantine", "list", "--state", "retried", "--json").json["counts"] == {"check": 1}


def test_discard_needs_a_reason_and_keeps_it(flawed: Tiny) -> None:
    entry = _id_of(flawed, "not_null")
    assert flawed("quarantine", "discard", entry).status == 2
    assert flawed("quarantine", "discard", entry, "--why", "  ").status == 2
    ended = flawed("quarantine", "discard", entry[:6], "--why", "nobody by that name")
    assert ended.status == 0
    assert ended.out == f'discarded {entry}: people ObjectId("{EVE}"): nobody by that name\n'
    (people,) = flawed("status", "--json").json["entities"]
    assert (people["quarantined"], people["discarded"], people["balanced"]) == (1, 1, True)


def test_an_id_that_is_not_there(flawed: Tiny) -> None:
    ended = flawed("quarantine", "show", "zzz")
    assert ended.status == 2
    assert "no entry in quarantine with an id that begins with 'zzz'" in ended.err


def test_a_broken_document_is_shown_as_bytes() -> None:
    raw = bson.encode(PEOPLE[0])[:-3]
    shown = Records(BSON).document(raw)
    assert (shown["document"], shown["bytes"]) == (None, raw.hex())
    assert shown["unreadable"]
    assert next(hex_dump(b"ab\0" + bytes(16))) == f"00000000  61 62 00{' 00' * 13}  |ab..............|"


def test_a_whole_document_is_shown_as_canonical_extended_json() -> None:
    raw = bson.encode({"_id": 1, "at": 0.5})
    assert Records(BSON).document(raw)["document"] == {"_id": {"$numberInt": "1"}, "at": {"$numberDouble": "0.5"}}
