"""The data path over batches: good records pass, each bad one is reported once, independently of batch boundaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfade.errors import Misused
from crossfade.model.program import Program
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.project import Discard
from crossfade.transform.engine import Engine
from crossfade.transform.transform import Mapped, Transformer, drop_roots, keep_roots
from mapping_world import ENGINE, World, python_rows

INT, TEXT, SHORT = ColumnType("int4", "int4"), ColumnType("text", "text"), ColumnType("text", "varchar(3)", length=3)


def table(name: str, **columns: ColumnType) -> TargetTable:
    made = tuple(TargetColumn(n, t, nullable=n not in ("id", "must")) for n, t in columns.items())
    return TargetTable(name, None, name, made, ("id",))


TABLES = {
    "people": table("people", id=INT, age=INT, must=TEXT, short=SHORT, boss=TEXT),
    "tags": table("tags", id=INT, n=INT, tag=SHORT),
}
MAPPINGS = {
    "people": """SELECT p._id AS id, parse_int(p.age) AS age, p.must AS must, p.short AS short, b.must AS boss
                 FROM people AS p LEFT JOIN people AS b ON b._id = p.boss""",
    "tags": "SELECT p._id AS id, t.n AS n, t.tag AS tag FROM people AS p, unnest(p.tags) WITH ORDINALITY AS t(tag, n)",
}

GOOD: list[dict[str, Any]] = [
    {"age": 30, "must": "x"},
    {"age": "31", "must": "x", "tags": ["a", "b"]},
    {"age": None, "must": "x", "short": "abc", "tags": []},
]
# Each with what it is quarantined for: reason, table, column.
BAD: list[tuple[dict[str, Any], tuple[str, str, str | None]]] = [
    ({"age": "no number", "must": "x"}, ("mapping_error", "people", "age")),
    ({"age": 1, "must": None}, ("not_null", "people", "must")),
    ({"age": 1, "must": "x", "short": "abcd", "tags": ["a"]}, ("too_long", "people", "short")),
    ({"age": 1, "must": "x", "tags": ["a", "far too long", "b"]}, ("too_long", "tags", "tag")),
    ({"age": 2**40, "must": "x", "tags": ["a"]}, ("out_of_range", "people", "age")),
    ({"age": "many", "must": None, "tags": ["far too long"]}, ("mapping_error", "people", "age")),
]


def carried(world: World, batches: Sequence[slice], discards: Sequence[Discard] = ()) -> tuple[Program, list[Mapped]]:
    program = world.program(MAPPINGS, discards)
    carrier = world.carrier(program, "people", TABLES)
    return program, [carrier.map(world.batch(program, "people", which)) for which in batches]


def rows_of(results: Sequence[Mapped]) -> Counter[tuple[Any, ...]]:
    """(table, row) of all results."""
    return Counter(
        (part.table.name, *row.items())
        for result in results
        for part in result.tables
        for row in python_rows(part.rows)
    )


def expected_rows(docs: Sequence[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for doc in docs:
        age = None if doc["age"] is None else int(doc["age"])
        row = {"id": doc["_id"], "age": age, "must": doc["must"], "short": doc.get("short"), "boss": None}
        found["people", *row.items()] += 1
        for n, tag in enumerate(doc.get("tags", []), 1):
            found["tags", *{"id": doc["_id"], "n": n, "tag": tag}.items()] += 1
    return found


@settings(max_examples=30)
@given(st.data())
def test_any_mixture_in_any_batches(data: st.DataObject) -> None:
    choices = [*((doc, None) for doc in GOOD), *BAD]
    picked = data.draw(st.lists(st.sampled_from(choices), min_size=1, max_size=12))
    docs = [{"_id": i, "boss": None, **doc} for i, (doc, _) in enumerate(picked)]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(docs)), max_size=3)) | {0, len(docs)})
    batches = [slice(a, b) for a, b in pairwise(cuts)]
    every = [{"_id": -i - 1, "boss": None, **doc} for i, (doc, _) in enumerate(choices)]
    _, results = carried(World({"people": docs}, survey={"people": every}), batches)
    assert rows_of(results) == expected_rows([d for d, (_, why) in zip(docs, picked, strict=True) if why is None])
    rejections = {
        (which.start + m.row): (m.reason, m.table, m.column)
        for which, result in zip(batches, results, strict=True)
        for m in result.rejections
    }
    assert rejections == {i: why for i, (_, why) in enumerate(picked) if why is not None}
    assert sum(len(r.rejections) for r in results) == len(rejections)


SEVERAL = {
    "ages": "SELECT p._id AS id, parse_int(p.age) + 1 AS n, upper(p.must) AS short FROM people AS p",
    "sizes": "SELECT p._id AS id, parse_int(p.size) + 1 AS n FROM people AS p",
    "others": "SELECT o._id AS id, parse_int(o.age) * 11 AS n FROM people AS o",
}
SEVERAL_TABLES = {name: table(name, id=INT, n=INT, short=TEXT) for name in SEVERAL}


def test_what_several_tables_compute_is_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a query for each alias; around a record that one of them refuses, each asks for itself."""
    docs = [{"_id": i, "age": str(i), "size": str(10 * i), "must": f"n{i}"} for i in range(5)]
    asked: list[str] = []
    run = Engine.run

    def noted(engine: Engine, sql: str, tables: Mapping[str, Any]) -> Any:
        asked.append(sql)
        return run(engine, sql, tables)

    monkeypatch.setattr(Engine, "run", noted)
    assert several(docs) == ({}, {name: [0, 1, 2, 3, 4] for name in SEVERAL})
    assert len(asked) == 2
    rejections, rows = several([*docs[:3], {**docs[3], "size": "large"}, docs[4]])
    assert rejections == {3: ("mapping_error", "sizes", "n")}
    assert rows == {name: [0, 1, 2, 4] for name in SEVERAL}


