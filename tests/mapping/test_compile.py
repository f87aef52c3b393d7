"""Valid mappings and their results: names, arrays, nested SELECTs, CASE, UNION ALL."""

from __future__ import annotations

import cProfile
import uuid
from typing import Any

import pytest
from bson import Int64, ObjectId

from crossfade.errors import Misused
from crossfade.mapping.language.compile import digest_of, read_mappings
from crossfade_ids import uuid_of
from mapping_world import World

IDS = [ObjectId(f"{i:024x}") for i in range(10)]

WORLD = World(
    {
        "courses": [
            {
                "_id": IDS[1],
                "title": "Algebra",
                "hours": 3,
                "tags": ["a", "b"],
                "level": {"name": "one", "marks": [1, 2]},
                "students": [
                    {"name": "Ann", "items": [{"x": 1}, {"x": 2}]},
                    {"name": "Ben", "items": []},
                    {"name": "Cid", "items": [{"x": 3}]},
                ],
            },
            {"_id": IDS[2], "title": "Botany", "hours": Int64(4), "tags": [], "level": None, "students": []},
            {"_id": IDS[3], "hours": None, "tags": "c"},
        ],
        "fs.files": [{"_id": 1, "filename": "x", "n": [10, 20, 30]}],
        "odd": [
            {
                "_id": 1,
                "a": "small",
                "A": "big",
                "": "empty",
                "x.y": "dot",
                "$z": "dollar",
                "#h": "hash",
                "two words": "space",
                'q"q': "quote",
                "naïve": "unicode",
                "in": {"a": "below", "A": "BELOW"},
                "order": "reserved",
                "c0": "as our own once were",
                "root": "as our table",
            }
        ],
    }
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ('"a#ca97"', "small"),
        ('"A#559a"', "big"),
        ('"#e3b0"', "empty"),
        ('"x.y"', "dot"),
        ('"$z"', "dollar"),
        ('"two words"', "space"),
        ('"q""q"', "quote"),
        ('"naïve"', "unicode"),
        ('"in"."a#ca97"', "below"),
        ('"in"."A#559a"', "BELOW"),
        ('"order"', "reserved"),
        ("c0", "as our own once were"),
        ("root", "as our table"),
    ],
)
def test_odd_names(name: str, value: str) -> None:
    assert WORLD.rows(f"SELECT o.{name} AS v FROM odd AS o") == [{"v": value}]
    assert WORLD.rows(f'SELECT "odd".{name} AS "the ""value""" FROM odd') == [{'the "value"': value}]


def test_all_odd_names_at_once() -> None:
    """DuckDB does not tell the case of columns: those of twins get names that differ in more than case."""
    sql = """SELECT root."A#559a" AS "V", root."a#ca97" AS v, json_of(root."in") AS j FROM odd AS root"""
    (row,) = WORLD.rows(sql)
    assert list(row.values()) == ["big", "small", '{"a":"below","A":"BELOW"}']


@pytest.mark.parametrize("alias", ["c", '"a b"', '"q""q"', "root", "lookup0", '"c.d"', '"naïve"', "v", "x", "t", "m"])
def test_aliases(alias: str) -> None:
    sql = f"""
        SELECT {alias}.title AS title, list_transform({alias}.students, lambda s: upper(s.name)) AS names,
               uuid_of({alias}._id, {alias}.title) IS NOT NULL AS has_id
        FROM courses AS {alias} WHERE {alias}.hours = 3"""
    assert WORLD.rows(sql) == [{"title": "Algebra", "names": ["ANN", "BEN", "CID"], "has_id": True}]


@pytest.mark.parametrize("letter", ["v", "x", "e", "r", "t", "m", "f", "d", "h", "p", "c", "s", "cf_e", "title"])
def test_parameters_are_not_taken_for_those_of_macros(letter: str) -> None:
    sql = f"""SELECT list_transform(co.students, lambda {letter}: uuid_of(co._id, {letter}.name)) AS ids,
                     list_transform(co.tags2, lambda {letter}: as_text({letter})) AS texts
              FROM courses AS co"""
    world = World({"courses": [{"_id": 1, "title": "t", "tags2": [1, "a", True], "students": [{"name": "Ann"}]}]})
    (row,) = world.rows(sql)
    assert row["texts"] == ["1", "a", "true"]
    assert row["ids"] == world.rows("SELECT [uuid_of(c._id, 'Ann')] AS ids FROM courses c")[0]["ids"]


