"""The source paths of a table or a column, with the author's expressions."""

from __future__ import annotations

import pytest

from crossfade.errors import Misused
from crossfade.mapping.lineage import lineage
from mapping_world import World

WORLD = World(
    {
        "people": [
            {"_id": 1, "name": "Ann", "age": 30, "l": [{"x": 1}], "boss": 2, "rest": 1},
            {"_id": 2, "name": "Ben", "age": "31", "l": [], "boss": None},
        ],
        "pets": [{"_id": 1, "name": "Rex"}],
    }
)

MAPPING = """
-- Everybody, and the pets
SELECT p._id                    AS id,
       upper( p.name )  /*!*/   AS name,
       CASE WHEN bson_type(p.age) = 'int' THEN as_int(p.age) ELSE len(p.l) END age,
       b.name                   AS boss,
       'x, y'                   AS "a constant",
       p.boss IS DISTINCT FROM 2 AS bossy,
       rest_of(p)               AS rest
FROM   people AS p LEFT JOIN people AS b ON b._id = p.boss
WHERE  p.name <> 'nobody'
UNION ALL
(SELECT q._id AS id, q.name AS name, 0 AS age, NULL AS boss, 'x, y' AS "a constant", NULL AS bossy, NULL AS rest
 FROM pets AS q)
"""
PROGRAM = WORLD.program({"public.people": MAPPING})


def of(column: str) -> tuple[list[str], list[tuple[str, str, str]]]:
    found = lineage(PROGRAM, WORLD.shapes, f"public.people.{column}").columns[0]
    return [w.text for w in found.expressions], [(s.entity, s.path, s.depth) for s in found.sources]


def test_expressions_are_as_they_were_written() -> None:
    assert of("name") == (["upper( p.name )", "q.name"], [("people", "name", "value"), ("pets", "name", "value")])
    assert of("a constant") == (["'x, y'"], [])
    assert of("bossy")[0] == ["p.boss IS DISTINCT FROM 2", "NULL"]
    written = lineage(PROGRAM, WORLD.shapes, "public.people.name").columns[0].expressions[0]
    assert (written.line, written.column) == (4, 8)


def test_sources_say_how_deep_they_are_read() -> None:
    assert of("age") == (
        ["CASE WHEN bson_type(p.age) = 'int' THEN as_int(p.age) ELSE len(p.l) END", "0"],
        [("people", "age", "type"), ("people", "age", "whole"), ("people", "l", "elements")],
    )
    assert of("rest")[1] == [("people", ".", "rest")]
    assert of("boss")[1] == [("people", "name", "value")]


def test_types_and_counts() -> None:
    (found,) = lineage(PROGRAM, WORLD.shapes, "public.people.id").columns
    assert [(s.entity, s.types, s.missing) for s in found.sources] == [
        ("people", {"int": 2}, 0),
        ("pets", {"int": 1}, 0),
    ]
    whole = next(s for s in lineage(PROGRAM, WORLD.shapes, "public.people.age").columns[0].sources if s.path == "age")
    assert whole.types == {"int": 1, "string": 1}


def test_a_whole_table_and_what_decides_about_rows() -> None:
    found = lineage(PROGRAM, WORLD.shapes, "public.people")
    assert [c.column for c in found.columns] == ["id", "name", "age", "boss", "a constant", "bossy", "rest"]
    assert (found.file, found.entities) == ("mapping/public.people.sql", ("people", "pets"))
    assert {(s.entity, s.path) for s in found.steering} == {("people", "_id"), ("people", "boss"), ("people", "name")}


def test_from_first_and_nested_selects() -> None:
    sql = """FROM people AS p
             SELECT (SELECT max(e.o.x) FROM unnest(p.l) AS e(o)) AS x, [v FOR v IN [1, 2]] AS y WHERE p._id = 1"""
    found = lineage(WORLD.program(sql), WORLD.shapes, "t")
    assert [w.text for c in found.columns for w in c.expressions] == [
        "(SELECT max(e.o.x) FROM unnest(p.l) AS e(o))",
        "[v FOR v IN [1, 2]]",
    ]


@pytest.mark.parametrize(
    ("place", "message", "hint"),
    [
        ("people.name", "no mapping fills a table 'people'", "public.people"),
        ("public.people.nam", "does not fill a column 'nam'", "name (or a constant, age, boss, bossy, id, rest)"),
        ("nothing", "no mapping fills a table 'nothing'", "one of public.people"),
    ],
)
def test_what_no_mapping_fills(place: str, message: str, hint: str) -> None:
    with pytest.raises(Misused, match=message) as refused:
        lineage(PROGRAM, WORLD.shapes, place)
    assert refused.value.hint == hint
