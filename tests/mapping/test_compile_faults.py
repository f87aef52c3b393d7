"""Refused mappings: line, column, reason, nearest name, and all faults reported together."""

from __future__ import annotations

import pytest
from bson import Code, Decimal128, Int64, ObjectId

from crossfade.errors import MappingFault
from crossfade.project import Discard
from mapping_world import World

WORLD = World(
    {
        "courses": [
            {
                "_id": ObjectId("0" * 24),
                "title": "Algebra",
                "instructor": ObjectId("0" * 24),
                "hours": 3,
                "big": Int64(4),
                "share": 0.5,
                "price": Decimal128("1.10"),
                "mixed": 1,
                "data": b"x",
                "settings": {"a": 1, "A": 2, "first name": "x"},
                "students": [{"name": "Ann", "items": [{"x": 1}]}],
                "kids": [ObjectId("0" * 24)],
                "tags": ["a"],
            },
            {"_id": ObjectId("1" * 24), "mixed": "two", "tags": "b"},
        ],
        "users": [{"_id": ObjectId("0" * 24), "email": "a@b", "age": 1, "tags": ["x"], "about": {"zip": 1}}],
        "fs.files": [{"_id": 1}],
    }
)

# The mark says where the fault is: it is taken out before the mapping is compiled.
REFUSED = {
    # names
    "a bare name": ("select @title x from courses c", "'title' is ambiguous", "c.title"),
    "a column of our own": ('select @c.title as "#row" from courses c', "a column cannot be called #row", None),
    "a bare name of two arrays": (
        "select @k x from courses c, unnest(c.kids) as a(k), unnest(c.kids) as b(k)", "'k' is ambiguous", "a.k or b.k"),
    "a bare name, misspelt": ("select @titel x from courses c", "unknown name 'titel'", "c.title"),
    "an unknown alias": ("select @d.title x from courses c", "unknown name 'd'", "c"),
    "another case": ("select c.@Title x from courses c", "courses has no field 'Title', but 'title'", "title"),
    "a misspelt field": ("select c.@titel x from courses c", "courses has no field 'titel'", "title"),
    "twins": ("select c.settings.@a x from courses c", "courses.settings has 'A' and 'a'", '"A#559a" or "a#ca97"'),
    "a name with a space": ('select c.settings."@first  name" x from courses c', "no field", '"first name"'),
    "a field of a value": ("select c.title.@x x from courses c", "courses.title holds string: it has no field", None),
    "a field of an array": ("select c.students.@name x from courses c", "courses.students holds array", "unnest"),
    "another case of an alias": ("select @C.title x from courses c", "unknown name 'C'", "c"),
    "an entity in another case": ("select c.title x from @Courses c", "no entity 'Courses', but 'courses'", "courses"),
    "a misspelt entity": ("select c.title x from @course c", "no entity 'course'", "courses"),
    "a field after FROM": ("select 1 x from courses c, @c.students s", "but a field of 'c'", "unnest(c.students)"),
    "a column that an unnest has not": (
        "select s.@nme x from courses c, unnest(c.students) as s(stud)", "'s' has no column 'nme'", "stud"),
    "a field of a position": (
        "select s.n.@x x from courses c, unnest(c.kids) with ordinality as s(k, n)", "'s' is long", None),
    # what DuckDB would do in silence
    "equal to NULL": ("select case when @c.title = null then 1 end x from courses c", "is never true", "IS NULL"),
    "unlike NULL": ("select @c.title <> (NULL) x from courses c", "is never true", "IS NULL"),
    "less than NULL, in a join": (
        "select 1 x from courses c left join users u on u._id = c.instructor and @u.age < cast(null as int)",
        "is never true", "IS NULL"),
    "NULL in a list": ("select 1 x from courses c where @c.title not in ('a', null)", "NOT IN finds nothing", "NULL"),
    "between NULL and": ("select @c.hours between null and 3 x from courses c", "is never true", "x >= least"),
    "a WHEN NULL": ("select case @c.hours when 1 then 2 when null then 0 end x from courses c", "never true", "IS"),
    "a sum with NULL": ("select @c.hours + null x from courses c", "NULL for every record", "leave the operand out"),
    "a text with NULL": ("select @c.title || null x from courses c", "NULL for every record", "leave the operand out"),
    "a pattern that is NULL": ("select @c.title like null x from courses c", "is never true", "IS NULL"),
    # what another language writes
    "three equal signs": ("select c.hours ==@= 3 x from courses c", "does not parse", "= and <> compare"),
    "a chain with ?.": ("select c?@.title x from courses c", "does not parse", "without ?"),
    "an object": ("select @c.settings x from courses c", "is an object, not a value", "json_of"),
    "an array of objects": ("select @c.students x from courses c", "are not plain values", "list_transform"),
    "an element that is an object": (
        "select @s.o x from courses c, unnest(c.students) as s(o)", "s.o is an object, not a value", "json_of"),
    "unnest of no array": ("select s.x x from courses c, unnest(@c.title) as s(x)", "not an array", None),
    "mixed in a comparison": ("select c.title x from courses c where @c.mixed = 1", "holds several types", "as_text"),
    "mixed in a function": ("select upper(@c.mixed) x from courses c", "holds several types", "as_text"),
    "mixed in arithmetic": ("select @c.mixed + 1 x from courses c", "holds several types", "parse_int"),
    "mixed beside text": ("select coalesce(@c.mixed, 'none') x from courses c", "holds several types", "as_text"),
    "mixed in CASE": ("select case when true then @c.mixed else 'a' end x from courses c", "holds several", "as_text"),
    "mixed in IN": ("select @c.mixed in (1, 2) x from courses c", "holds several types", "as_text"),
    "a list of mixed elements": (
        "select list_contains(@list_of(c.mixed), 'two') x from courses c", "holds several types", None),
    "calculating with a decimal": (
        "select cast(@c.price * 100 as bigint) x from courses c", "cannot be calculated", "as_decimal(c.price, 12"),
    "rounding a decimal": ("select round(@c.price) x from courses c", "calculated with", "as_decimal(c.price"),
    "comparing a decimal": ("select @c.price > 1 x from courses c", "would compare text", "as_decimal(c.price"),
    "an ObjectId and text": ("select @c._id = 'abc' x from courses c", "compares objectId with string", "oid_of"),
    "an ObjectId in texts": ("select @c._id in ('abc') x from courses c", "objectId with string", "oid_of"),
    "text and a number": ("select @c.title = c.hours x from courses c", "string with int", "parse_int"),
    "CASE x WHEN of another kind": (
        "select case @c._id when 'x' then 1 end x from courses c", "compares objectId with string", "oid_of"),
    "an ObjectId or text": ("select coalesce(@c._id, c.title) x from courses c", "others are not", "oid_text(c._id)"),
    "a long or a double": ("select coalesce(c.share, @c.big) x from courses c", "round it", "as_double(c.big)"),
    "a list of long and double": ("select [@c.big, c.share] x from courses c", "round it", "as_double(c.big)"),
    # casts
    "TRY_CAST": ("select try_cast(@c.title as int) x from courses c", "TRY_CAST silently turns", "CAST"),
    "TRY": ("select @try(c.hours / 0) x from courses c", "TRY silently turns an error into NULL", "without TRY"),
    "try_strptime": ("select @try_strptime(c.title, '%Y') x from courses c", "TRY silently turns", "without TRY"),
    "CAST of an ObjectId": ("select cast(@c._id as text) x from courses c", "is an ObjectId", "oid_text"),
    "CAST of mixed": ("select cast(@c.mixed as int) x from courses c", "holds several types", "parse_int"),
    "CAST of bytes": ("select @c.data::text x from courses c", "CAST would escape its bytes", "base64"),
    "CAST to bytes": ("select @c.title::blob x from courses c", "interprets escapes", "encode(c.title)"),
    "CAST to a list": ("select @c.kids::text[] x from courses c", "is not supported", "list_transform"),
    "CAST to seconds": ("select @c.title::timestamp_s x from courses c", "is not supported", "TIMESTAMP"),
    # functions
    "as_int of text": ("select @as_int(c.title) x from courses c", "courses.title holds string", "parse_int(...)"),
    "as_int of something": ("select @as_int(ascii(c.title)) x from courses c", "is unknown", "CAST(... AS ...)"),
    "as_int of two": ("select @as_int(c.hours, 1) x from courses c", "takes one value, not 2", None),
    "as_int of an expression of mixed": (
        "select @as_int(coalesce(c.mixed, c.mixed)) x from courses c", "takes the field itself", "as_int(alias.field)"),
    "json_of an expression": ("select @json_of(upper(c.title)) x from courses c", "takes a field", "json_of"),
    "present of nothing": ("select @present() x from courses c", "takes one value, not 0", None),
    "uuid_of nothing": ("select @uuid_of() x from courses c", "takes at least one value", None),
    "uuid_of a list": ("select uuid_of(@c.kids) x from courses c", "cannot be part of an id", None),
    "as_decimal without digits": ("select @as_decimal(c.price) x from courses c", "a precision and a scale", "12, 2"),
    "rest_of an element": (
        "select @rest_of(s.o) x from courses c, unnest(c.students) as s(o)", "takes the alias of the root", None),
    "rest_of a lookup": (
        "select @rest_of(u) x from courses c left join users u on u._id = c.instructor", "alias of the root", None),
    "a method": ("select @c.title.upper() x from courses c", "a function after a dot", "function(value)"),
    # across roots
    "star": ("select @* from courses", "* is not allowed: a mapping must name", None),
    "star of a table": ("select c.@* from courses c", "* is not allowed", None),
    "DISTINCT": ("select @distinct c.title x from courses c", "DISTINCT is not allowed", "list_distinct"),
    "ORDER BY": ("select c.title x from courses c @order by 1", "ORDER BY is not allowed", None),
    "LIMIT": ("select c.title x from courses c @limit 5", "LIMIT is not allowed: its result would depend on", None),
    "OFFSET": ("select c.title x from courses c @offset 5", "OFFSET is not allowed", None),
    "QUALIFY": ("select c.title x from courses c @qualify true", "QUALIFY is not allowed", None),
    "WITH": ("@with a as (select 1) select c.title x from courses c", "WITH is not allowed", None),
    "a window": ("select @row_number() over () x from courses c", "a window function", "WITH ORDINALITY"),
    "a window over a field": ("select @sum(c.hours) over () x from courses c", "a window function", None),
    "an aggregate": ("select @count(*) x from courses c", "an aggregate over all roots", "GROUP BY the root's key"),
    "TABLESAMPLE": ("select c.title x from @courses tablesample 10%", "only the name of an entity", None),
    "UNION": ("select c.title x from courses c @union select c.title x from courses c", "removes dupl", "UNION ALL"),
    "UNION ALL with an order": (
        "select c.title x from courses c union all select c.title x from courses c @order by 1", "ORDER BY is", None),
    "INTERSECT": ("select c.title x from courses c @intersect select 'a' x", "not INTERSECT", None),
    "GROUP BY without the key": ("select count(*) x from courses c group by @c.title", "the root's key", "c._id"),
    "GROUP BY ALL": ("@select c._id x from courses c group by all", "the root's key and fields", "GROUP BY"),
    "ROLLUP": ("select count(*) x from courses c group by rollup(@c._id)", "the root's key and fields", None),
    "gathering in no order": (
        "select @list(u.email) x from courses c left join users u on u._id = c.instructor group by c._id",
        "in no fixed order", "list(x ORDER BY y)"),
    # not twice the same
    "random()": ("select @random() x from courses c", "RANDOM() is not allowed: it would return another", "a constant"),
    "now()": ("select @now() x from courses c", "is not allowed: it would return another value", "a constant"),
    "current_date": ("@select current_date x from courses c", "is not allowed", None),
    "localtimestamp": ("select @localtimestamp x from courses c", "is not allowed", None),
    "current_localtimestamp()": ("select @current_localtimestamp() x from courses c", "is not allowed", None),
    "the age of today": ("select @age(date '2024-01-01') x from courses c", "is not allowed", None),
    "gen_random_uuid()": ("select @gen_random_uuid() x from courses c", "is not allowed", None),
    # FROM
    "no FROM": ("select @1 x", "the first table after FROM must be an entity", None),
    "a SELECT after FROM": ("select @a.x x from (select 1 x) a", "must be an entity", None),
    "an array first": ("select @s.x from unnest([1]) as s(x)", "must be an entity", None),
    "a file": ("select 1 x from @read_csv('x.csv')", "is not an entity of the source", "courses"),
    "no key": ("select c.title x from courses c join @users u on true", "looked up by an equality", "u._id = ..."),
    "no ON": ("select c.title x from courses c, @users u", "users has no key", "LEFT JOIN users AS u ON"),
    "USING": ("select c.title x from courses c join @users u using (_id)", "users has no key", "LEFT JOIN users"),
    "not by equality": (
        "select c.title x from courses c left join @users u on u._id > c._id", "by an equality", "u._id = ..."),
    "by an inequality of kinds": (
        "select c.title x from courses c left join users u on @u.email = c._id", "string with objectId", "oid"),
    "by an array": ("select c.title x from courses c left join users u on @u.tags = c.title", "scalar value", "unnest"),
    "by an object": ("select 1 x from courses c left join users u on @u.about = c.title", "scalar value", None),
    "by something unknown": (
        "select 1 x from courses c left join users u on u.age = @c.hours * 1.5", "unknown type", "CAST(... AS ...)"),
    "RIGHT JOIN": ("select 1 x from courses c @right join users u on u._id = c._id", "RIGHT JOIN is not", "LEFT JOIN"),
    "FULL JOIN": ("select 1 x from courses c @full join users u on u._id = c._id", "FULL JOIN is not", "LEFT JOIN"),
    "SEMI JOIN": ("select 1 x from courses c @semi join users u on u._id = c._id", "SEMI JOIN is not", "LEFT JOIN"),
    "NATURAL JOIN": ("select 1 x from courses c @natural join users u", "NATURAL JOIN is not", "LEFT JOIN"),
    "an alias twice": ("select 1 x from courses c left join @users c on c._id = c._id", "'c' is used twice", None),
    "aliases that differ in case": (
        "select 1 x from courses c left join @users C on C._id = c._id", "the alias 'C' is used twice", None),
    "an array without an alias": ("select 1 x from courses c, @unnest(c.kids)", "needs an alias", "AS i(item)"),
    "an element without a name": ("select 1 x from courses c, @unnest(c.kids) as k", "needs a name", "k(element)"),
    "a position without ORDINALITY": (
        "select k.n x from courses c, @unnest(c.kids) as k(k, n)", "has one column", "WITH ORDINALITY AS k(k, n)"),
    "two arrays at once": ("select 1 x from courses c, @unnest(c.kids, c.tags) as k(a)", "takes one array", None),
    "element and position that differ in case": (
        "select 1 x from courses c, @unnest(c.kids) with ordinality as k(n, N)", "are the same name in SQL", None),
    "unnest in the SELECT": ("select @unnest(c.kids) x from courses c", "only allowed after FROM", "FROM ..., unnest"),
    "a nested SELECT of an entity": (
        "select (select 1 from @users) x from courses c", "can read only arrays (unnest)", "LEFT JOIN ... ON"),
    "a nested UNION": ("select (select @1 union all select 2) x from courses c", "only a plain SELECT", None),
    # outputs
    "an output without a name": ("select @upper(c.title) from courses c", "has no name", "UPPER(c.title) AS"),
    "an output twice": ("select 1 x, @c.title x from courses c", "the column 'x' is specified twice", None),
    # parsing
    "a slip": ("select c.title x @frm courses c", "does not parse: Invalid expression", None),
    "an open quote": ("select @'abc from courses c", "is not closed", None),
    "nothing": ("@", "a mapping is one SELECT, but the file has 0 statements", None),
    "two statements": ("@select c.title x from courses c; select 1", "a mapping is one SELECT, but the file", None),
    "another statement": ("@delete from courses", "a mapping is a SELECT, not DELETE", None),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    """Below a comment and indented, to see that lines and columns are counted from the file's beginning."""
    marked, reason, hint = REFUSED[name]
    above = "" if name == "nothing" else "-- what it is for\n  "
    text = above + marked
    (fault,) = WORLD.faults(text.replace("@", "", 1))
    assert reason in fault.reason
    assert (fault.hint or "") == "" if hint is None and fault.hint is None else (hint or "") in (fault.hint or "")
    offset = text.index("@")
    line, column = text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
    if "name" in name and '"' in marked:
        column -= 1  # the quote before the mark
    if reason.startswith("a mapping is one"):
        line, column = 1, 0
    assert (fault.file, fault.line, fault.column) == ("mapping/t.sql", line, column), fault.reason


def test_every_fault_of_a_file_is_reported() -> None:
    sql = """SELECT c.titel AS a,
       as_int(c.title) AS b,
       u.emial AS c,
       c.hours AS d,
       c.hours AS d
FROM courses AS c
LEFT JOIN users AS u ON u._id = c.instructr
LEFT JOIN userz AS z ON z._id = c._id
WHERE c.hurs > 1 AND z.x = 1 AND c.shar > 2
UNION ALL
SELECT k.titel AS a FROM courses AS k LIMIT 3"""
    found = [(f.line, f.column) for f in WORLD.faults(sql)]
    assert sorted(found) == [(1, 10), (2, 8), (5, 8), (7, 35), (8, 11), (9, 9), (9, 36), (11, 10), (11, 39)]


def test_every_unknown_name_of_an_expression_is_reported() -> None:
    """But none that the expression declares itself, or that belongs to an alias with a fault."""
    sql = """SELECT {'a': c.titel, 'b': c.hurs + 1, 'c': d.x} AS a,
       list_transform(c.studens, lambda s: s.nam || c.titel || u.emial) AS b
FROM courses AS c LEFT JOIN users AS u ON u._id = c.instructr AND u.emial = c.title"""
    found = [(f.line, f.column) for f in WORLD.faults(sql)]
    assert sorted(found) == [(1, 16), (1, 30), (2, 25), (2, 55), (3, 53), (3, 69)]


def test_a_condition_that_is_nested_too_deeply() -> None:
    (fault,) = WORLD.faults(f"SELECT c.title AS v FROM courses c WHERE {'(' * 400}c.x{')' * 400} IS NOT NULL")
    assert "no field 'x'" in fault.reason or "nested too deeply" in fault.reason


CODE = World(
    {"e": [{"_id": 1, "js": Code("f()"), "both": Code("f()"), "u": 1, "jsx": Code("g()"), "any": Code("g()")},
           {"_id": 2, "both": Code("h()", {"a": 1}), "u": "two", "jsx": "text", "any": {"a": 1}}]}
)  # fmt: skip
TYPES_NAMED = {
    "upper(x.u)": ("x.u holds several types (int, string)", "as_text(x.u); ejson_of(x.u) for the Extended JSON"),
    "x.u + 1": ("x.u holds several types (int, string)", "as_text(x.u) or as_decimal(x.u) or parse_int(x.u)"),
    "CAST(x.u AS TEXT)": ("x.u holds several types (int, string)", "as_text(x.u)"),
    "upper(x.js)": ("x.js holds values that SQL has no type for (javascript)", "code_text(x.js)"),
    'lower(x."both")': ("several types (javascript, javascriptWithScope)", 'code_text(x."both"), code_scope(x."both")'),
    "lower(x.jsx)": ("several types (javascript, string)",
                      "CASE type_of(x.jsx) WHEN 'javascript' THEN code_text(x.jsx) ELSE as_text(x.jsx) END"),
    'lower(x."any")': ("several types (javascript, object)", 'json_of(x."any") or ejson_of(x."any")'),
}  # fmt: skip


@pytest.mark.parametrize("expression", TYPES_NAMED)
def test_the_types_of_a_mixed_place_are_named_and_what_reads_them(expression: str) -> None:
    reason, hint = TYPES_NAMED[expression]
    (fault,) = CODE.faults(f"SELECT {expression} AS v FROM e AS x")
    assert reason in fault.reason
    assert (fault.hint or "").startswith(hint)


def test_the_hint_for_code_beside_text_works() -> None:
    """It is what the fault of `lower` says."""
    assert CODE.values(TYPES_NAMED["lower(x.jsx)"][1]) == ["g()", "text"]


ALIKE = World(
    {
        "e": [{"_id": 1, "name": 1, "caf\u00e9": 1, "zero\u200bwidth": 1, "ni\u00f1o": 1, "nin\u0303o": 2, "a#b": 1}],
        "\u0435ntries": [{"_id": 1}],
    }
)
LOOK_ALIKES = {
    "x.n\u0430me": ("has no field 'n\u0430me', but 'name', which looks the same: it has U+0061 (LATIN SMALL LETTER A)"
                    " instead of U+0430 (CYRILLIC SMALL LETTER A)", "name"),
    'x."cafe\u0301"': ("U+00E9 (LATIN SMALL LETTER E WITH ACUTE) instead of U+0065 (LATIN SMALL LETTER E) U+0301",
                       '"caf\u00e9"'),
    "x.zerowidth": ("it has U+200B (ZERO WIDTH SPACE) in addition", '"zerowidth#'),
    'x."na\u200bme"': ("it has no U+200B (ZERO WIDTH SPACE)", "name"),
    'x."ni\u00f1o"': ("which SQL cannot distinguish: the first has U+006E (LATIN SMALL LETTER N) U+0303", "ni\u00f1o#"),
    'x."a#b"': ("the field 'a#b' of e has the name 'a#b#", '"a#b#'),
    "x.Name": ("but 'name': names are case-sensitive", "name"),
}  # fmt: skip


@pytest.mark.parametrize("expression", LOOK_ALIKES)
def test_names_that_look_alike_are_told_apart_by_their_characters(expression: str) -> None:
    reason, hint = LOOK_ALIKES[expression]
    (fault,) = ALIKE.faults(f"SELECT {expression} AS v FROM e AS x")
    assert reason in fault.reason
    assert hint in (fault.hint or "")


def test_entities_that_look_alike_are_told_apart_by_their_characters() -> None:
    (fault,) = ALIKE.faults("SELECT x._id AS v FROM entries AS x")
    assert "it has U+0435 (CYRILLIC SMALL LETTER IE) instead of U+0065 (LATIN SMALL LETTER E)" in fault.reason


def test_what_hangs_on_a_fault_is_not_told_again() -> None:
    (fault,) = WORLD.faults("SELECT c.titel AS a, upper(c.title) AS b, title AS d FROM corses AS c WHERE c.x > 1")
    assert "no entity 'corses'" in fault.reason


def test_faults_of_all_files_in_one_go() -> None:
    with pytest.raises(MappingFault) as refused:
        WORLD.program({"a": "SELECT c.x AS v FROM courses c", "b": "SELECT", "c": "SELECT c.y AS v FROM courses c"})
    assert [f.file for f in refused.value.faults] == ["mapping/a.sql", "mapping/b.sql", "mapping/c.sql"]


def test_faults_of_a_discard_show_its_text() -> None:
    discard = Discard(reason="old", entity="courses", alias="c", where="c.hurs > 1")
    (fault,) = WORLD.faults("SELECT c.title AS v FROM courses c", [discard])
    assert (fault.file, fault.statement, fault.hint) == ("crossfade.toml", "c.hurs > 1", "hours")


@pytest.mark.parametrize(
    "where",
    ["", "c.hours > 1; c.hours < 5", "c.hours > 1; DROP TABLE t", "SELECT 1", "DROP TABLE t", "c.hours", "c.title"],
)
def test_a_discard_that_is_no_condition(where: str) -> None:
    discard = Discard(reason="old", entity="courses", alias="c", where=where)
    (fault,) = WORLD.faults("SELECT c.title AS v FROM courses c", [discard])
    assert "condition" in fault.reason


def test_a_mapping_that_is_nested_too_deeply() -> None:
    (fault,) = WORLD.faults(f"SELECT {'(' * 5000}1{')' * 5000} AS v FROM courses c")
    assert "nested too deeply" in fault.reason