def test_entities_with_dots() -> None:
    assert WORLD.rows("SELECT f.filename AS v FROM fs.files AS f") == [{"v": "x"}]
    assert WORLD.rows('SELECT f.filename AS v FROM "fs.files" f') == [{"v": "x"}]
    assert WORLD.rows('SELECT "fs.files".filename AS v FROM "fs.files"') == [{"v": "x"}]


# -- arrays


def test_a_row_for_each_element() -> None:
    sql = """SELECT c.title AS title, s.student.name AS name, s.n AS n
             FROM courses AS c, unnest(c.students) WITH ORDINALITY AS s(student, n)"""
    names = [{"title": "Algebra", "name": name, "n": n} for n, name in enumerate(["Ann", "Ben", "Cid"], 1)]
    assert sorted(WORLD.rows(sql), key=lambda row: int(row["n"])) == names


def test_elements_of_elements() -> None:
    sql = """SELECT s.student.name AS name, i.item.x AS x, s.n AS n, i.m AS m
             FROM courses AS c, unnest(c.students) WITH ORDINALITY AS s(student, n),
                  unnest(s.student.items) WITH ORDINALITY AS i(item, m)"""
    assert sorted(tuple(r.values()) for r in WORLD.rows(sql)) == [("Ann", 1, 1, 1), ("Ann", 2, 1, 2), ("Cid", 3, 3, 1)]


def test_left_join_unnest_keeps_documents_without_elements() -> None:
    sql = "SELECT c._id AS id, s.student.name AS name FROM courses c LEFT JOIN unnest(c.students) AS s(student) ON true"
    rows = sorted((r["id"], r["name"] or "") for r in WORLD.rows(sql))
    assert [(i[-1], name) for i, name in rows] == [(1, "Ann"), (1, "Ben"), (1, "Cid"), (2, ""), (3, "")]


def test_list_of_takes_single_values_for_lists_of_one() -> None:
    sql = "SELECT c._id AS id, t.tag AS tag FROM courses AS c, unnest(list_of(c.tags)) AS t(tag)"
    assert sorted(r["tag"] for r in WORLD.rows(sql)) == ["a", "b", "c"]
    assert WORLD.values("list_of(x.tags)", "courses") == [["a", "b"], [], ["c"]]


def test_list_of_objects_and_arrays_of_objects() -> None:
    world = World({"e": [{"_id": 1, "a": {"n": 1}}, {"_id": 2, "a": [{"n": 2}, {"n": 3, "s": "x"}]}, {"_id": 3}]})
    rows = world.rows("SELECT x._id AS k, a.o.n AS n, a.o.s AS s FROM e AS x, unnest(list_of(x.a)) AS a(o)")
    assert sorted(tuple(r.values()) for r in rows) == [(1, 1, None), (2, 2, None), (2, 3, "x")]
    assert world.values("list_transform(list_of(x.a), lambda o: o.n)") == [[1], [2, 3], None]
    assert world.values("[o.n + 1 for o in list_of(x.a) if o.n > 1]") == [[], [3, 4], None]


