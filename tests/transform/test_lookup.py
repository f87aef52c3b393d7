"""Other entities joined by key: one to one, through another lookup, twice, gathered, by keys of any kind; fetched in
batches.
"""

from __future__ import annotations

import pickle
from typing import Any

import pyarrow as pa
import pytest
from bson import Binary, Int64, ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfade.model.rejection import Rejection
from crossfade.records.bson.canonical import canonical
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.decode import decode_one
from crossfade.records.bson.walk import date
from crossfade.transform import lookup as lookups
from crossfade.transform.lookup import LookupRejected, keys_of
from crossfade.transform.one_pass import OnePass
from crossfade.transform.refusal_queries import stages_of
from mapping_world import ENGINE, World, equality, python_rows
from strategies import scalars

OIDS = [ObjectId(f"{i:024x}") for i in range(20)]

WORLD = World(
    {
        "courses": [
            {"_id": 1, "title": "A", "instructor": OIDS[1], "helper": OIDS[2], "students": [OIDS[3], OIDS[9], OIDS[4]]},
            {"_id": 2, "title": "B", "instructor": OIDS[2], "helper": OIDS[2], "students": []},
            {"_id": 3, "title": "C", "instructor": OIDS[9], "helper": None},
            {"_id": 4, "title": "D"},
        ],
        "users": [
            {"_id": OIDS[1], "name": "Ann", "department": {"code": "x"}, "boss": OIDS[2]},
            {"_id": OIDS[2], "name": "Ben", "department": {"code": "y"}, "boss": OIDS[2]},
            {"_id": OIDS[3], "name": "Cid", "department": {"code": "z"}, "boss": None},
            {"_id": OIDS[4], "name": "Dot", "department": None},
        ],
        "departments": [{"_id": 1, "code": "x", "title": "X!"}, {"_id": 2, "code": "y", "title": "Y!"}],
        "sessions": [
            {"_id": 1, "course": 1, "at": 30, "hours": 1.5},
            {"_id": 2, "course": 1, "at": 10, "hours": 2.0},
            {"_id": 3, "course": 2, "at": 20, "hours": None},
        ],
    }
)


def rows(sql: str) -> list[tuple[Any, ...]]:
    return sorted((tuple(r.values()) for r in WORLD.rows(sql)), key=str)


def test_one_to_one() -> None:
    sql = "SELECT c._id AS id, u.name AS name FROM courses c LEFT JOIN users u ON u._id = c.instructor"
    assert rows(sql) == [(1, "Ann"), (2, "Ben"), (3, None), (4, None)]
    assert rows(sql.replace("u._id = c.instructor", "c.instructor = u._id")) == rows(sql)
    assert rows(sql.replace("LEFT JOIN", "JOIN")) == [(1, "Ann"), (2, "Ben")]


def test_through_another_lookup_and_by_another_field() -> None:
    sql = """SELECT c._id AS id, u.name AS name, d.title AS department FROM courses AS c
             LEFT JOIN users AS u ON u._id = c.instructor
             LEFT JOIN departments AS d ON d.code = u.department.code"""
    assert rows(sql) == [(1, "Ann", "X!"), (2, "Ben", "Y!"), (3, None, None), (4, None, None)]


def test_one_entity_twice() -> None:
    sql = """SELECT c._id AS id, u.name AS name, h.name AS helper FROM courses AS c
             LEFT JOIN users AS u ON u._id = c.instructor LEFT JOIN users AS h ON h._id = c.helper"""
    assert rows(sql) == [(1, "Ann", "Ben"), (2, "Ben", "Ben"), (3, None, None), (4, None, None)]


def test_the_root_itself() -> None:
    sql = "SELECT u.name AS name, b.name AS boss FROM users u LEFT JOIN users b ON b._id = u.boss"
    assert rows(sql) == [("Ann", "Ben"), ("Ben", "Ben"), ("Cid", None), ("Dot", None)]


def test_by_the_elements_of_an_array() -> None:
    sql = """SELECT c._id AS id, s.n AS n, u.name AS name
             FROM courses AS c, unnest(c.students) WITH ORDINALITY AS s(student, n)
             LEFT JOIN users AS u ON u._id = s.student"""
    assert rows(sql) == [(1, 1, "Cid"), (1, 2, None), (1, 3, "Dot")]


def test_on_several_conditions() -> None:
    sql = """SELECT c._id AS id, u.name AS name FROM courses AS c
             LEFT JOIN users AS u ON u.name <> 'Ben' AND u._id = c.instructor AND (c.title = 'A' OR c.title = 'B')"""
    assert rows(sql) == [(1, "Ann"), (2, None), (3, None), (4, None)]


