"""json_of, ejson_of, json_list, rest_of, and the handling of NUL."""

from __future__ import annotations

from bson import ObjectId

from crossfade.model.program import ROOT_TABLE
from crossfade.records.bson.walk import date
from mapping_world import ENGINE, World, python_rows


def test_json_of_places_elements_and_whole_documents() -> None:
    doc = {"_id": ObjectId("5" * 24), "a": {"n": 1.5, "t": date(1706263200000)}, "l": [{"x": 1}, None, 2], "s": "x"}
    world = World({"e": [doc, {"_id": 2}]})
    assert world.values("json_of(x.a)") == ['{"n":1.5,"t":"2024-01-26T10:00:00.000Z"}', None]
    assert world.values("ejson_of(x.a.t)") == ['{"$date":{"$numberLong":"1706263200000"}}', None]
    assert world.values("json_of(x)")[1] == '{"_id":2}'
    assert world.values("ejson_of(x)")[1] == '{"_id":{"$numberInt":"2"}}'
    sql = "SELECT x._id AS k, json_of(l.v) AS v, ejson_of(l.v) AS w FROM e AS x, unnest(x.l) AS l(v)"
    rows = {r["v"]: r["w"] for r in world.rows(sql)}
    assert rows == {'{"x":1}': '{"x":{"$numberInt":"1"}}', "2": '{"$numberInt":"2"}', None: None}


def test_json_list_makes_a_list_of_a_single_value() -> None:
    world = World(
        {"e": [{"_id": 1, "l": [{"x": 1}, None, 2]}, {"_id": 2, "l": "x"}, {"_id": 3, "l": None}, {"_id": 4}]}
    )
    assert world.values("json_list(x.l)") == ['[{"x":1},null,2]', '["x"]', None, None]


def test_the_rest_is_what_no_mapping_of_the_root_mentions() -> None:
    """b and d only steer, and c is only looked up by another root: they stay. a and l are mentioned."""
    doc = {"_id": 1, "a": {"n": 1, "m": 2}, "b": 2, "c": 3, "d": 4, "l": [1]}
    world = World({"e": [doc, {"_id": 2, "a": {"n": 1}}], "f": [{"_id": 1}]})
    program = world.program(
        {
            "t": "SELECT x._id AS id, x.a.n AS n, rest_of(x) AS rest FROM e AS x WHERE x.b IS NOT NULL OR true",
            "u": "SELECT l.v AS v FROM e AS x, unnest(x.l) AS l(v) WHERE bson_type(x.d) = 'int'",
            "other": "SELECT y._id AS id, x.c AS c FROM f AS y LEFT JOIN e AS x ON x._id = y._id",
        }
    )
    branch = next(b for b in program.branches if b.table == "t")
    rows = python_rows(ENGINE.run(branch.sql, {ROOT_TABLE: world.batch(program, "e").table}))
    assert [r["rest"] for r in rows] == ['{"b":2,"c":3,"d":4}', None]


def test_nul_in_text_and_json() -> None:
    world = World({"e": [{"_id": 1, "s": "a\0b\\", "o": {"s": "a\0b\\u0000"}}]})
    assert world.values("without_nul(x.s)") == ["ab\\"]
    assert world.values("nul_as(x.s, '?')") == ["a?b\\"]
    assert world.values("escape_nul(x.s)") == ["a\\0b\\\\"]
    assert world.values("without_nul(json_of(x.o))") == ['{"s":"ab\\\\u0000"}']
