"""SQLite as a source: every row exactly once whatever its key, and the same by every way to read it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.assess.lock import dump_lock, load_lock
from crossfade.assess.survey import survey
from crossfade.errors import Refused, Stale, Unreachable
from crossfade.model.batch import Batch, Column
from crossfade.model.shape import Shape, escape_step
from crossfade.records.rows.dynamic.codec import DYNAMIC
from crossfade.records.rows.dynamic.values import BadText, extended, of_extended, text_of, value_of
from crossfade.records.rows.keys import key_of_texts
from crossfade.stores.contract import Reader, Store, Written, need
from crossfade.stores.open import open_store
from crossfade.stores.sqlite.reading import transaction

KINDS = (Path(__file__).parent / "sqlite_of_all_types.sql").read_text()
TABLES = ("kinds", "composite", "tight", "strict_one", "no_key", "holed", "counted", 'Odd "table" #1', "empty_one")
SELECTED = {  # a part of the file that each way of reading must give
    "tight": ["7", "'7'", "x'37'", "7.5", "9e999", "", "x''", "abc", "-1", "'9e999'", "''7''", "'x'37''"],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "source.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(KINDS)
    connection.close()
    return path


@pytest.fixture
def source(file: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{file}") as store:
        yield store


def reader_of(store: Store) -> Reader:
    return need(store.reader, store, "read")


def surveyed(file: Path) -> dict[str, Shape]:
    with open_store(f"sqlite:///{file}") as store:
        assert store.inspector is not None
        found = store.inspector.entities()
    return {shape.entity: shape for shape in survey(lambda: open_store(f"sqlite:///{file}"), found)}


def columns_of(shape: Shape) -> list[Column]:
    """Every column in every form."""
    forms = ("native", "type", "present", "json", "ejson", "listed")
    names = [(node.name, (escape_step(node.name),), form) for node in shape.root.fields for form in forms]
    parts = (Column("e", ()), Column("t", (), "type"))
    columns = [Column(f"{n} {form}", path, form, parts if form == "listed" else ()) for n, path, form in names]
    return [*columns, Column("all", (), "json"), Column("rest", (), "rest", without=frozenset({("id",)}))]


VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
    st.binary().map(BadText),
    st.sampled_from(
        ["7", "7.0", "'", "''", "x'ff'", "CAST(x'ff' AS TEXT)", "9e999", "-0", "1e5", "0x10", "99999999999999999999"]
    ),
)


@given(VALUES)
def test_a_text_leads_back_to_its_value(value: int | float | str | bytes) -> None:
    again = value_of(text_of(value))
    assert type(again) is type(value)
    assert repr(again) == repr(value)
    if not isinstance(value, BadText):
        assert repr(of_extended(extended(value))) == repr(value)


@given(st.lists(VALUES, min_size=2, max_size=2, unique_by=lambda v: (type(v), repr(v))))
def test_different_values_have_different_texts(values: list[int | float | str | bytes]) -> None:
    assert text_of(values[0]) != text_of(values[1])


def test_every_row_is_in_one_chunk(source: Store) -> None:
    reader = reader_of(source)
    for entity in TABLES:
        total = reader.count(entity)
        everything = [DYNAMIC.key(raw) for piece in reader.scan(entity) for raw in DYNAMIC.split(piece)]
        assert len(set(everything)) == len(everything) == total
        assert {key for piece in reader.keys(entity) for key in map(DYNAMIC.key, DYNAMIC.split(piece))} == {*everything}
        for target_bytes in (1, 3000, 10**9):
            chunks = list(reader.chunks(entity, target_bytes=target_bytes))
            assert sum(chunk.count for chunk in chunks) == total
            assert all(one.upper == other.lower for one, other in pairwise(chunks))
            by_chunk = [[DYNAMIC.key(r) for p in reader.raw(chunk) for r in DYNAMIC.split(p)] for chunk in chunks]
            assert [len(keys) for keys in by_chunk] == [chunk.count for chunk in chunks]
            assert sorted(k or "" for keys in by_chunk for k in keys) == sorted(k or "" for k in everything)


def test_keys_of_different_types_stay_apart(source: Store) -> None:
    keys = {key for p in reader_of(source).keys("tight") for key in map(DYNAMIC.key, DYNAMIC.split(p))}
    assert keys == {key_of_texts([text]) for text in SELECTED["tight"]}


def test_the_same_straight_and_out_of_raw_records(file: Path, source: Store) -> None:
    """What is set aside comes in again through its raw record: the mapping sees the very same values."""
    reader = reader_of(source)
    for entity, shape in surveyed(file).items():
        columns = columns_of(shape)
        for chunk in reader.chunks(entity, target_bytes=10**9):
            straight = list(reader.batches(chunk, shape, columns))
            raws = [raw for batch in straight for raw in batch.records(range(len(batch.raws)))]
            again = DYNAMIC.reader(shape, columns).read(b"".join(raws))
            assert not [*again.rejected, *(a for batch in straight for a in batch.rejected)]
            table = pa.concat_tables([batch.table.drop_columns(["#row"]) for batch in straight])
            assert table.schema.equals(again.table.drop_columns(["#row"]).schema), entity
            for name in table.column_names:
                one, other = table.column(name).combine_chunks(), again.table.column(name).combine_chunks()
                assert str(one) == str(other), (entity, name)
            assert [key for batch in straight for key in batch.keys] == list(again.keys)


def test_values_arrive_as_sqlite_has_them(file: Path, source: Store) -> None:
    """Held against what another connection selects, by its own words for types and values."""
    shape = surveyed(file)["kinds"]
    names = [node.name for node in shape.root.fields]
    columns = [Column(f"{n}#{form}", (n,), form) for n in names for form in ("native", "type")]
    (chunk,) = reader_of(source).chunks("kinds", target_bytes=10**9)
    (batch,) = reader_of(source).batches(chunk, shape, columns)
    with closing(sqlite3.connect(file)) as connection, connection:
        for name in names:
            asked = connection.execute(f'SELECT typeof("{name}"), "{name}" FROM kinds ORDER BY id').fetchall()
            assert batch.table.column(f"{name}#type").to_pylist() == [kind for kind, _ in asked]
            node = shape.root.by_name[name]
            if node.kind in ("long", "double", "string", "binary"):
                assert batch.table.column(f"{name}#native").to_pylist() == [value for _, value in asked], name
    connection.close()
    assert {name: shape.root.by_name[name].kind for name in ("n", "d", "anything", "hollow", "at")} == {
        "n": "decimal", "d": "decimal", "anything": "mixed", "hollow": "string", "at": "string",
    }  # fmt: skip
    assert batch.table.column("n#native").to_pylist() == ["3", "12.5", None, "100000000000000000000", "0", "-0.1"]
    assert batch.table.column("anything#native").to_pylist()[1:3] == ['{"$numberLong":"7"}', None]


def test_records_by_their_keys_and_by_a_column(source: Store) -> None:
    reader = reader_of(source)
    for entity in TABLES:
        raws = [raw for piece in reader.scan(entity) for raw in DYNAMIC.split(piece)]
        keys = [DYNAMIC.key(raw) or "" for raw in raws[:20]]
        found = [raw for piece in reader.fetch(entity, (), [*keys, *keys]) for raw in DYNAMIC.split(piece)]
        assert sorted(found) == sorted(raws[:20]), entity
    wanted = [key_of_texts([text]) for text in ("n7", "n9", "n8")]
    found = [raw for piece in reader.fetch("composite", ("note",), wanted) for raw in DYNAMIC.split(piece)]
    assert {DYNAMIC.value_at(raw, ("note",)) for raw in found} == {'["n7"]', '["n8"]'}


def test_the_survey_counts_types_that_are_there(file: Path) -> None:
    shapes = surveyed(file)
    assert load_lock(dump_lock(shapes.values())) == [shapes[name] for name in sorted(shapes)]
    counted = {name: stats.count for name, stats in shapes["counted"].root.by_name["x"].types.items()}
    assert counted == {"integer": 2, "text": 1, "null": 0}
    at = shapes["kinds"].root.by_name["at"]
    assert (at.declared, at.types["text"].least, at.types["null"].count) == ("DATETIME", "0001-01-01 00:00:00", 2)
    assert shapes["holed"].key == shapes["no_key"].key == (("rowid",),)
    assert shapes["composite"].key == (("Part A",), ("b.c",), ("day",))
    assert {t: s.count for t, s in shapes["empty_one"].root.by_name["x"].types.items()} == {"text": 0, "null": 0}


def test_the_survey_is_the_same_in_pieces(file: Path, source: Store) -> None:
    surveyor, reader = source.surveyor, reader_of(source)
    assert surveyor is not None
    from crossfade.model.map_rules import MapRules

    for entity in TABLES:
        whole = surveyor.counted(entity, MapRules())
        pieces = [surveyor.counted(chunk, MapRules()) for chunk in reader.chunks(entity, target_bytes=200)]
        for one in pieces[1:]:
            pieces[0].merge(one)
        assert not pieces or pieces[0].to_shape(entity).root == whole.to_shape(entity).root


def test_everything_is_listed_with_a_plan(source: Store) -> None:
    assert source.inspector is not None
    found = {info.name: info for info in source.inspector.entities()}
    assert {name for name, info in found.items() if info.copied} == {*TABLES}
    assert (found["a_view"].entity_class, found["notes"].entity_class) == ("view", "virtual table")
    assert found["notes_data"].entity_class == "shadow table"
    assert found["sqlite_sequence"].entity_class == "system"
    assert "rowid" in found["no_key"].plan
    assert "NULL" in found["holed"].plan
    assert found["composite"].plan == "copied"
    assert found["composite"].count == 500


def test_text_that_is_not_utf8_is_set_aside_with_its_bytes(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE bad (k TEXT PRIMARY KEY NOT NULL, v TEXT)")
        connection.execute(_MANY)
        connection.execute("INSERT INTO bad VALUES ('odd', CAST(x'61ff62' AS TEXT)), (CAST(x'ff' AS TEXT), 'v')")
    connection.close()
    shape = surveyed(file)["bad"]
    assert (shape.count, dict(shape.problems)) == (2002, {"invalid_utf8": 2})
    with open_store(f"sqlite:///{file}") as store:
        (chunk,) = reader_of(store).chunks("bad", target_bytes=10**9)
        batches = list(reader_of(store).batches(chunk, shape, [Column("v", ("v",))]))
        assert sum(len(b.table) for b in batches) == 2000
        aside = {one.key: one for batch in batches for one in batch.rejected}
        assert {one.reason for one in aside.values()} == {"invalid_utf8"}
        assert set(aside) == {'["odd"]', "[\"CAST(x'ff' AS TEXT)\"]"}
        assert b"CAST(x'61ff62' AS TEXT)" in aside['["odd"]'].raw
        assert [r for p in reader_of(store).fetch("bad", (), [k for k in aside if k]) for r in DYNAMIC.split(p)]


_MANY = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO bad SELECT 'k' || i, 'v' FROM n
"""