def several(docs: Sequence[dict[str, Any]]) -> tuple[dict[int, Any], dict[str, list[int]]]:
    """Row -> why it is set aside; table -> the keys of its rows, whose other values are as they should be."""
    world = World({"people": docs})
    program = world.program(SEVERAL)
    result = world.carrier(program, "people", SEVERAL_TABLES).map(world.batch(program, "people"))
    rows = {part.table.name: python_rows(part.rows) for part in result.tables}
    assert all(r["n"] == r["id"] + 1 and r["short"] == f"N{r['id']}" for r in rows["ages"])
    assert all(r["n"] == 10 * r["id"] + 1 for r in rows["sizes"])
    assert all(r["n"] == 11 * r["id"] for r in rows["others"])
    rejections = {m.row: (m.reason, m.table, m.column) for m in result.rejections}
    return rejections, {name: [row["id"] for row in found] for name, found in rows.items()}


def test_roots_say_which_document_a_row_is_of() -> None:
    world = World({"people": [{"_id": i + 10, "boss": None, "short": None, **doc} for i, doc in enumerate(GOOD)]})
    _, (result,) = carried(world, [slice(None)])
    for part in result.tables:
        ids = part.rows.column("id").to_pylist()
        assert [r + 10 for r in part.roots.to_pylist()] == ids
        assert drop_roots(part, {0, 1}).rows.column("id").to_pylist() == [i for i in ids if i == 12]
        assert keep_roots(part, {1}).rows.column("id").to_pylist() == [i for i in ids if i == 11]


def test_a_lookup_sees_all_documents_whatever_the_batch() -> None:
    docs = [{"_id": i, "boss": (i + 1) % 4, "must": f"n{i}", "age": 1, "short": "s", "tags": ["t"]} for i in range(4)]
    results = [carried(World({"people": docs}), cut)[1] for cut in ([slice(None)], [slice(i, i + 1) for i in range(4)])]
    assert rows_of(results[0]) == rows_of(results[1])
    assert {dict(r[1:])["boss"] for r in rows_of(results[0]) if r[0] == "people"} == {"n0", "n1", "n2", "n3"}


def test_a_record_is_quarantined_for_a_broken_document_that_it_looks_up() -> None:
    docs = [
        {"_id": i, "boss": 3 if i == 1 else None, "must": "x", "age": 1, "short": "s", "tags": ["t"]} for i in range(3)
    ]
    world = World({"people": docs}, survey={"people": [*docs, {**docs[0], "_id": 9, "boss": 3}]})
    world.raws["people"].append(World({"x": [{"_id": 3, "must": 5}]}).raws["x"][0])
    _, (result,) = carried(world, [slice(0, 3)])
    assert [(m.row, m.reason, m.table) for m in result.rejections] == [(1, "looked_up", "people")]
    assert "people 3 (unseen_type at must" in result.rejections[0].detail
    assert {dict(r[1:])["id"] for r in rows_of([result])} == {0, 2}


