"""The inverse that is derived from mappings."""

from __future__ import annotations

from typing import Any

import pytest

from crossfade.mapping.invert.derive import derive
from crossfade.mapping.invert.functions import INVERSES
from crossfade.mapping.invert.selects import placed
from crossfade.mapping.language.functions import FUNCTIONS
from crossfade.model.inverse import PLACE, Inverse
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from mapping_world import World

OID, OTHER = "65b0c0ffee00000000000001", "65b0c0ffee00000000000002"


def table(name: str, *columns: str, key: tuple[str, ...] = ("id",)) -> TargetTable:
    made = tuple(TargetColumn(column, ColumnType("text", "text")) for column in columns)
    return TargetTable(name, None, name, made, key)


def inverse(documents: list[dict[str, Any]], *tables: TargetTable, **mappings: str) -> Inverse:
    world = World({"people": documents, "towns": [{"_id": "a", "name": "A"}]})
    return derive("people", mappings, world.program(mappings), world.shapes, {t.name: t for t in tables})


def test_each_function_says_how_it_comes_back_or_why_not() -> None:
    assert INVERSES.keys() == FUNCTIONS.keys()


def test_names_casts_and_spelling_come_back() -> None:
    made = inverse(
        [{"_id": "a", "role": "admin", "born": "2024"}],
        table("users", "id", "role", "born"),
        users="SELECT p._id AS id, upper(p.role) AS role, CAST(p.born AS INTEGER) AS born FROM people AS p",
    )
    assert made.sql is not None
    assert made.sql.splitlines()[1:] == [
        "SELECT u.id          AS _id,",
        "       lower(u.role) AS role,",
        "       u.born        AS born",
        "FROM   users AS u",
    ]


def test_an_array_comes_back_as_a_list_in_its_order() -> None:
    made = inverse(
        [{"_id": "a", "pets": [{"name": "Rex"}]}],
        table("users", "id"),
        table("pets", "owner", "name", "n", key=("owner", "n")),
        users="SELECT p._id AS id FROM people AS p",
        pets="SELECT p._id AS owner, q.n AS n, q.pet.name AS name"
        " FROM people AS p, unnest(p.pets) WITH ORDINALITY AS q(pet, n)",
    )
    assert made.sql is not None
    assert "'name': p.name} ORDER BY p.n) AS items" in made.sql
    assert ") AS p ON p.owner = u.id" in made.sql
    assert made.tables == ("users", "pets")


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("bson_type(p.v)", "the name of the value's type"),
        ("'fixed'", "the same in every row"),
        ("t.name", "towns, which is looked up"),
        ("uuid_of(p._id, p.v)", "computed from the record"),
        ("md5(p.v)", "has no inverse"),
        ("p.v || p.w", "joins several values"),
    ],
)
def test_what_has_no_way_back_is_named_with_the_reason(expression: str, reason: str) -> None:
    made = inverse(
        [{"_id": "a", "v": "x", "w": "y"}],
        table("users", "id", "v"),
        users=f"SELECT p._id AS id, {expression} AS v FROM people AS p LEFT JOIN towns AS t ON t._id = p.w",
    )
    (lost,) = made.no_way_back
    assert (lost.table, lost.column) == ("users", "v")
    assert reason in lost.reason


def test_without_a_row_for_each_record_nothing_is_derived() -> None:
    made = inverse(
        [{"_id": "a", "pets": ["Rex"]}],
        table("pets", "owner", "name", key=("owner", "name")),
        pets="SELECT p._id AS owner, q.pet AS name FROM people AS p, unnest(p.pets) AS q(pet)",
    )
    assert made.sql is None
    assert made.why is not None


def test_places_of_elements_are_added_where_a_mapping_has_none() -> None:
    world = World({"people": [{"_id": "a", "pets": ["Rex", "Tom"]}]})
    text = "SELECT p._id AS owner, q.pet AS name FROM people AS p, unnest(p.pets) AS q(pet)"
    rows = world.rows(placed({"pets": text}, world.shapes)["pets"])
    assert sorted((row[PLACE], row["name"]) for row in rows) == [(1, "Rex"), (2, "Tom")]
