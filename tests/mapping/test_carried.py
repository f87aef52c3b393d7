"""What `check` calls covered in full reaches the target: another value in its place makes another row."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from crossfade.mapping.coverage.partial import partly_covered
from crossfade.mapping.coverage.uncovered import uncovered
from crossfade.model.program import ROOT_TABLE, ROW, Branch, Program
from crossfade.model.target import TargetSchema
from crossfade.transform.engine import EngineError
from mapping_world import ENGINE, World, python_rows

Step = str | int
Document = dict[str, Any]

DOCUMENTS: list[Document] = [
    {"_id": 1, "s": "abc", "t": "tt", "n": 5, "m": 7, "l": [3, 4], "o": {"a": 1, "b": "ob"}, "flag": True, "st": "new",
     "items": [{"x": 1, "y": "iy", "z": [1, 2]}, {"x": 2, "z": []}, {"y": "only"}], "tags": ["p", "q"],
     "map": {"k1": 1, "k2": 2}, "e": {"a": 1}},
    {"_id": 2, "s": "def", "n": 6, "m": "mtext", "l": [], "o": {"a": 2}, "items": [], "tags": [], "flag": False,
     "st": "old"},
    {"_id": 3, "t": "uu", "n": None, "m": "other", "o": {"b": "z"}, "items": [{"x": 9, "z": [5]}], "tags": ["r"],
     "flag": True, "st": "new", "e": "txt"},
    {"_id": 4, "s": "ghi", "t": "vv", "m": 8, "l": [9], "tags": "single", "flag": False, "e": [1, 2]},
    {"_id": 5, "s": "jkl", "items": [{"y": "q", "z": [7]}, {"x": 3, "y": "r", "z": []}], "l": [1], "tags": ["a"],
     "m": 9, "o": {}, "st": "old", "e": {"a": 7}},
]  # fmt: skip
OTHERS: list[Document] = [{"_id": 1, "v": "one", "w": [1]}, {"_id": 2, "v": "two"}]


def leaves(value: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    if isinstance(value, dict | list):
        steps: Any = value.items() if isinstance(value, dict) else enumerate(value)
        for step, below in steps:
            yield from leaves(below, (*path, step))
    elif value is not None:
        yield path


def with_another_value(document: Document, path: tuple[Step, ...]) -> Document:
    changed = copy.deepcopy(document)
    at: Any = changed
    for step in path[:-1]:
        at = at[step]
    old = at[path[-1]]
    listed = {"new": "old", "old": "new"}  # the survey lists the values of st
    new = not old if isinstance(old, bool) else old + 100 if isinstance(old, int) else listed.get(old, old + "Z")
    at[path[-1]] = new
    return changed


VARIANTS = [(number, path, with_another_value(document, path))
            for number, document in enumerate(DOCUMENTS) for path in leaves(document) if path != ("_id",)]  # fmt: skip
SHAPES = World({"e": DOCUMENTS, "f": OTHERS})
WORLD = World({"e": [*DOCUMENTS, *(document for _, _, document in VARIANTS)], "f": OTHERS})
WORLD.shapes = SHAPES.shapes
EMPTY = TargetSchema("postgresql", (), (), (), lambda: None, "")

CONDITIONS = st.sampled_from(
    ["x.flag", "x.n > 5", "x.s IS NOT NULL", "x.o.a IS NULL", "x.t IS NULL OR x.flag", "present(x.s)", "len(x.l) > 0",
     "bson_type(x.m) = 'string'", "bson_type(x.m) <> 'string'", "NOT (bson_type(x.m) = 'string')",
     "bson_type(x.m) IN ('int', 'string')", "bson_type(x.m) = 'string' AND x.flag", "bson_type(x.m) = bson_type(x.e)",
     "bson_type(x.m) = 'int' OR bson_type(x.e) = 'object'", "x.st = 'new'"]
)  # fmt: skip
VALUES = (
    "x.s", "x.t", "x.st", "x.o.b", "as_text(x.m)", "CAST(x.n AS VARCHAR)", "json_of(x.o)", "json_of(x.map)",
    "array_to_string(x.l, ',')", "json_of(x.items)", "json_list(x.tags)", "ejson_of(x.e)", "json_of(x.e.a)",
    "rest_of(x)", "CAST(x.flag AS VARCHAR)", "array_to_string(list_of(x.tags), ',')", "'k'", "x.items[1].y",
)  # fmt: skip
FORMS = (
    "({0} || {1})", "concat({0}, {1})", "coalesce({0}, {1})", "nullif({0}, {1})", "upper({0})", "greatest({0}, {1})",
    "CASE WHEN {2} THEN {0} ELSE {1} END", "CASE WHEN {2} THEN {0} END", "IF({2}, {0}, {1})",
    "CASE bson_type(x.m) WHEN 'string' THEN {0} ELSE as_text(x.m) END",
    "CASE x.st WHEN 'new' THEN 'A' WHEN 'old' THEN 'B' END", "CASE x.st WHEN 'new' THEN 'A' WHEN 'old' THEN 'A' END",
    "CAST(to_json({{'a': {0}, 'x': {1}}}) AS VARCHAR)", "CAST(to_json([{0}, {1}]) AS VARCHAR)",
    "CAST(to_json(list_transform(x.l, lambda v: concat(CAST(v AS VARCHAR), {0}))) AS VARCHAR)",
    "CAST(to_json(list_filter(x.l, lambda v: v > 3)) AS VARCHAR)",
    "CAST(to_json(list_transform(list_filter(x.items, lambda z: z.x IS NOT NULL), lambda z: z.y)) AS VARCHAR)",
    "CAST(to_json([concat(z.y, {0}) for z in x.items]) AS VARCHAR)",
    "CAST(to_json([z.y for z in x.items if z.x IS NOT NULL]) AS VARCHAR)",
    "(SELECT string_agg(concat(q.o.y, {0}), ',' ORDER BY q.n) FROM unnest(x.items) WITH ORDINALITY AS q(o, n))",
    "(SELECT string_agg(q.o.y, ',' ORDER BY q.n) FROM unnest(x.items) WITH ORDINALITY AS q(o, n) WHERE q.o.x > 1)",
    "(SELECT concat(string_agg(q.o.y, ',' ORDER BY q.n), {0})"
    " FROM unnest(x.items) WITH ORDINALITY AS q(o, n), unnest(q.o.z) AS r(w))",
)  # fmt: skip
SOURCES: Sequence[tuple[str, tuple[str, ...], tuple[str, ...]]] = (
    ("", (), ("x.s IS NOT NULL", "x.o.a IS NOT NULL")),
    (", unnest(x.items) WITH ORDINALITY AS i(o, n)", ("i.o.y", "json_of(i.o)", "CAST(i.n AS VARCHAR)"),
     ("i.o.x IS NOT NULL", "i.o IS NOT NULL", "x.t IS NOT NULL")),
    (" LEFT JOIN unnest(x.items) WITH ORDINALITY AS i(o, n) ON true", ("i.o.y", "json_of(i.o)", "CAST(i.n AS VARCHAR)"),
     ("i.o.y IS NOT NULL", "i.o IS NOT NULL")),
    (", unnest(x.items) AS i(o), unnest(i.o.z) AS j(w)", ("i.o.y", "CAST(j.w AS VARCHAR)"), ()),
    (", unnest(list_of(x.tags)) AS g(tag)", ("g.tag",), ()),
    (", unnest(entries_of(x.map)) AS h(en)", ("h.en.key", "CAST(h.en.value AS VARCHAR)"), ()),
    (", unnest(list_filter(x.items, lambda z: z.x IS NOT NULL)) AS u(v)", ("u.v.y", "json_of(u.v)"), ()),
    (" LEFT JOIN f AS y ON y._id = x._id", ("y.v",), ()),
    (" LEFT JOIN f AS y ON y._id = x._id, unnest(y.w) AS yw(q)", ("CAST(yw.q AS VARCHAR)",), ()),
)  # fmt: skip


def filled(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(str.format, st.sampled_from(FORMS), inner, inner, CONDITIONS)


@st.composite
def selects(draw: st.DrawFn) -> str:
    joined, own, conditions = draw(st.sampled_from(SOURCES))
    values = st.recursive(st.sampled_from([*VALUES, *own, *own]), filled, max_leaves=3)
    outputs = draw(st.lists(values, min_size=1, max_size=3))
    where = draw(st.sampled_from(["", *(f" WHERE {one}" for one in conditions)]))
    named = ", ".join(f"{sql} AS c{i}" for i, sql in enumerate(outputs))
    return f"SELECT {named} FROM e AS x{joined}{where}"


def rows_of(program: Program, branch: Branch) -> Iterator[tuple[int, str]]:
    """The rows of a branch for all documents, each with the number of its document."""
    tables = {ROOT_TABLE: WORLD.batch(program, "e").table}
    for lookup in branch.lookups:
        keys = ENGINE.run(lookup.keys_sql, tables).column(0).combine_chunks()
        tables[lookup.table] = WORLD.lookups().fetch(lookup, keys)
    for row in python_rows(ENGINE.run(branch.sql, tables)):
        yield row.pop(ROW), f"{branch.table} {row!r}"


def shown(path: Sequence[Step]) -> str:
    return ".".join("[]" if isinstance(step, int) else step for step in path).replace(".[]", "[]")


@example(["SELECT x.s AS s, x.t AS t FROM e AS x WHERE x.s IS NOT NULL", "SELECT x.m AS m FROM e AS x"])
@given(st.lists(selects(), min_size=1, max_size=2))
def test_another_value_makes_another_row(mappings: list[str]) -> None:
    program = SHAPES.program({f"t{number}": sql for number, sql in enumerate(mappings)})
    assume(not any(branch.filtered for branch in program.branches))  # check refuses these without a reason
    found = [*uncovered(program, SHAPES.shapes, []), *partly_covered(program, SHAPES.shapes, EMPTY, [])]
    told = {one.place.removeprefix("e.") for one in found}
    own = [branch for branch in program.branches if branch.one_row] or program.branches
    rows: dict[int, list[str]] = {}
    made: set[int] = set()
    try:
        for branch in program.branches:
            for number, row in rows_of(program, branch):
                rows.setdefault(number, []).append(row)
                made |= {number} if branch in own else set()
    except EngineError:
        assume(False)  # a query that DuckDB cannot bind
    for at, (document, path, _) in enumerate(VARIANTS, len(DOCUMENTS)):
        is_told = any(shown(path[:n]) in told for n in range(len(path) + 1))
        if document in made and not is_told:  # a document without a row is quarantined
            assert sorted(rows.get(at, [])) != sorted(rows[document]), f"{shown(path)} of {document + 1}"