# -- discards and documents without rows


def test_discarded_documents_make_no_rows_and_no_rejections() -> None:
    docs = [{"_id": i, "boss": None, **doc} for i, doc in enumerate([*GOOD, BAD[0][0]])]
    discard = Discard(reason="test data", entity="people", alias="p", where="p._id >= 2")
    _, (result,) = carried(World({"people": docs}), [slice(None)], [discard])
    assert (result.discarded, result.rejections) == ({2, 3}, [])
    assert rows_of([result]) == expected_rows(docs[:2])


def test_a_discard_that_fails_on_a_record_quarantines_it_alone() -> None:
    docs = [{"_id": i, "boss": None, **doc} for i, doc in enumerate([*GOOD, BAD[0][0], GOOD[0]])]
    discard = Discard(reason="too old", entity="people", alias="p", where="parse_int(p.age) > 30")
    _, (result,) = carried(World({"people": docs}), [slice(None)], [discard])
    assert result.discarded == {1}
    ((rejection),) = result.rejections
    assert (rejection.row, rejection.reason, rejection.table) == (3, "mapping_error", None)
    assert rejection.detail == "the where of a [[discard]]: parse_int: no number is not an integer"
    assert rows_of([result]) == expected_rows([docs[0], docs[2], docs[4]])


def only(mapping: str, docs: list[dict[str, Any]]) -> Mapped:
    world = World({"people": docs})
    program = world.program({"tags": mapping})
    return world.carrier(program, "people", TABLES).map(world.batch(program, "people"))


def test_a_document_that_makes_no_row_is_never_lost() -> None:
    docs: list[dict[str, Any]] = [{"_id": 1, "tags": ["a"]}, {"_id": 2, "tags": []}, {"_id": 3}]
    result = only("SELECT p._id AS id, t.tag AS tag FROM people AS p, unnest(p.tags) AS t(tag)", docs)
    assert [(m.row, m.reason) for m in result.rejections] == [(1, "no_rows"), (2, "no_rows")]
    filtered = only("SELECT p._id AS id FROM people AS p WHERE p._id > 1", docs)
    assert [(m.row, m.reason, m.detail) for m in filtered.rejections] == [
        (0, "no_rows", "the mapping returned no row in tags")
    ]


def test_beside_a_table_of_its_own_a_document_needs_no_elements() -> None:
    docs = [{"_id": i, "boss": None, "short": None, **doc} for i, doc in enumerate(GOOD[1:])]
    _, (result,) = carried(World({"people": docs}), [slice(None)])
    assert result.rejections == []


def test_an_empty_batch() -> None:
    world = World({"people": [{"_id": 1, "boss": None, "short": None, **GOOD[1]}]})
    _, (result,) = carried(world, [slice(0, 0)])
    assert (result.tables, result.rejections, result.discarded) == ([], [], set())


# -- errors that are no record's


def test_an_error_of_the_engine_itself_is_not_taken_for_a_record() -> None:
    """A binder error, an interruption or a broken engine must end the run, not quarantine everything."""
    world = World({"people": [{"_id": ObjectId()}, {"_id": ObjectId()}]})
    program = world.program({"people": "SELECT nonsense(p._id) AS id FROM people AS p"})
    with pytest.raises(Misused, match="nonsense"):
        world.carrier(program, "people", TABLES).map(world.batch(program, "people"))


def test_where_the_fault_is_in_no_single_output() -> None:
    """WHERE refuses the record: the table is named, no column is."""
    mapping = "SELECT p._id AS id FROM people AS p WHERE parse_int(p.age) > 1"
    result = only(mapping, [{"_id": 1, "age": 2}, {"_id": 2, "age": "x"}])
    assert [(m.row, m.reason, m.table, m.column) for m in result.rejections] == [(1, "mapping_error", "tags", None)]


def test_a_carrier_can_be_used_again_and_again() -> None:
    world = World({"people": [{"_id": 1, "boss": None, "short": None, **GOOD[1]}]})
    program = world.program(MAPPINGS)
    carrier = Transformer(program.feeds["people"], TABLES, ENGINE, world.lookups())
    batch = world.batch(program, "people")
    assert rows_of([carrier.map(batch)]) == rows_of([carrier.map(batch)])
