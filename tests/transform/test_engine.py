"""Documents read, compiled and run in DuckDB give the same rows as plain Python."""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from bson import Int64, ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfade.transform.engine import RECORD_ERRORS, Engine, reason_of
from mapping_world import World
from slow_engine import mappings
from strategies import names, scalars, values

oids = st.integers(0, 3).map(lambda i: ObjectId(f"{i:024x}"))
small = st.one_of(st.none(), st.integers(-5, 5), st.integers(0, 5).map(Int64), st.sampled_from(["a", "b", "5"]), oids)
plain = st.one_of(small, scalars())


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.dictionaries(names, inner, max_size=3), st.lists(inner, max_size=3))


# Of one kind at a place often enough that it is native, an array or an object; of any kind now and then.
kinds = [st.integers(-5, 5), st.sampled_from(["a", "b"]), oids, st.booleans(), st.floats(), small, values()]
objects = {"a": kinds[0], "A": kinds[1], "in": st.dictionaries(names, small, max_size=2)}
elements = st.fixed_dictionaries({}, optional={"x": kinds[0], "l": st.lists(kinds[1], max_size=2)})
fields = st.fixed_dictionaries(
    {},
    optional={
        "n": st.none() | st.integers(-5, 5),
        "s": st.none() | st.sampled_from(["a", "", "none"]),
        "o": st.none() | st.fixed_dictionaries({}, optional=objects),
        "l": st.lists(st.none() | st.integers(-5, 5), max_size=3),
        "m": st.none() | st.lists(elements, max_size=3),
        "ll": st.lists(st.lists(st.integers(0, 3), max_size=2), max_size=2),
        "ref": oids | st.none(),
        "any": st.one_of(*kinds),
        "nest": st.recursive(small, nested, max_leaves=5),
    },
)


def comparable(value: Any) -> Any:
    """Floats by their text (NaN is NaN here), lists as tuples, so that rows can be counted."""
    if isinstance(value, list | tuple):
        return tuple(map(comparable, value))
    return (type(value).__name__, repr(value)) if isinstance(value, float) else value


@settings(max_examples=100)
@given(st.data())
def test_rows_of_any_mapping_of_any_documents(data: st.DataObject) -> None:
    keys = data.draw(st.lists(oids, unique=True, min_size=1, max_size=4))
    docs = [{"_id": k, **data.draw(fields)} for k in keys]
    others = [{"_id": k, **data.draw(fields)} for k in data.draw(st.lists(oids, unique=True, min_size=1, max_size=3))]
    world = World({"e": docs, "f": others})
    mapping = data.draw(mappings(world.shapes["e"].root, world.shapes["f"].root))
    found = [tuple(row.values()) for row in world.rows(mapping.sql)]
    wanted = list(mapping.rows(docs, others))
    assert Counter(map(comparable, found)) == Counter(map(comparable, wanted)), mapping.sql


def test_the_grammar_reaches_what_it_should() -> None:
    """Else the test above would pass by making nothing but trivial mappings."""
    docs = [{"_id": ObjectId(), "m": [{"x": 1, "l": ["a"]}], "ref": ObjectId(), "o": {"a": 1, "A": "b"}, "l": [1]}]
    root = World({"e": docs}).shapes["e"].root
    seen: Counter[str] = Counter()

    @settings(max_examples=200, database=None, derandomize=True)
    @given(mappings(root, root))
    def look(mapping: Any) -> None:
        seen.update(e.what for _, e in mapping.outputs)
        seen["nested"] += any(u.of != "x" for u in mapping.unnests)
        seen["looked up"] += mapping.lookup is not None

    look()
    assert set(seen) >= {"native", "json", "type", "text", "length", "list", "nested", "looked up"}
    assert all(seen[what] > 5 for what in ("nested", "looked up", "list", "json"))


# -- the engine itself


def connection(engine: Engine) -> Any:
    engine.open()
    return engine._con


def test_a_connection_is_left_to_the_next_engine_with_nothing_but_macros() -> None:
    one, other = Engine(), Engine()
    table = {"p": pa.table({"a": ["5"]})}
    assert one.run("SELECT cf_name_number(a) AS a FROM p", table).to_pylist() == [{"a": "number:5"}]
    first, second = connection(one), connection(other)
    assert first is not second
    one.close()
    other.close()
    third = Engine()
    assert connection(third) in (first, second)
    assert third.run("SELECT cf_name_number(a) AS a FROM p", table).to_pylist() == [{"a": "number:5"}]
    with pytest.raises(duckdb.CatalogException):
        third.run("SELECT * FROM p", {})
    assert connection(Engine()) is not connection(third), "an open engine keeps its own"


def test_a_broken_connection_is_not_left() -> None:
    engine = Engine()
    broken = connection(engine)
    broken.close()
    engine.close()
    assert connection(Engine()) is not broken


def test_nothing_outside_is_read_or_written() -> None:
    engine = Engine()
    local_variable = pa.table({"x": [1]})  # DuckDB would find it by its name
    for sql in (
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "INSTALL httpfs",
        "ATTACH '/tmp/x.db'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM local_variable",
        "LOAD httpfs",
        "CREATE SECRET (TYPE S3)",
        "EXPORT DATABASE '/tmp/x'",
        "SET enable_external_access = true",
        "SET python_enable_replacements = true",
    ):
        with pytest.raises(duckdb.Error):
            engine.run(sql, {})
    assert local_variable.num_rows == 1
    engine.close()


def test_types_do_not_run_anything() -> None:
    engine = Engine()
    table = {"root": pa.table({"x": pa.array(["a"])})}
    assert (
        engine.types("SELECT error(x) AS e, x || 'b' AS v, 1::DECIMAL(5, 2) AS d FROM root", table)["d"]
        == "DECIMAL(5,2)"
    )
    assert engine.run("SELECT x FROM root", table).num_rows == 1
    with pytest.raises(duckdb.CatalogException):
        engine.run("SELECT 1 FROM root", {})  # tables are gone with the run that had them
    engine.close()


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT error('it does not fit')", "it does not fit"),
        ("SELECT CAST('x' AS INTEGER)", "Could not convert string 'x' to INT32"),
        ("SELECT CAST(300 AS TINYINT)", "out of range"),
    ],
)
def test_reasons_without_the_engines_own_frame(sql: str, reason: str) -> None:
    with pytest.raises(RECORD_ERRORS) as refused:
        Engine().run(sql, {})
    assert reason in reason_of(refused.value)
    assert "Error:" not in reason_of(refused.value)
    assert "\n" not in reason_of(refused.value)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("list_reduce(list_filter([v], lambda x: x = 'b'), lambda a, b: a || b)", "on an empty input list"),
        ("v LIKE v ESCAPE 'ab'", "Invalid escape string"),
        ("v LIKE v ESCAPE v", "Invalid escape string"),
    ],
)
def test_errors_of_a_value_whose_class_is_another(sql: str, reason: str) -> None:
    """They ended the whole run."""
    with pytest.raises(RECORD_ERRORS, match=reason):
        Engine().run(f"SELECT {sql} FROM t", {"t": pa.table({"v": ["aa"]})})
