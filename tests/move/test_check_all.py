"""`check` reports everything that can be reported together, and what is open while nothing is mapped yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crossfade.errors import MappingFault, Misused, SchemaFault, Uncovered
from crossfade.move import Move
from crossfade.project import load_project

DOCUMENTS = {
    "users": '{"_id": 1, "name": "a", "usage": {"2024-01": 1}, "tags": [], "extra": 1}\n{"_id": 2, "name": null}\n',
    "orders": '{"_id": 1, "total": 2, "extra": 1}\n',
    "a.data": '{"_id": 1}\n',
    "b.data": '{"_id": 1}\n',
    "none": "",
}
SCHEMA = "CREATE TABLE users (id integer PRIMARY KEY, name text); CREATE TABLE orders (id integer PRIMARY KEY);"
BASE = 'name = "p"\nsource.url = "dump:dump"\ntarget.url = "sqlite:///t.db"\ntarget.schema = "schema.sql"\n'
DATA = '[[discard]]\nentity = "*.data"\nreason = "derived"\n'
EMPTY = '[[discard]]\nentity = "*"\nempty = true\nreason = "nothing in them"\n'

Make = Callable[..., Move]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """A surveyed move of these documents; `more` goes into crossfade.toml, `mappings` are files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dump").mkdir()
    (tmp_path / "mapping").mkdir()
    for name, lines in DOCUMENTS.items():
        (tmp_path / "dump" / f"{name}.jsonl").write_text(lines)
    opened: list[Move] = []

    def made(more: str = "", schema: str = SCHEMA, **mappings: str) -> Move:
        (tmp_path / "crossfade.toml").write_text(BASE + more)
        (tmp_path / "schema.sql").write_text(schema)
        for table, text in mappings.items():
            (tmp_path / "mapping" / f"{table}.sql").write_text(text)
        opened.append(Move(load_project(tmp_path)))
        opened[-1].survey()
        return opened[-1]

    yield made
    for move in opened:
        move.close()


def faults(move: Move) -> set[tuple[str, str]]:
    return {(f.kind, f.place) for f in move.check() if f.severity == "fault"}


def test_without_a_mapping_every_open_path_is_listed(make: Make) -> None:
    move = make(DATA + EMPTY)
    assert faults(move) == {("unmapped_entity", "orders"), ("unmapped_entity", "users")}
    opened = {f.place: f.message for f in move.check() if f.kind == "open_path"}
    assert opened == {
        "orders._id": "1 int",
        "orders.extra": "1 int",
        "orders.total": "1 int",
        "users._id": "2 ints",
        "users.extra": "1 int, missing x 1",
        "users.name": "1 null, 1 string",
        "users.tags": "1 array, missing x 1",
        "users.usage.{}": "1 int",
    }
    with pytest.raises(Misused, match="no mapping files"):
        move.copy()


def test_faults_of_mappings_schema_and_coverage_in_one_go(make: Make) -> None:
    move = make(
        DATA + EMPTY,
        SCHEMA + " CREATE TABLE broken (id integer PRIMARY KEY, x foo bar baz(;",
        users="SELECT u._id AS id, u.Name AS name FROM users AS u",
        orders="SELECT o._id AS id FROM orders AS o",
        other="SELECT 'x FROM orders",
    )
    found = faults(move)
    assert {place for kind, place in found if kind == "mapping"} == {"mapping/users.sql:1:23", "mapping/other.sql:1:8"}
    assert [kind for kind, _ in found if kind == "schema"] == ["schema"]
    assert not [place for kind, place in found if kind == "uncovered"]  # other.sql may speak of anything
    with pytest.raises(MappingFault):
        move.copy()


def test_other_files_are_checked_although_one_has_a_fault(make: Make) -> None:
    move = make(
        DATA + EMPTY,
        users="SELECT u._id AS id, u.Name AS name FROM users AS u",
        orders="SELECT o._id AS id FROM orders AS o",
    )
    assert faults(move) == {
        ("mapping", "mapping/users.sql:1:23"),
        ("uncovered", "orders.extra"),
        ("uncovered", "orders.total"),
        ("uncovered", "users.extra"),
        ("uncovered", "users.tags"),
        ("uncovered", "users.usage"),
    }