def test_an_array_that_the_survey_only_saw_empty() -> None:
    world = World({"e": [{"_id": 1, "a": [], "b": None}]})
    assert world.values("len(x.a)") == [0]
    assert world.values("list_of(x.a)") == [[]]
    assert world.rows("SELECT x._id AS k, a.v AS v FROM e AS x, unnest(x.a) AS a(v)") == []
    assert world.rows("SELECT x._id AS k, a.v AS v FROM e AS x, unnest(x.b) AS a(v)") == []


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("x.l[1]", 10),
        ("x.l[-1]", 30),
        ("x.l[4]", None),
        ("x.l[2:3]", [20, 30]),
        ("x.l[-2:-1]", [20, 30]),
        ("x.l[2:]", [20, 30]),
        ("x.l[:-2]", [10, 20]),
        ("x.o[2].n", 2),
        ("x.o[2:][1].n", 2),
        ("x.o[-1].deep[1].z", "d2"),
        ("list_transform(x.o, lambda o: o.n * 10)", [10, 20]),
        ("list_transform(x.o, lambda o, i: o.n * 10 + i)", [11, 22]),
        ("list_transform(x.o, lambda o: list_transform(o.deep, lambda d: d.z || o.n))", [["d11"], ["d22"]]),
        ("list_transform(x.o, lambda o: [d.z for d in o.deep])", [["d1"], ["d2"]]),
        ("list_filter(x.l, lambda n: n > 10)", [20, 30]),
        ("list_filter(x.o, lambda o: o.n > 1)[1].deep[1].z", "d2"),
        ("list_transform(list_filter(x.o, lambda o: o.n > 1), lambda o: o.n)", [2]),
        ("list_reduce(x.l, lambda a, b: a + b)", 60),
        ("list_reduce(x.l, lambda a, b, i: a + b * i, 1)", 141),
        ("[n + 1 for n in x.l]", [11, 21, 31]),
        ("[n for n in x.l if n > 10]", [20, 30]),
        ("len(x.o)", 2),
        ("len(x.l[2:])", 2),
        ("len(list_filter(x.o, lambda o: o.n > 1))", 1),
        ("length(x.s)", 5),
        ("x.s[1:3]", "wor"),
        ("list_contains(x.l, 20)", True),
        ("list_distinct([x.n, x.n, NULL])", [7]),
        ("list_sort(x.l, 'DESC')", [30, 20, 10]),
        ("array_to_string([s for s in x.t], ',')", "a,b"),
    ],
)
def test_lists(expression: str, value: Any) -> None:
    world = World(
        {
            "e": [
                {
                    "_id": 1,
                    "n": 7,
                    "s": "words",
                    "t": ["a", "b"],
                    "l": [10, 20, 30],
                    "o": [{"n": 1, "deep": [{"z": "d1"}]}, {"n": 2, "deep": [{"z": "d2"}]}],
                }
            ]
        }
    )
    assert world.values(expression) == [value]


# -- nested SELECTs


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("(SELECT list(t.v ORDER BY t.v DESC) FROM unnest(list_of(x.tags)) AS t(v))", [["b", "a"], None, ["c"]]),
        ("(SELECT count(*) FROM unnest(x.students) AS s(o))", [3, 0, 0]),
        ("(SELECT count(*) FROM unnest(x.students) AS s(o) WHERE s.o.name > 'B')", [2, 0, 0]),
        ("(SELECT string_agg(s.o.name, '+' ORDER BY s.n DESC) FROM unnest(x.students) WITH ORDINALITY AS s(o, n))",
         ["Cid+Ben+Ann", None, None]),
        ("(SELECT s.o.name FROM unnest(x.students) WITH ORDINALITY AS s(o, n) ORDER BY s.n DESC LIMIT 1)",
         ["Cid", None, None]),
        ("(SELECT sum(i.o.x) FROM unnest(x.students) AS s(o), unnest(s.o.items) AS i(o))", [6, None, None]),
        ("EXISTS (SELECT 1 FROM unnest(x.students) AS s(o) WHERE s.o.name = 'Ben')", [True, False, False]),
        ("'Ben' IN (SELECT s.o.name FROM unnest(x.students) AS s(o))", [True, False, False]),
        ("(SELECT max(len(s.o.items)) FROM unnest(x.students) AS s(o))", [2, None, None]),
        ("coalesce((SELECT min(t.v) FROM unnest(list_of(x.tags)) AS t(v)), x.title)", ["a", "Botany", "c"]),
        ("(SELECT upper(x.title))", ["ALGEBRA", "BOTANY", None]),
    ],
)  # fmt: skip
def test_nested_selects(expression: str, values: list[Any]) -> None:
    assert WORLD.values(expression, "courses") == values


# -- kinds


