"""Puts of whole records: objects, arrays, elements, new and deleted records, refusals."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from bson import Int64, ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfade.model.target import ColumnType, ForeignKey, TargetColumn, TargetTable
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.decode import decode_one
from crossfade.records.bson.encode import to_bson
from crossfade.transform.numbered import Numbered, unlike
from crossfade.transform.put import CHANGES_KEY, NO_WAY_BACK, NOT_MAPPED, Putter
from mapping_world import World
from putting import PutWorld, changed

TEXT = ColumnType("text", "text")
INT = ColumnType("int8", "bigint")
DAY = datetime.datetime(2024, 5, 6)


def table(name: str, key: tuple[str, ...], *columns: tuple[str, ColumnType], of: str | None = None) -> TargetTable:
    made = tuple(TargetColumn(column, kind) for column, kind in columns)
    keys = (ForeignKey("fk", (key[0],), of, ("id",)),) if of else ()
    return TargetTable(name, None, name, made, key, foreign_keys=keys)


TABLES = {
    "users": table("users", ("id",), ("id", TEXT), ("name", TEXT), ("city", TEXT), ("age", INT)),
    "pets": table("pets", ("owner", "tag"), ("owner", TEXT), ("tag", TEXT), ("name", TEXT), of="users"),
}
MAPPINGS = {
    "users": """
        SELECT oid_text(u._id) AS id, lower(u.name) AS name, u.home.city AS city, parse_int(u.age) AS age
        FROM users AS u
    """,
    "pets": """
        SELECT oid_text(u._id) AS owner, p.pet.tag AS tag, p.pet.name AS name
        FROM users AS u, unnest(u.pets) AS p(pet) WHERE p.pet.tag IS NOT NULL
    """,
}
ANN, BOB = (ObjectId(f"{n:024x}") for n in (1, 2))
USERS: list[dict[str, Any]] = [
    {
        "_id": ANN, "name": "Ann", "home": {"city": "Bonn", "zip": "53111"}, "age": "41", "kept": [1, 2],
        "pets": [{"tag": "a", "name": "Rex", "fur": "red"}, {"name": "no tag"}, {"tag": "b", "name": "Tom"}],
    },
    {"_id": BOB, "name": "BOB", "home": {"city": "Ulm"}, "age": Int64(7), "pets": []},
]  # fmt: skip


def people(documents: list[dict[str, Any]] = USERS) -> tuple[PutWorld, list[bytes], dict[str, Numbered]]:
    world = World({"users": documents}, survey={"users": [*documents, *USERS]})
    puts = PutWorld(world, "users", MAPPINGS, TABLES)
    raws = world.raws["users"]
    return puts, raws, puts.forward(raws)


def put_one(rows: Mapping[str, Numbered], puts: PutWorld, raws: list[bytes]) -> dict[str, Any]:
    result = puts.put(raws, rows)
    assert result.refused == []
    assert result.changed == {0}
    assert result.records[1] == raws[1]
    assert result.records[0] is not None
    return dict(decode_one(result.records[0]))


def _at(rows: Mapping[str, Numbered], tag: str) -> int:
    place: int = rows["pets"].rows.column("tag").to_pylist().index(tag)
    return place


def test_only_what_differs_is_changed() -> None:
    puts, raws, rows = people()
    made = put_one({**rows, "users": changed(rows["users"], 0, city="Köln")}, puts, raws)
    assert made == {**USERS[0], "home": {"city": "Köln", "zip": "53111"}}
    assert list(made) == list(USERS[0])


def test_a_new_value_has_the_type_of_the_old_one() -> None:
    puts, raws, rows = people()
    assert put_one({**rows, "users": changed(rows["users"], 0, age=42)}, puts, raws)["age"] == "42"


def test_an_element_keeps_its_unknown_fields_and_its_place() -> None:
    puts, raws, rows = people()
    made = put_one({**rows, "pets": changed(rows["pets"], _at(rows, "a"), name="Max")}, puts, raws)
    assert made["pets"] == [{"tag": "a", "name": "Max", "fur": "red"}, {"name": "no tag"}, {"tag": "b", "name": "Tom"}]


def test_an_element_that_is_gone_leaves_the_others_where_they_are() -> None:
    puts, raws, rows = people()
    made = put_one({**rows, "pets": rows["pets"].at([_at(rows, "b")])}, puts, raws)
    assert made["pets"] == [{"name": "no tag"}, {"tag": "b", "name": "Tom"}]
    none_left = put_one({**rows, "pets": rows["pets"].at([])}, puts, raws)
    assert none_left["pets"] == [{"name": "no tag"}]


def test_a_new_element_comes_last() -> None:
    puts, raws, rows = people()
    new = pa.table({"owner": [str(ANN)], "tag": ["0"], "name": ["New"]}, schema=rows["pets"].rows.schema)
    made = put_one({**rows, "pets": rows["pets"].joined(Numbered(TABLES["pets"], new, [0]))}, puts, raws)
    assert [pet.get("name") for pet in made["pets"]] == ["Rex", "no tag", "Tom", "New"]


def test_a_record_without_rows_is_deleted_and_rows_without_a_record_make_one() -> None:
    puts, raws, rows = people()
    result = puts.put([None, raws[1]], {name: one.only([0]) for name, one in rows.items()})
    assert result.refused == []
    assert result.records[1] is None
    assert result.records[0] is not None
    assert decode_one(result.records[0])["pets"] == [{"tag": "a", "name": "Rex"}, {"tag": "b", "name": "Tom"}]


def test_a_record_that_the_mapping_refuses_stays_and_is_refused_if_it_has_rows() -> None:
    broken = {**USERS[1], "_id": ObjectId(f"{3:024x}"), "age": "old"}
    puts, raws, rows = people([*USERS, broken])
    assert puts.put(raws, rows).records == raws
    extra = {name: Numbered(one.table, one.rows, [2] * len(one.numbers)) for name, one in rows.items()}
    result = puts.put([None, None, raws[2]], extra)
    assert [(one.row, one.reason) for one in result.refused] == [(2, NOT_MAPPED)]
    assert result.records[2] == raws[2]


def test_what_the_old_model_cannot_hold_is_refused_with_the_column() -> None:
    puts, raws, rows = people()
    result = puts.put(raws, {**rows, "users": changed(rows["users"], 0, name="ANN")})  # the mapping makes lower case
    assert [(r.row, r.reason, r.table, r.column) for r in result.refused] == [(0, NO_WAY_BACK, "users", "name")]
    assert result.records == raws
    assert result.changed == set()


def test_a_record_never_gets_another_key() -> None:
    puts, raws, rows = people()
    other = str(ObjectId(f"{9:024x}"))
    moved = {"users": changed(rows["users"], 1, id=other), "pets": rows["pets"]}
    result = puts.put(raws, moved)
    assert [(r.row, r.reason) for r in result.refused] == [(1, CHANGES_KEY)]
    assert result.records == raws


def test_one_refused_record_does_not_affect_the_others() -> None:
    puts, raws, rows = people()
    users = changed(changed(rows["users"], 0, name="ANN"), 1, city="Rom")
    result = puts.put(raws, {**rows, "users": users})
    assert [one.row for one in result.refused] == [0]
    assert result.changed == {1}


names = st.sampled_from(["ann", "Bob", "", "ß"])
pets = st.lists(
    st.fixed_dictionaries({"name": names}, optional={"tag": st.sampled_from("abc"), "fur": names}), max_size=4
).filter(lambda found: len({p.get("tag") for p in found if "tag" in p}) == len([p for p in found if "tag" in p]))
documents = st.fixed_dictionaries(
    {"name": names, "age": st.integers(0, 9) | st.integers(0, 9).map(str), "pets": pets},
    optional={"home": st.fixed_dictionaries({"city": names}, optional={"zip": names}), "kept": names},
)


@settings(max_examples=25)
@given(st.lists(documents, min_size=1, max_size=4), st.lists(documents, min_size=1, max_size=4))
def test_the_laws_hold_for_whole_records(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    """Of any two documents with the same key: the rows of one, put into the other, make these rows."""
    size = min(len(old), len(new))
    ids = [ObjectId(f"{n:024x}") for n in range(size)]
    before, after = ([{"_id": i, **d} for i, d in zip(ids, docs, strict=False)] for docs in (old, new))
    world = World({"users": before}, survey={"users": [*before, *after, *USERS, {"_id": ANN, "name": "x", "pets": []}]})
    puts = PutWorld(world, "users", MAPPINGS, TABLES)
    raws, wanted = world.raws["users"], puts.forward([to_bson(d) for d in after])

    assert puts.put(raws, puts.forward(raws), rebuild=True).records == raws
    result = puts.put(raws, wanted)
    assert result.refused == []
    made = puts.forward([raw for raw in result.records if raw is not None])
    assert list(unlike(wanted, made, {})) == []
    for raw, record in zip(raws, result.records, strict=True):
        assert record is not None
        assert decode_one(record).get("kept") == decode_one(raw).get("kept")


def test_a_value_that_came_from_elsewhere_is_stored_where_it_is_needed() -> None:
    """`changed` was missing and its column had the value of `made`. Now `made` is another, and the column is not."""
    tables = {"t": table("t", ("id",), ("id", TEXT), ("made", INT), ("changed", INT))}
    mapping = {"t": "SELECT e._id AS id, e.made AS made, coalesce(e.changed, e.made) AS changed FROM e AS e"}
    world = World({"e": [{"_id": "a", "made": 1}, {"_id": "b", "made": 5, "changed": 6}]})
    puts = PutWorld(world, "e", mapping, tables)
    raws = world.raws["e"]
    rows = puts.forward(raws)
    result = puts.put(raws, {"t": changed(rows["t"], rows["t"].rows.column("id").to_pylist().index("a"), made=2)})
    assert result.refused == []
    assert [decode_one(raw) for raw in result.records if raw is not None] == [
        {"_id": "a", "made": 2, "changed": 1},
        {"_id": "b", "made": 5, "changed": 6},
    ]


def test_times_finer_than_a_millisecond_are_refused_or_cut() -> None:
    at = ColumnType("timestamptz", "timestamptz")
    tables = {"t": table("t", ("id",), ("id", TEXT), ("at", at))}
    world = World({"e": [{"_id": "a", "at": DAY}, {"_id": "b", "at": DAY}]})
    puts = PutWorld(world, "e", {"t": "SELECT e._id AS id, e.at AS at FROM e AS e"}, tables)
    raws = world.raws["e"]
    fine = changed(puts.forward(raws)["t"], 0, at=DAY + datetime.timedelta(microseconds=1_234_567))
    assert [one.reason for one in puts.put(raws, {"t": fine}).refused] == ["precision"]
    cutting = Putter(puts.transformer, puts.runner, puts.editor, puts.read, BSON.key, cuts_times=True)
    result = cutting.put(raws, {"t": fine})
    assert result.refused == []
    (row,) = result.cut
    assert row in result.changed
    made = result.records[row]
    assert made is not None
    assert decode_one(made)["at"] == DAY + datetime.timedelta(milliseconds=1234)


def test_a_document_that_would_be_too_large_is_refused() -> None:
    puts, raws, rows = people()
    result = puts.put(raws, {**rows, "users": changed(rows["users"], 0, city="x" * (17 * 1024 * 1024))})
    assert [(one.row, one.reason) for one in result.refused] == [(0, "too_large")]
    assert result.records == raws


def test_a_column_that_may_be_lost_refuses_nothing_and_does_not_come_back() -> None:
    tables = {
        "users": table("users", ("id",), ("id", TEXT), ("name", TEXT), ("at", INT)),
        "stats": table("stats", ("id",), ("id", TEXT), ("at", INT)),
    }
    mappings = {
        "users": "SELECT e._id AS id, e.name AS name, e.at AS at FROM e AS e",
        "stats": "SELECT e._id AS id, e.at AS at FROM e AS e",
    }
    world = World({"e": [{"_id": "a", "name": "x", "at": 1}, {"_id": "b", "name": "y", "at": 2}]})
    puts = PutWorld(world, "e", mappings, tables)
    raws = world.raws["e"]
    rows = puts.forward(raws)
    later = {"users": changed(changed(rows["users"], 0, name="z"), 0, at=9), "stats": rows["stats"]}
    assert [one.column for one in puts.put(raws, later).refused] == ["at"]
    losing = PutWorld(world, "e", mappings, tables, lost={"stats": {"at"}})
    result = losing.put(raws, later)
    assert result.refused == []
    (row,) = result.changed
    made = result.records[row]
    assert made is not None
    assert {**decode_one(made), "_id": 0} == {"_id": 0, "name": "z", "at": 9}
    alone = {**rows, "stats": changed(rows["stats"], 0, at=9)}
    assert losing.put(raws, alone).records == raws
