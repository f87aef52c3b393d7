"""`crossfade preview`: documents with their rows, refusals, and samples. It writes nothing."""

from __future__ import annotations

import random

import pytest
from bson import ObjectId
from tinies import ADA, BOB, EVE, Tiny

from crossfade.pipeline.preview import Estimate, drawn
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.keys import keys_meant


@pytest.fixture
def flawed(tiny: Tiny) -> Tiny:
    """Surveyed, with a name that is null for a column that is NOT NULL."""
    tiny.mongo.db.people.update_one({"_id": EVE}, {"$set": {"name": None}})
    tiny("survey")
    return tiny


def _nothing_was_written(tiny: Tiny) -> None:
    there = "SELECT nspname FROM pg_namespace WHERE nspname = 'crossfade' UNION SELECT relname FROM pg_class"
    assert tiny.postgres.execute(f"{there} WHERE relnamespace = 'public'::regnamespace") == []


def test_documents_beside_their_rows(flawed: Tiny) -> None:
    ended = flawed("preview", "people", "--json")
    ada, bob, eve = ended.json["records"]
    assert ended.json["checked"] == ["mapping", "types"]
    assert ada["rows"] == [
        {"table": "people", "row": {"id": "5e0b0000-0000-8000-8000-000001cf01d0", "name": '"Ada"', "age": "36",
                                    "tags": '{"x", "y"}'}}
    ]  # fmt: skip
    assert (bob["document"]["name"], bob["refused"]) == ("Bob\x1b[31m", None)
    assert (eve["rows"], eve["refused"]["reason"], eve["refused"]["column"]) == ([], "not_null", "name")
    plain = flawed("preview", "people", "--limit", "2").out
    assert "2 records: 2 rows of people, 0 refused" in plain
    assert "refused: not_null at people.name" in flawed("preview", "people").out
    assert "\x1b" not in plain
    _nothing_was_written(flawed)


@pytest.mark.parametrize(
    "key", [str(BOB), f'ObjectId("{BOB}")', f'{{"$oid": "{BOB}"}}', "5e0b0000-0000-8000-8000-000002cf01d0"]
)
def test_one_document(flawed: Tiny, key: str) -> None:
    (record,) = flawed("preview", "people", "--key", key, "--json").json["records"]
    assert record["key"] == f'{{"$oid":"{BOB}"}}'


def test_what_is_asked_for_wrongly(flawed: Tiny) -> None:
    for wrong in (
        [],
        ["peple"],
        ["people", "--key", str(ObjectId())],
        ["people", "--key", "{nonsense"],
        ["people", "--key", "7", "--sample", "3"],
        ["nobody", "--sample", "3"],
    ):
        assert flawed("preview", *wrong).status == 2, wrong
    assert "Try: people" in flawed("preview", "peple").err


@pytest.mark.parametrize("target", ["postgresql://nobody@127.0.0.1:1/nothing", ""])
def test_without_a_target_the_mapping_is_tried_alone(flawed: Tiny, target: str) -> None:
    ended = flawed("preview", "people", "--json", TARGET_URL=target)
    assert (ended.status, ended.json["checked"]) == (0, ["mapping"])
    assert ended.json["without_types"]
    assert [len(r["rows"]) for r in ended.json["records"]] == [1, 1, 1]
    assert ended.json["records"][0]["rows"][0]["row"]["age"] == "36"


def test_a_sample_of_everything_is_exact(flawed: Tiny) -> None:
    ended = flawed("preview", "--sample", "50", "--json")
    (people,) = ended.json["samples"]
    assert (people["records"], people["sampled"]) == (3, 3)
    assert people["refused"] == {"count": 1, "estimate": 1, "low": 1, "high": 1}
    (cause,) = people["causes"]
    assert (cause["reason"], cause["table"], cause["column"], cause["count"]) == ("not_null", "people", "name", 1)
    assert cause["examples"][0]["key"] == f'{{"$oid":"{EVE}"}}'
    said = flawed("preview", "people", "--sample", "50")
    assert "people: 3 of 3 records tried, 1 refused" in said.out
    assert "sample: 3 of 3 records" in said.err
    _nothing_was_written(flawed)