def test_a_type_that_the_survey_did_not_see_is_set_aside(file: Path) -> None:
    shape = surveyed(file)["strict_one"]
    seen = surveyed(file)["counted"]
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("INSERT INTO counted VALUES (10, x'ff')")
        connection.execute("INSERT INTO kinds (id, hollow) VALUES (10, x'ff')")
    connection.close()
    with open_store(f"sqlite:///{file}") as store:
        (chunk,) = reader_of(store).chunks("counted", target_bytes=10**9)
        (batch,) = reader_of(store).batches(chunk, seen, [Column("x", ("x",))])
        assert [(one.reason, one.key, one.path) for one in batch.rejected] == [("unseen_type", '["10"]', "x")]
        assert len(batch.table) == 3
        with pytest.raises(Stale):
            list(reader_of(store).batches(chunk, shape, [Column("x", ("x",))]))


WRITER = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1], isolation_level=None) as connection:
    for statement in sys.argv[2:]:
        connection.execute(statement)
"""


def written(file: Path, *statements: str) -> subprocess.CompletedProcess[str]:
    run = [sys.executable, "-c", WRITER, str(file), *statements]
    return subprocess.run(run, capture_output=True, text=True, check=False)


def test_what_changed_is_named(file: Path) -> None:
    """A file in WAL mode that another process writes: the reader sees one state, and says afterwards what changed."""
    written(file, "PRAGMA journal_mode = WAL")
    with open_store(f"sqlite:///{file}") as store:
        assert store.snapshot is not None
        assert store.changed is not None
        store.snapshot()
        assert store.changed() is None
        assert written(file, "UPDATE holed SET v = 9 WHERE k = 'a'", "DELETE FROM tight WHERE v = 1").returncode == 0
        assert reader_of(store).count("tight") == 12
        assert store.changed() == Written(file.name, ("holed", "tight"))


def test_no_row_comes_twice_that_several_values_find(file: Path) -> None:
    written(file, "CREATE TABLE users (name TEXT COLLATE NOCASE PRIMARY KEY)", "INSERT INTO users VALUES ('anna')")
    keys = ["Anna", *(f"b{n}" for n in range(2000)), "anna"]
    with open_store(f"sqlite:///{file}") as store:
        found = list(reader_of(store).fetch("users", ("name",), [key_of_texts([key]) for key in keys]))
    assert [DYNAMIC.key(raw) for piece in found for raw in DYNAMIC.split(piece)] == ['["anna"]']


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE tight SET k = -2 WHERE k = -1",  # Python's hash of both is the same
        "UPDATE kept SET v = 1.0",
        "UPDATE kept SET v = CAST(v AS TEXT)",
        "UPDATE kept SET b = CAST(b AS TEXT)",
        "UPDATE kept SET rowid = 8",  # which is its key
    ],
)
def test_every_change_is_noticed(file: Path, change: str) -> None:
    written(file, "PRAGMA journal_mode = WAL", "CREATE TABLE kept (v, b)", "INSERT INTO kept VALUES (1, x'ff')")
    with open_store(f"sqlite:///{file}") as store:
        assert store.snapshot is not None
        assert store.changed is not None
        store.snapshot()
        assert written(file, change).returncode == 0
        assert store.changed() == Written(file.name, (change.split()[1],))


def test_a_change_that_was_undone_is_noticed(file: Path) -> None:
    """Another connection of the same run may have read the rows in between."""
    written(file, "PRAGMA journal_mode = WAL")
    with open_store(f"sqlite:///{file}") as store:
        assert store.snapshot is not None
        assert store.changed is not None
        store.snapshot()
        assert written(file, "UPDATE tight SET v = v + 1", "UPDATE tight SET v = v - 1").returncode == 0
        assert store.changed() == Written(file.name)


AT_ONCE = "PRAGMA busy_timeout = 10"
UNDONE = ("UPDATE tight SET v = v + 1", "UPDATE tight SET v = v - 1")


@pytest.mark.parametrize("is_linked", [False, True])
@pytest.mark.parametrize("before", [(), ("PRAGMA wal_checkpoint(PASSIVE)",)])
@pytest.mark.parametrize("mode", ["PASSIVE", "FULL", "RESTART", "TRUNCATE"])
def test_a_checkpoint_is_no_change(file: Path, mode: str, before: Sequence[str], is_linked: bool) -> None:
    """It may empty the WAL file; what was committed since the snapshot stays in it."""
    link = file.with_name("link.db")
    link.symlink_to(file)
    checkpoint = f"PRAGMA wal_checkpoint({mode})"
    with closing(sqlite3.connect(file)) as application:  # which keeps the WAL file
        application.execute("PRAGMA journal_mode = WAL")
        with application:
            application.execute("UPDATE holed SET v = 9 WHERE k = 'a'")
        for statement in before:
            application.execute(statement)
        with open_store(f"sqlite:///{link if is_linked else file}") as store:
            assert store.snapshot is not None
            assert store.changed is not None
            store.snapshot()
            assert written(file, AT_ONCE, checkpoint).returncode == 0
            assert store.changed() is None
            assert written(file, *UNDONE, AT_ONCE, checkpoint, checkpoint).returncode == 0
            assert store.changed() == Written(link.name if is_linked else file.name)


def test_writers_wait_where_there_is_no_wal(file: Path) -> None:
    with open_store(f"sqlite:///{file}") as store:
        assert store.snapshot is not None
        assert store.changed is not None
        store.snapshot()
        refused = written(file, AT_ONCE, "DELETE FROM tight WHERE v = 1")
        assert "locked" in refused.stderr
        assert store.changed() is None


def test_views_and_missing_tables_are_refused(source: Store, tmp_path: Path) -> None:
    for name in ("a_view", "notes", "nothing"):
        with pytest.raises(Refused):
            list(reader_of(source).scan(name))
    with open_store(f"sqlite:///{tmp_path / 'missing.db'}") as store, pytest.raises(Unreachable):
        reader_of(store).count("kinds")
    assert not (tmp_path / "missing.db").exists()


def test_batches_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "large.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB)")
        connection.executemany(
            "INSERT INTO t VALUES (?, zeroblob(?))", [(i, 1 if i < 60 else 700_000) for i in range(160)]
        )
    connection.close()
    monkeypatch.setattr(transaction, "BYTES_AT_ONCE", 2_000_000)
    monkeypatch.setattr(transaction, "_STEP_BYTES", 500_000)
    with open_store(f"sqlite:///{file}") as store:
        shape = surveyed(file)["t"]
        (chunk,) = reader_of(store).chunks("t", target_bytes=10**10)
        held = [batch.table.nbytes for batch in batches_of(store, chunk, shape)]
    assert sum(held) > 70_000_000
    assert max(held) < 6_000_000


def batches_of(store: Store, chunk: object, shape: Shape) -> Iterator[Batch]:
    yield from reader_of(store).batches(chunk, shape, [Column("b", ("b",))])  # type: ignore[arg-type]


def test_a_collation_of_the_application(tmp_path: Path) -> None:
    file = tmp_path / "own.db"
    connection = sqlite3.connect(file)
    connection.create_collation("mine", lambda a, b: (a[::-1] > b[::-1]) - (a[::-1] < b[::-1]))
    connection.execute("CREATE TABLE t (k TEXT COLLATE mine PRIMARY KEY NOT NULL, v INT)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(f"k{i}", i) for i in range(50)])
    connection.commit()
    connection.close()
    with open_store(f"sqlite:///{file}") as store:
        chunks = list(reader_of(store).chunks("t", target_bytes=30))
        keys = [DYNAMIC.key(r) for c in chunks for p in reader_of(store).raw(c) for r in DYNAMIC.split(p)]
        assert sorted(map(str, keys)) == sorted(f'["k{i}"]' for i in range(50))
        assert len(list(reader_of(store).fetch("t", (), ['["k7"]']))) == 1


def test_keys_as_people_write_them(source: Store) -> None:
    for entity in TABLES:
        for piece in reader_of(source).keys(entity):
            for key in map(DYNAMIC.key, DYNAMIC.split(piece)):
                assert key in [k for group in DYNAMIC.keys_meant(DYNAMIC.readable(key)) for k in group]