def test_gathered() -> None:
    """Standard SQL: count(*) counts the root's own row where nothing matches, count(s._id) does not."""
    sql = """SELECT c._id AS id, count(s._id) AS n, count(*) AS rows, list(s.at ORDER BY s.at) AS at,
                    list(s._id ORDER BY s.at DESC) FILTER (WHERE s._id IS NOT NULL) AS ids, sum(s.hours) AS hours,
                    max(s.at) AS last, any_value(s.at ORDER BY s.at) AS first, c.title AS title
             FROM courses AS c LEFT JOIN sessions AS s ON s.course = c._id GROUP BY c._id"""
    assert rows(sql) == [
        (1, 2, 2, [10, 30], [1, 2], 3.5, 30, 10, "A"),
        (2, 1, 1, [20], [3], None, 20, 20, "B"),
        (3, 0, 1, [None], None, None, None, None, "C"),
        (4, 0, 1, [None], None, None, None, None, "D"),
    ]


def test_gathered_and_grouped_by_more() -> None:
    sql = """SELECT c._id AS id, s.at > 15 AS late, count(*) AS n FROM courses AS c
             JOIN sessions AS s ON s.course = c._id GROUP BY c._id, s.at > 15 HAVING count(*) > 0"""
    assert rows(sql) == [(1, False, 1), (1, True, 1), (2, True, 1)]


# -- keys of any kind

keys = scalars().filter(lambda v: not (isinstance(v, Binary) and v.subtype == 4 and len(v) != 16))


@settings(max_examples=40)
@given(st.lists(keys, min_size=1, max_size=6), st.lists(keys, max_size=4))
def test_what_mongodb_calls_equal_is_found(held: list[Any], others: list[Any]) -> None:
    """Keys and references of any types, mixed or not: a reference finds just the documents whose key is equal."""
    references = [*held, *others]
    unique = list({equality(v): v for v in held if v is not None}.values())
    world = World(
        {
            "e": [{"_id": i, "ref": v} for i, v in enumerate(references)],
            "f": [*({"_id": i, "key": v} for i, v in enumerate(unique)), {"_id": -1, "key": None}],
        }
    )
    sql = "SELECT x._id AS id, y._id AS found FROM e AS x LEFT JOIN f AS y ON y.key = x.ref"
    if world.faults(sql):
        kinds = {world.shapes[e].node((p,)).kind for e, p in (("e", "ref"), ("f", "key"))}  # type: ignore[union-attr]
        assert len(kinds) > 1 or not unique
        return
    names = {equality(v): i for i, v in enumerate(unique)}
    found = sorted((r["id"], r["found"]) for r in world.rows(sql))
    for i, (reference, (_, got)) in enumerate(zip(references, found, strict=True)):
        assert got == (None if reference is None else names.get(equality(reference))), (i, reference)


def test_numbers_beyond_a_double_are_distinguished() -> None:
    world = World(
        {
            "e": [{"_id": i, "ref": v} for i, v in enumerate([2.0**53, 1e22, 3.0, -0.0])],
            "f": [{"_id": Int64(v)} for v in (2**53 + 1, 2**53, 3, 0)],
        }
    )
    sql = "SELECT x._id AS id, y._id AS found FROM e AS x LEFT JOIN f AS y ON y._id = x.ref"
    assert sorted(tuple(r.values()) for r in world.rows(sql))[:1] == [(0, 2**53)]
    assert {r["id"]: r["found"] for r in world.rows(sql)} == {0: 2**53, 1: None, 2: 3, 3: 0}


@pytest.mark.parametrize(
    ("key", "kind", "text"),
    [
        (OIDS[1].binary, "objectId", canonical(OIDS[1])),
        (5, "int", '{"$numberInt":"5"}'),
        (5, "long", '{"$numberLong":"5"}'),
        (0.5, "double", '{"$numberDouble":"0.5"}'),
        (float("nan"), "double", '{"$numberDouble":"NaN"}'),
        ("1.10", "decimal", '{"$numberDecimal":"1.10"}'),
        (True, "bool", "true"),
        ('a"\n\u2028', "string", canonical('a"\n\u2028')),
        (1706263200123000, "date", canonical(date(1706263200123))),
        (b"x", "binary", canonical(b"x")),
        (bytes(16), "uuid", canonical(Binary(bytes(16), 4))),
        ('{"a":1}', "mixed", '{"a":1}'),
    ],
)
def test_keys_as_readers_take_them(key: Any, kind: str, text: str) -> None:
    assert BSON.key_text(key, kind) == text


def test_keys_that_are_not_there_are_not_asked_for() -> None:
    moments = pa.array([None, 253_402_300_800_000_000], pa.timestamp("us", "UTC"))
    assert keys_of(moments, "date") == [253_402_300_800_000_000]
    assert keys_of(pa.array([None, "a", None]), "string") == ["a"]


# -- fetching


