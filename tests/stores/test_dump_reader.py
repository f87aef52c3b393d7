"""Chunks, batches, finding documents, and the cache that they use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128, Int64, encode
from dumps import EVERY_TYPE, numbered, scanned

from crossfade.model.batch import Column
from crossfade.model.shape import Node, Shape, TypeStats
from crossfade.model.shape import Path as Place
from crossfade.records.bson.batch_size import documents_a_batch
from crossfade.records.bson.decode import split
from crossfade.records.bson.ejson import canonical, to_bson
from crossfade.records.bson.values import Symbol
from crossfade.records.bson.vocabulary import WORDS
from crossfade.records.bson.walk import walk
from crossfade.stores.contract import Reader, Store
from crossfade.stores.dump.store import open_dump
from crossfade.testing.dump_writer import write_archive, write_dump_folder

MANY = list(numbered(20_000))


@pytest.fixture
def caches(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary directory of the test's own; what the store leaves there can be counted."""
    folder = tmp_path_factory.mktemp("caches")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder / f"crossfade-dumps-{os.getuid()}"
    tempfile.tempdir = None


@pytest.fixture(params=["plain", "gzip", "archive", "lines"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """The same documents from each kind of dump."""
    if request.param == "archive":
        path = write_archive(tmp_path / "x", "shop", {"many": MANY})
    elif request.param == "lines":
        path = tmp_path / "many.json"
        path.write_text("\n".join(canonical(walk(document)) for document in MANY))
    else:
        path = write_dump_folder(tmp_path, "shop", {"many": MANY}, gzip=request.param == "gzip")
    with open_dump(path) as opened:
        yield opened


def reader_of(store: Store) -> Reader:
    assert store.reader is not None
    return store.reader


def test_chunks_hold_every_document_once_in_order(store: Store) -> None:
    chunks = list(reader_of(store).chunks("many", target_bytes=200_000))
    assert len(chunks) > 3
    assert [chunk.upper for chunk in chunks[:-1]] == [chunk.lower for chunk in chunks[1:]]
    assert sum(chunk.count for chunk in chunks) == len(MANY)
    assert [doc for chunk in chunks for run in reader_of(store).raw(chunk) for doc in split(run)] == MANY


@pytest.mark.parametrize(
    ("lower", "upper"), [("0", "1"), ("7", "7"), ("19999", "20000"), ("4321", "9876"), (None, "3"), ("19990", None)]
)
def test_a_chunk_may_begin_and_end_anywhere(store: Store, lower: str | None, upper: str | None) -> None:
    (whole, *_) = reader_of(store).chunks("many", target_bytes=10**9)
    part = replace(whole, lower=lower, upper=upper)
    found = [doc for run in reader_of(store).raw(part) for doc in split(run)]
    assert found == MANY[int(lower or 0) : int(upper) if upper else None]


def _node(name: str, types: dict[str, TypeStats], fields: tuple[Node, ...] = ()) -> Node:
    return Node(name, name, types, fields=fields, vocabulary=WORDS)


def test_batches_are_bounded_and_whole(store: Store) -> None:
    numbers = {"int": TypeStats(20_000)}
    fields = (_node("_id", numbers), _node("pad", {"string": TypeStats(20_000)}))
    shape = Shape("many", 20_000, _node("", {"object": TypeStats(20_000)}, fields))
    (chunk,) = reader_of(store).chunks("many", target_bytes=10**9)
    batches = list(reader_of(store).batches(chunk, shape, [Column("id", ("_id",))]))
    assert max(batch.table.num_rows for batch in batches) <= documents_a_batch(20_000) < 20_000
    assert [n for batch in batches for n in batch.table["id"].to_pylist()] == list(range(20_000))
    assert [raw for batch in batches for raw in batch.raws] == MANY


def test_fetch_by_id(store: Store) -> None:
    wanted = [canonical(n) for n in (5, 19_999, 5, 700, 123_456)]
    found = [doc for run in reader_of(store).fetch("many", ("_id",), wanted) for doc in split(run)]
    assert sorted(walk(doc)["_id"] for doc in found) == [5, 700, 19_999]


def fetched(tmp_path: Path, documents: list[bytes], path: Place, values: list[str]) -> list[object]:
    write_dump_folder(tmp_path, "shop", {"a": documents})
    with open_dump(tmp_path) as store:
        found = [doc for run in reader_of(store).fetch("a", path, values) for doc in split(run)]
    return sorted(walk(doc)["_id"] for doc in found)


def test_fetch_finds_every_type_and_no_other(tmp_path: Path) -> None:
    # Arrays, whose elements are found too, and NaN, which is one value for doubles and decimals, are asked about below.
    alike = [v for v in EVERY_TYPE if type(v) is not list and v != Decimal128("NaN")]
    documents = [to_bson({"_id": n, "v": value}) for n, value in enumerate(alike)]
    for n, value in enumerate(alike):
        assert fetched(tmp_path, documents, ("v",), [canonical(value)]) == [n]


def test_numbers_that_are_equal_are_found_and_others_are_not(tmp_path: Path) -> None:
    values = [
        5,
        Int64(5),
        5.0,
        Decimal128("5"),
        Decimal128("5.00"),
        Decimal128("0.5E1"),
        "5",
        50,
        0.5,
        True,
        Symbol("5"),
    ]
    documents = [to_bson({"_id": n, "v": value}) for n, value in enumerate(values)]
    for value in values[:6]:
        assert fetched(tmp_path, documents, ("v",), [canonical(value)]) == [0, 1, 2, 3, 4, 5]
    assert fetched(tmp_path, documents, ("v",), [canonical("5")]) == [6]


def test_numbers_near_one_another_are_not_equal(tmp_path: Path) -> None:
    values: list[Any] = [2**53, 2**53 + 1, 0.1, Decimal128("0.1"), 0.0, -0.0, Decimal128("-0"), 0]
    documents = [to_bson({"_id": n, "v": Int64(v) if n < 2 else v}) for n, v in enumerate(values)]
    assert fetched(tmp_path, documents, ("v",), [canonical(float(2**53))]) == [0]
    assert fetched(tmp_path, documents, ("v",), [canonical(0.1)]) == [2]
    assert fetched(tmp_path, documents, ("v",), [canonical(-0.0)]) == [4, 5, 6, 7]


def test_nan_is_nan_and_infinity_is_infinity(tmp_path: Path) -> None:
    values = [float("nan"), Decimal128("NaN"), float("inf"), Decimal128("-Infinity")]
    documents = [to_bson({"_id": n, "v": value}) for n, value in enumerate(values)]
    assert fetched(tmp_path, documents, ("v",), [canonical(float("nan"))]) == [0, 1]
    assert fetched(tmp_path, documents, ("v",), [canonical(float("inf"))]) == [2]


def test_fetch_through_arrays_gives_a_document_once(tmp_path: Path) -> None:
    documents = [
        encode({"_id": 0, "a": [{"b": 1}, {"b": 2}, {"b": 1}]}),
        encode({"_id": 1, "a": {"b": [3, 1]}}),
        encode({"_id": 2, "a": [[{"b": 1}]]}),
        encode({"_id": 3, "a": 1}),
    ]
    one_or_two = [canonical(1), canonical(2)]
    for path in (("a", "b"), ("a", "[]", "b"), ("a", "b", "[]")):
        assert fetched(tmp_path, documents, path, one_or_two) == [0, 1]
    assert fetched(tmp_path, documents, ("a", "[]", "[]", "b"), one_or_two) == [0, 1, 2]
    assert fetched(tmp_path, documents, ("a", "[]"), one_or_two) == [3]


def test_a_plain_file_is_not_copied_and_nothing_remains(tmp_path: Path, caches: Path) -> None:
    write_dump_folder(tmp_path / "dump", "shop", {"a": MANY})
    with open_dump(tmp_path / "dump") as store:
        assert scanned(store, "a") == MANY
        assert not list(caches.glob("*/*.bson"))
        assert list(caches.glob("*/*.spool"))
    assert list(caches.iterdir()) == []


def test_a_changed_dump_is_read_again(tmp_path: Path, caches: Path) -> None:
    write_dump_folder(tmp_path, "shop", {"a": MANY[:5]}, gzip=True)
    with open_dump(tmp_path) as before:
        assert scanned(before, "a") == MANY[:5]
        write_dump_folder(tmp_path, "shop", {"a": MANY[:9]}, gzip=True)
        with open_dump(tmp_path) as after:
            assert scanned(after, "a") == MANY[:9]


def test_the_last_one_out_removes_the_cache(tmp_path: Path, caches: Path) -> None:
    write_dump_folder(tmp_path, "shop", {"a": MANY}, gzip=True)
    with open_dump(tmp_path) as first:
        assert scanned(first, "a") == MANY
        with open_dump(tmp_path) as second:
            assert scanned(second, "a") == MANY
        assert scanned(first, "a") == MANY
    assert list(caches.iterdir()) == []


READ = """
import sys, hashlib
from crossfade.stores.dump.store import open_dump
with open_dump(sys.argv[1]) as store:
    print(hashlib.sha256(b"".join(store.reader.scan("a"))).hexdigest(), flush=True)
    if len(sys.argv) > 2:
        import time
        time.sleep(60)
"""


@contextmanager
def run(path: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", READ, str(path), *more], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_several_processes_at_once_build_one_cache(tmp_path: Path, caches: Path) -> None:
    path = write_archive(tmp_path / "x", "shop", {"a": MANY, "b": MANY}, gzip=True)
    with ExitStack() as stack:
        processes = [stack.enter_context(run(path)) for _ in range(4)]
        answers = {process.communicate(timeout=240)[0] for process in processes}
    assert len(answers) == 1
    assert len(answers.pop()) == 65
    assert list(caches.iterdir()) == []


def test_what_a_killed_process_leaves_is_taken_up_and_removed(tmp_path: Path, caches: Path) -> None:
    path = write_archive(tmp_path / "x", "shop", {"a": MANY}, gzip=True)
    with run(path, "stay") as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline()
    (left,) = caches.iterdir()
    seen = (left / "0.bson").stat().st_ino
    with open_dump(path) as store:
        assert scanned(store, "a") == MANY
        assert (left / "0.bson").stat().st_ino == seen
    assert list(caches.iterdir()) == []


def test_nothing_remains_where_nobody_closes(tmp_path: Path, caches: Path) -> None:
    write_dump_folder(tmp_path / "dump", "shop", {"a": MANY}, gzip=True)
    code = READ.replace("with open_dump(sys.argv[1]) as store:", "store = open_dump(sys.argv[1])\nif True:")
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "dump")], check=True, stdout=subprocess.DEVNULL)
    assert list(caches.iterdir()) == []


def test_a_small_dump_has_several_chunks(tmp_path: Path) -> None:
    write_dump_folder(tmp_path, "shop", {"a": MANY[:2000]})
    with open_dump(tmp_path) as store:
        assert len(list(reader_of(store).chunks("a", target_bytes=10_000))) > 5


def test_a_cache_that_others_can_read_is_not_used(tmp_path: Path, caches: Path) -> None:
    caches.mkdir(mode=0o755)
    write_dump_folder(tmp_path, "shop", {"a": MANY[:1]})
    with open_dump(tmp_path) as store, pytest.raises(Exception, match="is open to others"):
        scanned(store, "a")


def test_memory_does_not_grow_with_the_dump(tmp_path: Path) -> None:
    path = tmp_path / "big.json"
    with path.open("w") as file:
        file.write("[")
        file.writelines(json.dumps({"_id": n, "t": "x" * 2000}) + ",\n" for n in range(60_000))
        file.write("]")
    code = (
        "import sys, resource; from crossfade.stores.dump.store import open_dump\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "with open_dump(sys.argv[1]) as store: n = sum(1 for _ in store.reader.scan('big'))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100_000  # kB; the file has 120 MB