def test_a_sample_says_what_the_whole_would_refuse(tiny: Tiny) -> None:
    more = [{"_id": ObjectId(), "name": None if i % 4 == 0 else "x", "age": 1, "__v": 0} for i in range(400)]
    tiny.mongo.db.people.insert_many(more)
    tiny("survey")
    (people,) = tiny("preview", "--sample", "120", "--json").json["samples"]
    assert (people["records"], people["sampled"]) == (403, 120)
    assert people["refused"]["low"] <= 100 <= people["refused"]["high"]
    assert people["refused"]["low"] < people["refused"]["estimate"] < people["refused"]["high"]
    assert tiny("preview", "--sample", "120", "--json").json["samples"] == [people]


@pytest.mark.parametrize(("size", "count"), [(10, 10), (10, 11), (50, 10), (7, 1000)])
def test_a_sample_draws_each_key_once(size: int, count: int) -> None:
    keys, seen = drawn(_Keys(count), BSON, "e", size)  # type: ignore[arg-type]
    assert (len(keys), len(set(keys)), seen) == (min(size, count), min(size, count), count)


def test_every_record_has_the_same_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 40 records 8 are drawn, 2,000 times: each about 400 times."""
    seeds = iter(range(2000))
    chance = random.Random
    monkeypatch.setattr(random, "Random", lambda _: chance(next(seeds)))
    times: dict[str, int] = {}
    for _ in range(2000):
        for key in drawn(_Keys(40), BSON, "e", 8)[0]:  # type: ignore[arg-type]
            times[key] = times.get(key, 0) + 1
    assert len(times) == 40
    assert all(300 < n < 500 for n in times.values()), times


class _Keys:
    def __init__(self, count: int) -> None:
        import bson

        self._raw = b"".join(bson.encode({"_id": i}) for i in range(count))

    def keys(self, entity: str) -> list[bytes]:
        return [self._raw]


def test_an_estimate() -> None:
    some = Estimate(10, 100, 10_000)
    assert (some.likely, some.low, some.high) == (1000, 552, 1744)
    none = Estimate(0, 100, 10_000)
    assert (none.likely, none.low) == (0, 0)
    assert 300 < none.high < 400
    whole = Estimate(3, 50, 50)
    assert (whole.likely, whole.low, whole.high) == (3, 3, 3)


def test_what_a_key_may_mean() -> None:
    assert keys_meant("7") == [['{"$numberInt":"7"}'], ['"7"']]
    assert keys_meant('"7"') == [['"7"']]
    assert keys_meant(str(ADA))[-1] == [f'"{ADA}"', f'{{"$oid":"{ADA}"}}']
    assert keys_meant(f'ObjectId("{ADA}")')[0] == [f'{{"$oid":"{ADA}"}}']
    assert keys_meant("99999999999") == [['{"$numberLong":"99999999999"}'], ['"99999999999"']]


def test_a_mapping_that_the_engine_refuses(tiny: Tiny) -> None:
    """It is no fault of crossfade: `check` says where."""
    tiny("survey")
    mapping = tiny.root / "mapping" / "people.sql"
    mapping.write_text(mapping.read_text().replace("p.name AS name", "levenshtein(p.name) AS name"))
    assert tiny("check").status == 1
    ended = tiny("preview", "people")
    assert ended.status == 2
    assert "levenshtein" in ended.err
    assert "crossfade check" in ended.err


@pytest.mark.parametrize("how", [["people"], ["--sample", "5"]])
def test_columns_that_nothing_fills_refuse_the_whole(tiny: Tiny, how: list[str]) -> None:
    """As `check` says: no record gets in, though each of them fits."""
    tiny.edit("schema.sql", "tags text[]", "tags text[],\n  memo text NOT NULL,\n  kind text NOT NULL DEFAULT 'x'")
    tiny.edit("mapping/people.sql", "uuid_of(p._id) AS id, ", "")
    tiny("survey")
    ended = tiny("preview", *how, "--json")
    checked = [f for f in tiny("check", "--json").json["faults"] if f["kind"] == "unfilled"]
    assert [f["place"] for f in checked] == ["people.id", "people.memo"]
    assert ended.json["faults"] == checked
    assert "a copy does not start, whatever the records are:\n  people.id: " in tiny("preview", *how).out