BY_USER = "SELECT c._id AS id, u.name AS name FROM courses c LEFT JOIN users u ON u._id = c.instructor"


def anew() -> World:
    """The same documents, of which nothing was asked yet."""
    return World({entity: [decode_one(raw) for raw in raws] for entity, raws in WORLD.raws.items()})


def fetched(world: World, batches: list[list[Any]]) -> list[list[Any]]:
    """The names that each batch of keys gets."""
    (lookup,) = world.program(BY_USER).branches[0].lookups
    reader = world.lookups()
    out = []
    for batch in batches:
        table = reader.fetch(lookup, pa.array([k.binary for k in batch], pa.binary()))
        found = {row["_id"]: row["name"] for row in python_rows(table)}
        assert len(found) == table.num_rows
        out.append([found.get(k.binary) for k in batch])
    return out


def test_a_key_is_asked_for_once_while_it_is_kept() -> None:
    world = anew()
    batches = [[OIDS[1], OIDS[9]], [OIDS[1], OIDS[9]], [OIDS[1], OIDS[2]], [OIDS[2], OIDS[9]]]
    assert fetched(world, batches) == [["Ann", None], ["Ann", None], ["Ann", "Ben"], ["Ben", None]]
    assert [len(keys) for _, keys in world.asked] == [2, 1]


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "KEPT_KEYS", 2)
    world = anew()
    batches = [[OIDS[1], OIDS[2]], [OIDS[3]], [OIDS[3]], [OIDS[1], OIDS[2], OIDS[4]], [OIDS[3], OIDS[1]]]
    assert fetched(world, batches) == [["Ann", "Ben"], ["Cid"], ["Cid"], ["Ann", "Ben", "Dot"], ["Cid", "Ann"]]
    assert [len(keys) for _, keys in world.asked] == [2, 1, 3, 1]


def test_nothing_is_kept_of_keys_of_which_two_may_name_one_document() -> None:
    world = World({"e": [{"_id": 1, "ref": 5}, {"_id": 2, "ref": 5.0}], "f": [{"_id": 5}]})
    program = world.program("SELECT x._id AS id, y._id AS found FROM e x LEFT JOIN f y ON y._id = x.ref")
    (lookup,) = program.branches[0].lookups
    reader = world.lookups()
    for text in ('{"$numberInt":"5"}', '{"$numberDouble":"5.0"}', '{"$numberInt":"5"}'):
        assert reader.fetch(lookup, pa.array([text])).num_rows == 1
    assert len(world.asked) == 3


def test_a_document_that_does_not_fit_its_shape() -> None:
    docs = {"e": [{"_id": 1, "ref": 1}], "f": [{"_id": 1, "name": 5}]}
    world = World(docs, survey={"f": [{"_id": 1, "name": "text"}]})
    with pytest.raises(LookupRejected, match=r"f 1 \(unseen_type at name: int where the survey saw"):
        world.rows("SELECT x._id AS id, y.name AS name FROM e x LEFT JOIN f y ON y._id = x.ref")


def test_no_keys_no_fetch() -> None:
    world = World({"e": [{"_id": 1, "ref": None}], "f": [{"_id": 1}]})
    rows = world.rows("SELECT x._id AS id, y._id AS found FROM e x LEFT JOIN f y ON y._id = x.ref")
    assert rows == [{"id": 1, "found": None}]
    assert world.asked == []


def test_a_rejection_crosses_from_one_process_to_another() -> None:
    """A worker raises it, and the run tells it."""
    error = LookupRejected("f 1 does not fit", {'{"$numberInt":"1"}': "why"})
    there = pickle.loads(pickle.dumps(error))
    assert type(there) is LookupRejected
    assert (there.message, there.hint, dict(there.broken)) == (
        error.message,
        error.hint,
        dict(error.broken),
    )


def test_a_broken_document_is_of_the_record_that_is_asked_alone() -> None:
    """The document may have changed since the pass began: the record is refused, and the copy goes on."""
    docs: dict[str, list[dict[str, Any]]] = {
        "e": [{"_id": 1, "ref": 1}, {"_id": 2, "ref": None}],
        "f": [{"_id": 1, "name": 5}],
    }
    world = World(docs, survey={"f": [{"_id": 1, "name": "text"}]})
    program = world.program("SELECT x._id AS id, y.name AS name FROM e x LEFT JOIN f y ON y._id = x.ref")
    (branch,) = program.branches
    found = OnePass(stages_of(branch.narrow, branch.lookups), branch.narrow, ENGINE, world.lookups())
    unsure = {row: Rejection(row, "mapping_error", "", column="name") for row in (0, 1)}
    certain = found._one_by_one(world.batch(program, "e").table, unsure)
    assert {row: refusal.reason for row, refusal in certain.items()} == {0: "looked_up"}
    assert "unseen_type at name" in (certain[0].detail or "")
