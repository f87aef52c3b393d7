"""Records in quarantine: listed, shown, tried again, left behind."""

from __future__ import annotations

import bson
import pytest
from bson.raw_bson import RawBSONDocument
from tinies import BOB, EVE, PEOPLE, Tiny

from crossfade.cli.record import hex_dump, record_document


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
    (entry,) = tiny("quarantine", "list", "--reason", reason, "--json").json["entries"]
    return str(entry["id"])


def test_list_counts_by_reason(flawed: Tiny) -> None:
    ended = flawed("quarantine", "list")
    assert ended.status == 0
    assert "not_null  people.name" in ended.out
    assert "check     people" in ended.out
    assert ended.out.endswith("reason    records\ncheck           1\nnot_null        1\n")
    said = "nothing is in quarantine of this entity and reason; of others: 2\n"
    assert flawed("quarantine", "list", "--entity", "nobody").out == said
    assert flawed("quarantine", "list", "--state", "discarded").out == "nothing is in quarantine\n"


def test_status_says_why_the_answer_is_no(flawed: Tiny) -> None:
    ended = flawed("status")
    assert ended.status == 1
    assert "people: 66.67% of its records are in quarantine; the limit is 0.00%" in ended.out
    assert "people: in quarantine: check x 1, not_null x 1" in ended.out


def test_show_prints_the_document_with_nothing_the_terminal_would_obey(flawed: Tiny) -> None:
    ended = flawed("quarantine", "show", _id_of(flawed, "check"))
    assert ended.status == 0
    assert '"$oid": "5e0b00000000000000000002"' in ended.out
    assert '"$numberInt": "900"' in ended.out
    assert "\x1b" not in ended.out


def test_retry_after_the_record_was_mended(flawed: Tiny) -> None:
    flawed.mongo.db.people.update_one({"_id": BOB}, {"$set": {"age": 90}})
    ended = flawed("quarantine", "retry", "--json")
    assert ended.status == 1  # the other one is as it was
    assert ended.json["counts"] == {"copied": 1, "quarantined": 1}
    assert flawed.postgres.execute("SELECT count(*) FROM people") == [(2,)]
    assert flawed("quarantine", "list", "--state", "retried", "--json").json["counts"] == {"check": 1}


def test_discard_needs_a_reason_and_keeps_it(flawed: Tiny) -> None:
    entry = _id_of(flawed, "not_null")
    assert flawed("quarantine", "discard", entry).status == 2
    assert flawed("quarantine", "discard", entry, "--reason", "  ").status == 2
    ended = flawed("quarantine", "discard", entry[:6], "--reason", "nobody by that name")
    assert ended.status == 0
    assert ended.out == f'discarded {entry}: people {{"$oid":"{EVE}"}}: nobody by that name\n'
    (people,) = flawed("status", "--json").json["entities"]
    assert (people["quarantined"], people["discarded"], people["balanced"]) == (1, 1, True)


def test_an_id_that_is_not_there(flawed: Tiny) -> None:
    ended = flawed("quarantine", "show", "zzz")
    assert ended.status == 2
    assert "no entry in quarantine with an id that begins with 'zzz'" in ended.err


def test_a_broken_document_is_shown_as_bytes() -> None:
    raw = bson.encode(PEOPLE[0])[:-3]
    shown = record_document(raw)
    assert (shown["document"], shown["bytes"]) == (None, raw.hex())
    assert shown["unreadable"]
    assert next(hex_dump(b"ab\0" + bytes(16))) == f"00000000  61 62 00{' 00' * 13}  |ab..............|"


def test_a_whole_document_is_shown_as_canonical_extended_json() -> None:
    raw = RawBSONDocument(bson.encode({"_id": 1, "at": 0.5})).raw
    assert record_document(raw)["document"] == {"_id": {"$numberInt": "1"}, "at": {"$numberDouble": "0.5"}}
