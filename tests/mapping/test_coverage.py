"""Every (path, type) pair is mapped, in a remainder, discarded with a reason, or a fault."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfade.mapping.coverage.uncovered import stale_discards, uncovered
from crossfade.model.findings import Finding
from crossfade.model.program import carries
from crossfade.model.shape import Node, format_path
from crossfade.project import Discard
from mapping_world import World
from strategies import values

WORLD = World(
    {
        "e": [
            {
                "_id": 1,
                "n": 1,
                "s": "x",
                "z": None,
                "o": {"a": 1, "b": {"c": 2}},
                "l": [1, 2],
                "m": [{"x": 1, "y": 2}],
                "tags": ["a"],
                "either": {"x": 1},
                "deep": [{"l": [{"v": 1}], "w": 1}],
            },
            {"_id": "two", "n": "2", "tags": "b", "either": [{"x": 2}], "l": [], "m": [None]},
        ]
    }
)


def open_pairs(*mappings: str, discards: Sequence[Discard] = (), world: World = WORLD) -> dict[str, str]:
    """Path -> what nothing takes up, of the entity `e`."""
    program = world.program({f"t{i}": m for i, m in enumerate(mappings)}, discards)
    found = [f for f in uncovered(program, world.shapes, discards) if f.kind == "uncovered"]
    return {f.place.removeprefix("e."): f.message.removeprefix("not mapped: ") for f in found}


def covers(expression: str, source: str = "") -> set[str]:
    """The paths that one output takes up, of those below which nothing is open either."""
    everything = set(open_pairs("SELECT 1 AS v FROM e AS x"))
    sql = f"SELECT {expression} AS v FROM e AS x{source}"
    return everything - set(open_pairs(sql))


EVERYTHING = {"_id", "n", "s", "z", "o", "l", "m", "tags", "either", "deep"}


def test_nothing_is_covered_by_a_constant() -> None:
    found = open_pairs("SELECT 1 AS v FROM e AS x")
    assert set(found) == EVERYTHING
    assert found["_id"] == "1 int, 1 string"
    assert found["tags"] == "1 array, 1 string"


@pytest.mark.parametrize(
    ("expression", "paths"),
    [
        ("x.s", {"s"}),
        ("upper(x.s) || x.s", {"s"}),
        ("x.z", {"z"}),
        ("x._id", {"_id"}),
        ("as_text(x.n)", {"n"}),
        ("json_of(x.o)", {"o"}),
        ("ejson_of(x.o)", {"o"}),
        ("json_of(x)", EVERYTHING),
        ("rest_of(x)", EVERYTHING),
        ("x.l", {"l"}),
        ("list_of(x.tags)", {"tags"}),
        ("list_transform(x.l, lambda v: v + 1)", {"l"}),
        ("x.l[1]", {"l"}),
        ("list_filter(x.l, lambda v: v > 1)", {"l"}),
        ("json_list(x.tags)", {"tags"}),
        ("json_list(x.either)", {"either"}),
        ("(SELECT sum(v.v) FROM unnest(x.l) AS v(v))", {"l"}),
        ("list_transform(list_of(x.either), lambda v: v.x)", {"either"}),
        # what only looks
        ("bson_type(x.s)", set()),
        ("present(x.s)", set()),
        ("x.s IS NULL", set()),
        ("x.z IS NOT NULL", set()),
    ],
)
def test_what_an_output_covers(expression: str, paths: set[str]) -> None:
    assert covers(expression) == paths


def test_the_length_of_an_array_is_not_its_elements() -> None:
    found = open_pairs("SELECT len(x.l) AS v, len(x.m) AS w FROM e AS x")
    assert {k: v for k, v in found.items() if k[0] in "lm"} == {"l[]": "2 ints", "m[]": "1 null, 1 object"}


def test_a_part_of_an_object_is_not_the_whole() -> None:
    found = open_pairs("SELECT x.o.a AS v, x.o.b.c AS w, list_transform(x.m, lambda m: m.x) AS m FROM e AS x")
    assert "o" not in found
    assert found["m[].y"] == "1 int"
    assert open_pairs("SELECT x.o.a AS v FROM e AS x")["o.b"] == "1 object"


def test_elements_leave_single_values_and_single_values_leave_elements() -> None:
    found = open_pairs("SELECT list_transform(x.tags, lambda t: upper(t)) AS v FROM e AS x")
    assert found["tags"] == "1 string"
    assert open_pairs("SELECT x.either.x AS v FROM e AS x")["either"] == "1 array"
    assert "either" not in open_pairs("SELECT json_of(x.either) AS v FROM e AS x")


def test_null_is_covered_with_the_value_that_it_replaces() -> None:
    world = World({"e": [{"_id": 1, "a": None, "o": None, "l": [None]}, {"_id": 2, "a": 1, "o": {"p": 1}, "l": [1]}]})
    sql = "SELECT x._id AS id, x.a AS a, x.o.p AS p, x.l AS l FROM e AS x"
    assert open_pairs(sql, world=world) == {}


# -- what only steers


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 AS v FROM e AS x WHERE x.s = 'x'",
        "SELECT 1 AS v FROM e AS x LEFT JOIN e AS y ON y._id = x.s",
        "SELECT count(*) AS v FROM e AS x GROUP BY x._id, x.s",
        "SELECT 1 AS v FROM e AS x GROUP BY x._id HAVING max(x.s) > 'a'",
        "SELECT y.s AS v FROM e AS x LEFT JOIN e AS y ON y._id = x._id",
        "SELECT 1 AS v FROM e AS x, unnest(list_of(x.tags)) AS t(v) WHERE t.v = x.s",
    ],
)
def test_conditions_and_lookups_cover_nothing(sql: str) -> None:
    assert "s" in open_pairs(sql)


@pytest.mark.parametrize(
    "expression",
    [
        "CASE WHEN x.s = 'x' THEN 1 END",
        "CASE x.s WHEN 'x' THEN 1 ELSE 2 END",
        "IF(x.s = 'x', 1, 2)",
        "x.s > 'a'",
        "x.s IN ('a', 'b')",
        "x.s LIKE 'a%'",
        "NOT (x.s = 'x')",
        "x.s IS NOT DISTINCT FROM 'x'",
        "contains(x.s, 'x') OR starts_with(x.s, 'x')",
        "nullif('x', x.s)",
        "regexp_matches(x.s, 'x')",
        "list_contains(['x'], x.s)",
        "list_filter([1, 2], lambda v: x.s = 'x')",
        "list_transform([x.s], lambda v: v = 'x')",
        "(SELECT 1 FROM unnest(x.tags) AS t(v) WHERE t.v = x.s)",
        "(SELECT count(x.s) FROM unnest(x.tags) AS t(v))",
        "(SELECT list(t.v ORDER BY x.s) FROM unnest(x.tags) AS t(v))",
        "(SELECT list(t.v) FILTER (WHERE x.s = 'x') FROM unnest(x.tags) AS t(v))",
        "EXISTS (SELECT x.s FROM unnest(x.tags) AS t(v))",
        "len([x.s])",
        "[1, 2][length(x.s)]",
        "json_of(x.o) ->> x.s",
    ],
)
def test_what_only_decides_is_not_covered(expression: str) -> None:
    found = open_pairs(f"SELECT {expression} AS v FROM e AS x")
    assert found["s"] == "1 string: used only in a condition in t0.v"
    assert "s" not in open_pairs(f"SELECT {expression} AS v, x.s AS s FROM e AS x")
    assert "s" not in open_pairs(f"SELECT {expression} AS v FROM e AS x", discards=[discard(entity="e", path="s")])
    assert "s" not in open_pairs(f"SELECT {expression} AS v, rest_of(x) AS rest FROM e AS x")


def test_a_where_only_decides_too() -> None:
    found = open_pairs("SELECT 1 AS v FROM e AS x WHERE x.s = 'x'")
    assert found["s"] == "1 string: used only in a condition in t0"


# -- types that a CASE leaves out

TYPES = World(
    {
        "e": [
            {"_id": 1, "m": 1, "o": 1, "l": [1]},
            {"_id": 2, "m": "x", "o": {"x": 1}, "l": ["x"]},
            {"_id": 3, "m": 2.5, "o": None, "l": []},
            {"_id": 4, "m": None},
        ]
    }
)
ALL = "1 int, 1 string, 1 double"


@pytest.mark.parametrize(
    ("expression", "left_out"),
    [
        ("CASE bson_type(x.m) WHEN 'string' THEN as_string(x.m) END", {"double", "int"}),
        ("CASE bson_type(x.m) WHEN 'string' THEN NULL ELSE as_double(x.m) END", {"string"}),
        ("CASE WHEN bson_type(x.m) = 'string' THEN as_string(x.m) WHEN bson_type(x.m) = 'int' THEN 'i' END",
         {"double", "int"}),
        ("CASE WHEN bson_type(x.m) IN ('int', 'double') THEN as_double(x.m) END", {"string"}),
        ("CASE WHEN bson_type(x.m) <> 'string' THEN as_double(x.m) END", {"string"}),
        ("CASE WHEN NOT (bson_type(x.m) = 'string' OR bson_type(x.m) = 'double') THEN as_int(x.m) END",
         {"double", "string"}),
        ("IF('string' = bson_type(x.m), as_string(x.m), 'none')", {"double", "int"}),
        ("CASE WHEN bson_type(x.m) = 'string' AND x._id = 2 THEN as_string(x.m) END", {"double", "int"}),
        ("coalesce(CASE WHEN bson_type(x.m) = 'string' THEN as_string(x.m) END, '')", {"double", "int"}),
        # nothing is left out
        ("CASE bson_type(x.m) WHEN 'string' THEN 0 ELSE as_double(x.m) END + as_double(x.m)", set()),
        ("CASE bson_type(x.m) WHEN 'string' THEN as_string(x.m) ELSE as_text(x.m) END", set()),
        ("CASE WHEN x.m IS NOT NULL THEN as_double(x.m) END", set()),
        ("CASE WHEN x._id = 2 THEN as_double(x.m) END", set()),
        ("CASE WHEN x._id = 2 OR bson_type(x.m) = 'string' THEN as_double(x.m) END", set()),
        ("as_string(x.m)", set()),  # strict: other types go to quarantine
    ],
)  # fmt: skip
def test_types_that_a_case_leaves_out_are_not_covered(expression: str, left_out: set[str]) -> None:
    sql = f"SELECT {expression} AS v FROM e AS x"
    found = open_pairs(sql, world=TYPES).get("m", "")
    assert {t for t in ("int", "double", "string") if f"1 {t}" in found} == left_out
    assert found.endswith(": t0.v leaves it out") == bool(left_out)
    answered = [discard(entity="e", path="m", types=tuple(sorted(left_out)))] if left_out else []
    assert "m" not in open_pairs(sql, world=TYPES, discards=answered)


def test_a_type_that_decides_what_lies_below() -> None:
    sql = "SELECT CASE bson_type(x.o) WHEN 'object' THEN {} END AS v FROM e AS x"
    assert open_pairs(sql.format("x.o.x"), world=TYPES)["o"] == "1 int: used only in a condition in t0.v"
    assert "o.x" not in open_pairs(sql.format("x.o.x"), world=TYPES)
    never = open_pairs(sql.format("1").replace("END", "ELSE x.o.x END"), world=TYPES)
    assert never["o"] == "1 int, 1 null, 1 object: used only in a condition in t0.v"


def test_a_question_about_one_element_says_nothing_of_another() -> None:
    sql = "SELECT CASE WHEN bson_type(x.l[1]) = 'int' THEN as_text(x.l[2]) END AS v FROM e AS x"
    assert not {p for p in open_pairs(sql, world=TYPES) if p.startswith("l")}
    sql = "SELECT CASE WHEN bson_type(l.v) = 'int' THEN as_text(l.v) END AS v FROM e AS x, unnest(x.l) AS l(v)"
    assert open_pairs(sql, world=TYPES)["l[]"].startswith("1 string")


# -- lists that no reader made


def test_an_unnested_list_carries_what_it_is_made_of() -> None:
    sql = "SELECT {} AS v FROM e AS x, unnest(list_transform(x.l, lambda v: v + 1)) AS t(v)"
    assert "l" not in open_pairs(sql.format("t.v"))
    assert open_pairs(sql.format("t.v > 1"))["l"].startswith("2 arrays: used only in a condition")
    own = "SELECT x._id AS id FROM e AS x"
    both = open_pairs(own, "SELECT x.s AS s, t.v AS v FROM e AS x, unnest(list_distinct(x.l)) AS t(v)")
    assert both["s"].startswith("mapped only in rows of array elements")
    assert "l" not in both
    assert "l[]" not in both


def test_an_unnest_carries_only_the_elements_that_are_used() -> None:
    sql = "SELECT {} AS v FROM e AS x, unnest(x.m) AS m(o)"
    assert open_pairs(sql.format("1"))["m"].startswith("2 arrays: used only in a condition")
    assert open_pairs(sql.format("m.o.x"))["m[].y"] == "1 int"
    assert not {"m", "m[]", "m[].y"} & set(open_pairs(sql.format("json_of(m.o)")))


def test_elements_of_elements() -> None:
    """The w of an element is lost if its l is empty: the record has the rows of its other elements."""
    sql = "SELECT i.o.v AS v, d.o.w AS w FROM e AS x, unnest(x.deep) AS d(o){} unnest(d.o.l) AS i(o){}"
    assert {p for p in open_pairs(sql.format(",", "")) if p.startswith("deep")} == {"deep[].w"}
    assert not [p for p in open_pairs(sql.format(" LEFT JOIN", " ON true")) if p.startswith("deep")]


# -- several tables


def test_a_union_of_several_tables() -> None:
    found = open_pairs(
        "SELECT x.s AS v FROM e AS x", "SELECT x.n AS v FROM e AS x UNION ALL SELECT x.z AS v FROM e AS x"
    )
    assert set(found) == EVERYTHING - {"s", "n", "z"}


def test_a_field_of_the_root_in_rows_of_elements_alone() -> None:
    own, elements = "SELECT x._id AS id FROM e AS x", "SELECT x.s AS s, m.o.x AS v FROM e AS x{} unnest(x.m) AS m(o){}"
    found = open_pairs(own, elements.format(",", ""))
    assert found["s"] == "mapped only in rows of array elements (t1): an empty array has no rows"
    assert "m[].x" not in found
    assert "s" not in open_pairs(own, elements.format(" LEFT JOIN", " ON true"))
    assert "s" not in open_pairs(
        own + " WHERE x.s IS NOT NULL", "SELECT x.s AS s FROM e AS x", elements.format(",", "")
    )
    assert "s" not in open_pairs(elements.format(",", ""))  # then a document without a row is quarantined
    discard = Discard(reason="told", entity="e", path="s")
    assert "s" not in open_pairs(own, elements.format(",", ""), discards=[discard])


def test_an_element_in_rows_of_deeper_elements_alone() -> None:
    found = open_pairs(
        "SELECT x._id AS id FROM e AS x",
        "SELECT d.o.w AS w, i.o.v AS v FROM e AS x, unnest(x.deep) AS d(o), unnest(d.o.l) AS i(o)",
    )
    assert set(found) & {"deep[].w", "deep[].l[].v"} == {"deep[].w"}


# -- rows that not every record, or not every element, makes

SPARSE = World(
    {
        "e": [
            {"_id": 1, "a": "x", "b": "y", "items": [{"v": 1, "w": 2}, {"w": 3}], "more": [1]},
            {"_id": 2, "b": "z", "items": [], "more": [2]},
        ]
    }
)
OWN = "SELECT x._id AS id FROM e AS x"


def sparse(*mappings: str, discards: Sequence[Discard] = ()) -> dict[str, str]:
    return open_pairs(*mappings, discards=discards, world=SPARSE)


def test_what_is_carried_only_where_another_place_exists() -> None:
    named = "SELECT x.a AS a, x.b AS b FROM e AS x WHERE x.a IS NOT NULL"
    elements = "SELECT i.o.v AS v, i.o.w AS w FROM e AS x, unnest(x.items) AS i(o) WHERE i.o.v IS NOT NULL"
    assert [row["b"] for row in SPARSE.rows(named)] == ["y"]
    assert [row["w"] for row in SPARSE.rows(elements)] == [2]
    found = sparse(OWN, named, elements)
    assert found["b"] == "mapped only in rows that have a (t1): without it there is no row"
    assert found["items[].w"] == "mapped only in rows that have items[].v (t2): without it there is no row"
    assert set(found) == {"b", "items[].w", "more"}
    told = [Discard(reason="they have no name", table=table) for table in ("t1", "t2")]
    assert set(sparse(OWN, named, elements, discards=told)) == {"more"}


def test_a_record_without_any_row_is_quarantined_and_loses_nothing() -> None:
    named = "SELECT x.a AS a, x.b AS b FROM e AS x WHERE x.a IS NOT NULL"
    assert "b" not in sparse(named)
    assert "b" not in sparse(OWN, named.replace("x.a IS", "x._id IS"))  # every record has a key
    assert "b" not in sparse(named, "SELECT x.b AS b, x._id AS id FROM e AS x WHERE x.items IS NOT NULL")
    assert "b" in sparse(named, OWN)


def test_the_rest_in_rows_of_elements_alone() -> None:
    rest = "SELECT rest_of(x) AS rest, i.o.v AS v, i.o.w AS w FROM e AS x{} unnest(x.items) AS i(o){}"
    found = sparse(OWN, rest.format(",", ""))
    assert found["b"] == "mapped only in rows of array elements (t1): an empty array has no rows"
    assert not sparse(OWN, rest.format(" LEFT JOIN", " ON true"))
    assert not sparse(OWN, "SELECT rest_of(x) AS rest FROM e AS x", rest.format(",", ""))


def test_a_row_for_each_element_of_what_is_looked_up() -> None:
    world = World(
        {"e": [{"_id": 1, "s": "x", "to": 1}, {"_id": 2, "s": "y", "to": 2}], "f": [{"_id": 1, "l": [1]}, {"_id": 2}]}
    )
    sql = 'SELECT x.s AS s, x.to AS "to", l.v AS v FROM e AS x LEFT JOIN f AS y ON y._id = x.to{} unnest(y.l) AS l(v){}'
    assert [row["s"] for row in world.rows(sql.format(",", ""))] == ["x"]
    found = open_pairs(OWN, sql.format(",", ""), world=world)
    assert found["s"] == "mapped only in rows of array elements (t1): an empty array has no rows"
    assert not open_pairs(OWN, sql.format(" LEFT JOIN", " ON true"), world=world)


def test_two_tables_of_elements_and_none_of_the_record() -> None:
    """A record whose one array is empty has rows of the other, so that it is not quarantined."""
    items = "SELECT x.b AS b, i.o.v AS v, i.o.w AS w FROM e AS x, unnest(x.items) AS i(o)"
    found = sparse(items, "SELECT m.v AS v FROM e AS x, unnest(x.more) AS m(v)")
    assert found["b"] == "mapped only in rows of array elements (t0): an empty array has no rows"
    assert "b" not in sparse(items, "SELECT x.b AS b, m.v AS v FROM e AS x, unnest(x.more) AS m(v)")


# -- discards


def discard(**what: Any) -> Discard:
    return Discard(reason="nobody reads it", **what)


@pytest.mark.parametrize(
    ("discards", "left"),
    [
        ([discard(entity="e")], set[str]()),
        ([discard(entity="e", path=p) for p in EVERYTHING], set()),
        ([discard(entity="e", path=".")], set()),
        ([discard(entity="e", path=p) for p in EVERYTHING - {"o"}] + [discard(entity="e", path="o.b")], {"o"}),
        ([discard(entity="e", path=p) for p in EVERYTHING - {"tags"}]
         + [discard(entity="e", path="tags", types=("string",))], {"tags"}),
        ([discard(entity="e", path=p) for p in EVERYTHING - {"tags"}]
         + [discard(entity="e", path="tags", types=("string", "array"))], set()),
        ([discard(entity="other", path=p) for p in EVERYTHING], EVERYTHING),
        ([discard(entity="e", alias="x", where="x.s = 'y'")], EVERYTHING),
        ([discard(table="t0")], EVERYTHING),
    ],
)  # fmt: skip
def test_discards(discards: list[Discard], left: set[str]) -> None:
    assert set(open_pairs("SELECT 1 AS v FROM e AS x", discards=discards)) == left


def test_a_discard_of_a_type_is_not_of_what_other_types_hold() -> None:
    world = World({"e": [{"_id": 1, "o": {"a": 1, "b": 2}}, {"_id": 2, "o": "text"}, {"_id": 3, "o": [{"a": 3}]}]})
    sql = "SELECT x._id AS id, x.o.a AS a FROM e AS x"
    assert set(open_pairs(sql, discards=[discard(entity="e", path="o", types=("string", "array"))], world=world)) == {
        "o.b"
    }
    assert not open_pairs(
        sql, discards=[discard(entity="e", path="o", types=("string", "array", "object"))], world=world
    )


def test_types_that_a_discard_leaves_are_named() -> None:
    found = open_pairs("SELECT 1 AS v FROM e AS x", discards=[discard(entity="e", path="n", types=("string",))])
    assert found["n"] == "1 int"


def test_an_entity_that_nothing_maps() -> None:
    world = World({"e": [{"_id": 1}], "f": [{"_id": 1}, {"_id": 2}]})
    program = world.program("SELECT x._id AS v, y._id AS w FROM e AS x LEFT JOIN f AS y ON y._id = x._id")
    (finding,) = uncovered(program, world.shapes, [])
    assert (finding.kind, finding.place) == ("unmapped_entity", "f")
    assert finding.message == "2 documents, and no mapping has it as its root"
    assert (finding.hint or "").startswith('write a mapping FROM "f", or')  # as it can be typed: "fs.chunks" needs it
    assert not list(uncovered(program, world.shapes, [discard(entity="f")]))


def test_stale_discards() -> None:
    program = WORLD.program("SELECT x.s AS v FROM e AS x")
    discards = [
        discard(table="t"),
        discard(table="gone"),
        discard(entity="ee"),
        discard(entity="e", path="o.b.c"),
        discard(entity="e", path="o.bb"),
        discard(entity="e", path="o..b"),
        discard(entity="e", path="s", types=("binData:9",)),
        discard(entity="e", path="s", types=("strin",)),
    ]
    found = list(stale_discards(program, WORLD.shapes, discards))
    assert [(f.severity, f.place) for f in found] == [
        ("fault", "gone"),
        ("note", "ee"),
        ("note", "e.o.bb"),
        ("fault", "e.o..b"),
        ("note", "e.s"),
        ("fault", "e.s"),
    ]
    assert "o.b" in (found[2].hint or "")
    assert (found[5].hint or "").startswith("string")


# -- against a slow implementation


def slowly(node: Node, path: tuple[str, ...], read: set[tuple[str, ...]]) -> dict[str, set[str]]:
    """Pairs that no read place covers, each below the first open one left out: by walking down and asking at each
    step.
    """
    here = tuple(path)
    below = {p[len(here)] for p in read if len(p) > len(here) and p[: len(here)] == here}
    objects, arrays = bool(below - {"[]"}), "[]" in below
    left = set()
    for kind in node.types:
        covered = here in read and kind not in ("object", "array")
        covered = covered or (kind == "object" and objects) or (kind == "array" and arrays)
        if not covered and not (kind == "null" and (objects or arrays)):
            left.add(kind)
    if left and here:
        return {format_path(here): left}
    found: dict[str, set[str]] = {}
    for child in node.fields:
        found |= slowly(child, (*here, child.name), read)
    if node.element is not None:
        found |= slowly(node.element, (*here, "[]"), read)
    return found


@settings(max_examples=60)
@given(st.data())
def test_pairs_against_a_slow_walk(data: st.DataObject) -> None:
    plain = st.sampled_from(["a", "b", "c"])
    documents = st.dictionaries(plain, values().map(_plain_names), min_size=1, max_size=3)
    docs = [{"_id": i, **d} for i, d in enumerate(data.draw(st.lists(documents, min_size=1, max_size=3)))]
    world = World({"e": docs})
    readable = [
        p
        for p, n in world.shapes["e"].root.walk()
        if p and "[]" not in p and n.kind not in ("object", "array", "mixed")
    ]
    picked = data.draw(st.lists(st.sampled_from(readable), unique=True, max_size=4)) if readable else []
    outputs = ", ".join(f"x.{'.'.join(p)} AS v{i}" for i, p in enumerate(picked)) or "1 AS v"
    sql = f"SELECT {outputs} FROM e AS x"
    read = {u.path for b in world.program(sql).branches for u in b.uses if carries(u)}
    assert read == set(picked)
    wanted = slowly(world.shapes["e"].root, (), read)
    found = {
        k: {pair.split(" ", 1)[1].rstrip("s") for pair in v.split(", ")}
        for k, v in open_pairs(sql, world=world).items()
    }
    assert found == wanted


def _plain_names(value: Any) -> Any:
    """The same with names that need no other in SQL."""
    if isinstance(value, dict):
        return {f"f{i}": _plain_names(v) for i, v in enumerate(value.values())}
    return [_plain_names(v) for v in value] if isinstance(value, list) else value


def test_findings_are_sorted_and_have_a_way_out() -> None:
    program = WORLD.program("SELECT x._id AS v FROM e AS x")
    found: list[Finding] = list(uncovered(program, WORLD.shapes, []))
    assert all(f.hint and f'path = "{f.place.removeprefix("e.")}"' in f.hint for f in found)