WIDE = """CREATE TABLE users (id integer PRIMARY KEY, name text, n integer, more text, must text NOT NULL);
CREATE TABLE orders (id integer PRIMARY KEY, total integer, extra integer);"""
FAULTY = """SELECT u._id AS id,
       u.Name AS must,
       CAST(u.extra AS text) AS name,
       uper('x') AS more,
       u.tags AS n,
       u.usag || u.tagz AS mor
FROM users AS u
WHERE u.extr > 0 AND u.extra = uper(1)"""


def test_a_fault_hides_no_other_of_its_file(make: Make) -> None:
    """Nor does it cause others: what a misspelt name may stand for is not called unmapped, nor its column unfilled."""
    orders = "SELECT o._id AS id, o.total AS total, o.extra AS extra FROM orders AS o"
    assert faults(make(DATA + EMPTY, WIDE, orders=orders, users=FAULTY)) == {
        ("mapping", "mapping/users.sql:2:10"),
        ("does_not_bind", "mapping/users.sql:4:8"),
        ("type", "users.n"),
        ("mapping", "mapping/users.sql:6:10"),
        ("mapping", "mapping/users.sql:6:20"),
        ("unknown_column", "mapping/users.sql"),
        ("mapping", "mapping/users.sql:8:9"),
        ("does_not_bind", "mapping/users.sql:1:1"),
        ("filtered", "mapping/users.sql"),
    }


def test_a_misspelt_entity_is_not_called_unmapped(make: Make) -> None:
    orders = "SELECT o._id AS id, o.total AS total, o.extra AS extra FROM order AS o WHERE o.total > 1"
    users = "SELECT u._id AS id FROM users AS u, unnest(u.tagz) AS t(tag) WHERE t.tag IS NOT NULL"
    assert faults(make(DATA + EMPTY, WIDE, orders=orders, users=users)) == {
        ("mapping", "mapping/orders.sql:1:61"),
        ("mapping", "mapping/users.sql:1:46"),
        ("unfilled", "users.must"),
        ("uncovered", "users.extra"),
        ("uncovered", "users.name"),
        ("uncovered", "users.usage"),
    }


def test_a_schema_at_fault_alone(make: Make) -> None:
    move = make(schema="CREATE TABLE users (id integer PRIMARY KEY, name;", users="SELECT u._id AS id FROM users AS u")
    assert ("schema", "schema.sql:1:49") in faults(move)
    with pytest.raises(SchemaFault):
        move.copy()


def test_patterns_of_entities_and_of_discards(make: Make) -> None:
    mapped = {
        "users": "SELECT u._id AS id, u.name AS name FROM users AS u",
        "orders": "SELECT o._id AS id FROM orders AS o",
    }
    more = 'entities = ["u*", "[no]*", "a.data"]\n' + DATA + EMPTY
    more += '[[discard]]\nentity = "*"\npath = "extra"\nreason = "unused"\n'
    more += '[[discard]]\nentity = "user?"\npath = "usage"\nreason = "unused"\n'
    move = make(more, **mapped)
    assert list(move.shapes) == ["a.data", "none", "orders", "users"]
    assert faults(move) == {("uncovered", "users.tags"), ("uncovered", "orders.total")}
    kinds = {(f.kind, f.place) for f in move.check() if f.severity == "note"}
    assert ("left_out", "b.data") in kinds


def test_a_pattern_that_matches_nothing(make: Make) -> None:
    with pytest.raises(Misused, match=r"no entity that matches 'x\*'"):
        make('entities = ["x*"]\n')
    move = make('[[discard]]\nentity = "x*"\nreason = "gone"\n')
    assert ("stale_discard", "x*") in {(f.kind, f.place) for f in move.check()}


def test_what_was_empty_and_is_not_any_more_is_not_discarded(make: Make, tmp_path: Path) -> None:
    more = DATA + EMPTY + '[[discard]]\nentity = "orders"\nreason = "unused"\n'
    more += "".join(f'[[discard]]\nentity = "users"\npath = "{p}"\nreason = "u"\n' for p in ("usage", "tags", "extra"))
    move = make(more, users="SELECT u._id AS id, u.name AS name FROM users AS u")
    assert faults(move) == set()
    (tmp_path / "dump" / "none.jsonl").write_text('{"_id": 1}\n')
    with Move(load_project(tmp_path)) as again:
        assert faults(again) == {("unsurveyed", "none")}
        with pytest.raises(Uncovered, match="no longer empty"):
            again.copy()