@pytest.mark.parametrize(
    "expression",
    [
        "x._id",
        "coalesce(x._id, x._id)",
        "coalesce(x._id, x.other)",
        "CASE WHEN x.s = 'a' THEN x._id ELSE x._id END",
        "CASE x.s WHEN 'a' THEN x._id ELSE x.other END",
        "IF(x.s = 'a', x._id, x.other)",
        "nullif(x._id, x.other)",
        "(x._id)",
        "coalesce(NULL, x._id)",
        "oid_of(oid_text(x._id))",
        "[x._id][1]",
        "list_extract([x._id], 1)",
        "(SELECT x._id)",
        "(SELECT v.i FROM unnest([x._id]) AS v(i))",
        "greatest(x._id, x._id)",
    ],
)
def test_an_id_is_the_same_however_it_is_written(expression: str) -> None:
    world = World({"e": [{"_id": IDS[5], "s": "a", "other": IDS[6]}]})
    assert world.values(f"uuid_of({expression})") == world.values("uuid_of(x._id)")
    assert world.values(f"uuid_of({expression}, 'x')") == world.values("uuid_of(x._id, 'x')")


def test_unknown_numbers_have_the_names_of_numbers() -> None:
    world = World({"e": [{"_id": 5, "d": 4.0, "s": "5"}]})
    assert world.values("uuid_of(x._id)") == world.values("uuid_of(x.d + 1)") == world.values("uuid_of(2 + 3)")
    assert world.values("uuid_of(x._id)") != world.values("uuid_of(concat('', x.s))")
    assert world.values("uuid_of(x.s)") == world.values("uuid_of(concat('', x.s))") == world.values("uuid_of('5')")


def test_case_keeps_what_its_results_are() -> None:
    world = World({"e": [{"_id": 1, "b": True, "s": "yes"}]})
    assert world.values("CASE WHEN x.b THEN true ELSE false END") == [True]
    assert world.values("CASE x.s WHEN 'yes' THEN 1 WHEN 'no' THEN 0 END") == [1]
    assert world.values("CASE WHEN x.b THEN x.s END") == ["yes"]
    assert world.values("coalesce(CASE WHEN NOT x.b THEN x.s END, 'none')") == ["none"]


def test_a_nested_select_with_an_aggregate_in_a_group() -> None:
    world = World({"e": [{"_id": 1, "s": "a", "l": [1, 2]}], "f": [{"_id": 1, "of": 1, "m": 7}]})
    nested = "(SELECT string_agg(concat(x.s, CAST(q.v AS VARCHAR)), ',' ORDER BY q.v) FROM unnest(x.l) AS q(v))"
    sql = f"SELECT {nested} AS v, max(y.m) AS m FROM e AS x LEFT JOIN f AS y ON y.of = x._id GROUP BY x._id"
    assert world.rows(sql) == [{"v": "a1,a2", "m": 7}]


# -- UNION ALL


def test_union_all_of_two_roots() -> None:
    sql = """
        SELECT c.title AS name, 'course' AS kind FROM courses AS c WHERE c.title IS NOT NULL
        UNION ALL
        (SELECT f.filename AS name, 'file' AS kind FROM fs.files AS f)"""
    program = WORLD.program(sql)
    assert [b.entity for b in program.branches] == ["courses", "fs.files"]
    assert sorted(r["name"] for r in WORLD.rows(sql)) == ["Algebra", "Botany", "x"]


def test_branches_of_one_entity_share_their_columns() -> None:
    program = WORLD.program(
        {"a": "SELECT c.title AS v FROM courses AS c", "b": "SELECT x.title AS v, x.hours AS h FROM courses AS x"}
    )
    assert [c.name for c in program.feeds["courses"].columns] == ["title", "hours"]
    assert len(program.feeds["courses"].branches) == 2


def test_comments_semicolons_and_from_first() -> None:
    sql = "-- a comment\nFROM courses AS c\nSELECT c.title AS v /* another */; -- and one more\n"
    assert [r["v"] for r in WORLD.rows(sql)] == ["Algebra", "Botany", None]


# -- what is asked of the reader and said of a branch


