"""A field's own value is copied whatever its name: names that differ in case, contain anything, or look like ours."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from crossfade.mapping.language.fields import ColumnSet
from crossfade.model.names import fold
from crossfade.model.shape import Node, Path
from mapping_world import World

letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
odd = st.sampled_from(
    [
        *(
            "",
            "a",
            "A",
            "ä",
            "Ä",
            "a\u0308",
            "ß",
            "SS",
            "ss",
            "x",
            "X",
            "#row",
            "#",
            "root",
            "lookup0",
            ".",
            "a.b",
            "v0",
        ),
        *("a (list)", "a (type)", "A (type)", "a #2", '"', '""', "'", "\\", "[]", "select", "$a", "%s", "{}", "--"),
        *("/*", ";", "\n", "İ", "ı"),
    ]
)
names = st.text(letters, max_size=4) | odd
some = st.dictionaries(
    names.filter(lambda n: fold(n) not in ("_id", "in", "list")),
    st.integers(-(2**31), 2**31 - 1),
    min_size=1,
    max_size=8,
)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def values_of(world: World, base: Path, alias: str, wanted: dict[str, int]) -> dict[str, int]:
    """Every field of an object under its own name, all in one SELECT with their types."""
    node = world.shapes["e"].node(base)
    assert node is not None
    fields: list[Node] = [n for n in node.fields if n.name in wanted]
    outputs = [
        f"{alias}.{quoted(n.engine)} AS v{i}, bson_type({alias}.{quoted(n.engine)}) AS t{i}"
        for i, n in enumerate(fields)
    ]
    (row,) = world.rows(f"SELECT {', '.join(outputs)} FROM e AS x, unnest(x.list) AS l(v)")
    assert {row[f"t{i}"] for i in range(len(fields))} == {"int"}
    return {n.name: row[f"v{i}"] for i, n in enumerate(fields)}


@settings(max_examples=60)
@given(some)
@example({"a": 1, "A": 2, "a (type)": 3, "A (type)": 4, "a #2": 5})
def test_fields_of_any_names(wanted: dict[str, int]) -> None:
    world = World({"e": [{**wanted, "_id": 1, "in": wanted, "list": [wanted]}, {"_id": 2}]})
    assert values_of(world, (), "x", wanted) == wanted
    assert values_of(world, ("in",), "x.in", wanted) == wanted
    assert values_of(world, ("list", "[]"), "l.v", wanted) == wanted


@given(st.lists(st.tuples(st.lists(names, max_size=2).map(tuple), st.sampled_from(["native", "type", "json", "list"]))))
def test_no_two_columns_have_names_that_duckdb_would_take_for_one(asked: list[Any]) -> None:
    places = ColumnSet()
    got = {what: places.name(*what) for what in asked}
    assert {what: places.name(*what) for what in asked} == got
    assert len({fold(name) for name in got.values()}) == len(got)
    assert "#row" not in map(fold, got.values())


@settings(max_examples=40)
@given(st.text(letters, min_size=1, max_size=6) | odd.filter(bool), st.text(letters, min_size=1, max_size=6))
def test_aliases_and_outputs_of_any_names(alias: str, output: str) -> None:
    world = World({"e": [{"_id": 1, "s": "x", "l": [{"y": 2}]}]})
    a, o = quoted(alias), quoted(output)
    sql = f"SELECT {a}.s AS {o}, (SELECT max(i.e.y) FROM unnest({a}.l) AS i(e)) AS greatest FROM e AS {a}"
    assert world.rows(sql) == [{output: "x", "greatest": 2}]