def test_every_mistake_of_the_settings_is_reported(tmp_path: Path) -> None:
    (tmp_path / "crossfade.toml").write_text(
        BASE + 'limits.quarantine = 7\n[[discard]]\nentity = "*"\nreason = "all"\n'
    )
    with pytest.raises(Misused, match=r"(?s)limits\.quarantine.*discard\.0"):
        load_project(tmp_path)


def test_types_that_sqlite_does_not_have(make: Make) -> None:
    columns = (
        "id integer PRIMARY KEY, a numeric, b decimal(12, 2), c text[], d mood, e text, f, g money, h inet, i point,"
        " j citext"
    )
    move = make(schema=f"CREATE TABLE users ({columns});", users="SELECT u._id AS id FROM users AS u")
    found = [f for f in move.check() if f.kind == "sqlite_type"]
    notes, said = {f.place: f.hint or "" for f in found}, {f.place: f.message for f in found}
    assert notes.keys() == {"users.a", "users.c", "users.d", "users.g", "users.h", "users.i", "users.j"}
    assert "text" in notes["users.a"]
    assert "json" in notes["users.c"]
    assert "CHECK (d IN" in notes["users.d"]
    assert notes["users.g"].startswith("declare it integer, and store the smallest unit (cents); or text")
    assert notes["users.h"] == "declare it text"
    numbers = "any value but text that SQLite would turn into a number (007): that is quarantined"
    assert said["users.h"] == f"SQLite has no type inet: the column accepts {numbers}"
    assert said["users.j"] == "SQLite has no type citext: the column accepts any value"
    assert said["users.i"] == "SQLite has no type point: its name contains INT, so the column is one of integers"


def test_a_reference_whose_sides_sqlite_keeps_in_different_forms(make: Make) -> None:
    schema = (
        "CREATE TABLE users (id uuid PRIMARY KEY);"
        "CREATE TABLE orders (id integer PRIMARY KEY, a text REFERENCES users (id), b uuid REFERENCES users (id));"
    )
    move = make(
        schema=schema,
        users="SELECT uuid_of(u._id) AS id FROM users AS u",
        orders="SELECT o._id AS id, uuid_of(o.total) AS a, uuid_of(o.total) AS b FROM orders AS o",
    )
    assert {place for kind, place in faults(move) if kind == "sqlite_type"} == {"orders.a"}


@pytest.mark.parametrize("path", ["*", "a b", ".x"])
def test_a_discarded_path_that_is_none(make: Make, path: str) -> None:
    move = make(
        f'[[discard]]\nentity = "users"\npath = "{path}"\nreason = "r"\n',
        users="SELECT u._id AS id FROM users AS u",
        orders="SELECT o._id AS id FROM orders AS o",
    )
    assert ("stale_discard", f"users.{path}") in faults(move)


def test_the_hint_of_a_discard_can_be_pasted(make: Make, tmp_path: Path) -> None:
    (tmp_path / "dump" / "users.jsonl").write_text('{"_id": 1, "a b": 1}\n')
    move = make(users="SELECT u._id AS id FROM users AS u")
    (hint,) = {f.hint for f in move.check() if f.place == 'users."a b"'}
    assert hint is not None
    assert """path = '"a b"' with a reason""" in hint


def test_a_discard_of_one_key_of_a_map(make: Make) -> None:
    """It would leave nothing out, while a person believes that it does."""
    move = make(
        '[[discard]]\nentity = "users"\npath = "usage.2024-01"\nreason = "r"\n',
        users="SELECT u._id AS id FROM users AS u",
    )
    assert ("stale_discard", "users.usage.2024-01") in faults(move)


ENTRIES = "FROM users AS u, unnest(entries_of(u.usage)) WITH ORDINALITY AS e(entry, n)"


@pytest.mark.parametrize(
    ("columns", "more", "open_"),
    [
        ("e.n AS n, e.entry.value AS v", "", True),
        ("e.n AS n, e.entry.value AS v, CASE WHEN e.entry.key = 'x' THEN 1 END AS k", "", True),
        ("e.n AS n, e.entry.value AS v, e.entry.key AS k", "", False),
        ("e.n AS n, e.entry.value AS v, json_of(u.usage) AS k", "", False),
        ("e.n AS n, e.entry.value AS v", '[[discard]]\nentity = "users"\npath = "usage"\nreason = "r"\n', False),
    ],
)
def test_the_keys_of_a_map_are_data(make: Make, columns: str, more: str, open_: bool) -> None:
    move = make(more, users=f"SELECT u._id AS id, {columns} {ENTRIES}")
    assert (("uncovered", "users.usage") in faults(move)) is open_