def test_one_row_filtered_and_unnested() -> None:
    def of(sql: str) -> tuple[bool, str | None, int]:
        (branch,) = WORLD.program(sql).branches
        return branch.one_row, branch.filtered, len(branch.unnested)

    assert of("SELECT c.title AS v FROM courses c") == (True, None, 0)
    assert of("SELECT c.title AS v FROM courses c WHERE c.title IS NOT NULL") == (True, None, 0)
    assert of("SELECT c.title AS v FROM courses c WHERE c.hours > 3") == (True, "WHERE c.hours > 3", 0)
    assert of("SELECT s.o.name AS v FROM courses c, unnest(c.students) AS s(o)") == (False, None, 1)
    assert of("SELECT s.o.name AS v FROM courses c LEFT JOIN unnest(c.students) AS s(o) ON true") == (False, None, 0)
    one, filtered, _ = of("SELECT c.title AS v FROM courses c JOIN odd o ON o._id = c.hours")
    assert one
    assert filtered == "JOIN odd AS o ON o._id = c.hours"
    assert of("SELECT c.title AS v FROM courses c LEFT JOIN odd o ON o._id = c.hours WHERE o._id IS NOT NULL")[1]
    assert of("SELECT c.title AS v FROM courses c JOIN unnest(c.students) AS s(o) ON s.o.name > 'B'")[1]
    left = of("SELECT s.o.name AS v FROM courses c LEFT JOIN unnest(c.students) AS s(o) ON s.o.name > 'B'")
    assert left[1] == "ON s.o.name > 'B'"
    assert of("SELECT c._id AS v FROM courses c GROUP BY c._id HAVING count(*) > 1")[1] == "HAVING COUNT(*) > 1"


def test_asking_for_a_null_element_leaves_rows_out() -> None:
    world = World({"e": [{"_id": 1, "l": [1, None], "m": [1]}]})
    (of_nulls,) = world.program("SELECT l.v AS v FROM e x, unnest(x.l) AS l(v) WHERE l.v IS NOT NULL").branches
    (of_none,) = world.program("SELECT m.v AS v FROM e x, unnest(x.m) AS m(v) WHERE m.v IS NOT NULL").branches
    assert (of_nulls.filtered, of_none.filtered) == ("WHERE NOT l.v IS NULL", None)


# -- files and digests


def test_mappings_are_read_by_their_names(tmp_path: Any) -> None:
    (tmp_path / "b.t.sql").write_text("SELECT 1")
    (tmp_path / "notes.txt").write_text("no mapping")
    assert read_mappings(tmp_path) == {"b.t": "SELECT 1"}
    (tmp_path / "bom.sql").write_bytes(b"\xef\xbb\xbfSELECT 2")
    assert read_mappings(tmp_path)["bom"] == "SELECT 2"


def test_a_folder_without_mappings_and_a_file_that_is_no_text(tmp_path: Any) -> None:
    assert read_mappings(tmp_path) == {}
    (tmp_path / "bad.sql").write_bytes(b"SELECT '\xff'")
    with pytest.raises(Misused, match=r"bad\.sql is not UTF-8"):
        read_mappings(tmp_path)


def test_the_digest_changes_with_a_mapping() -> None:
    assert digest_of({"a": "SELECT 1"}, ()) != digest_of({"a": "SELECT 2"}, ())
    assert digest_of({"a": "SELECT 1"}, ()) == digest_of({"a": "SELECT 1"}, ())


def test_ids_of_elements_are_those_of_python() -> None:
    sql = "SELECT uuid_of(c._id, s.o.name) AS v FROM courses AS c, unnest(c.students) AS s(o)"
    made = {uuid.UUID(r["v"]) for r in WORLD.rows(sql)}
    assert made == {uuid_of(IDS[1].binary, name) for name in ("Ann", "Ben", "Cid")}


@pytest.mark.parametrize(
    "select",
    [
        "SELECT p._id AS id, {} FROM people AS p",
        "SELECT p._id AS id, {} FROM people AS p, unnest(p.tags) AS t(tag) WHERE p._id > 0",
        "SELECT p._id AS id, {} FROM people AS p LEFT JOIN people AS b ON b._id = p.c1 GROUP BY p._id",
    ],
)
def test_compiling_is_linear_in_the_columns(select: str) -> None:
    """Counted in calls: twice the columns take twice the work, not four times."""

    def calls(columns: int) -> int:
        names = [f"c{i}" for i in range(columns)]
        world = World({"people": [{"_id": 1, "tags": ["a"], **dict.fromkeys(names, 5)}]})
        mapping = select.format(", ".join(f"p.{name} + 1 AS {name}" for name in names))
        profile = cProfile.Profile()
        profile.runcall(world.program, {"people": mapping})
        return sum(entry.callcount for entry in profile.getstats())

    calls(5)  # what is loaded and cached once
    assert calls(160) < 2.4 * calls(80)
