"""Damaged .bson files: what precedes the damage is read, the rest is one piece that is counted."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from bson import encode
from dumps import DOCUMENTS, entities, numbered

from crossfade.model.rejection import Rejection
from crossfade.model.shape import Node, Shape, TypeStats
from crossfade.records.bson.decode import decode
from crossfade.records.bson.vocabulary import WORDS
from crossfade.stores.contract import Store
from crossfade.stores.dump.framing import KEEP, documents
from crossfade.stores.dump.store import open_dump

ONE, TWO = encode({"_id": 1}), encode({"_id": 2, "inner": {"_id": 3}})
ID = Node("_id", "_id", {"int": TypeStats(3)}, vocabulary=WORDS)
SHAPE = Shape("a", 3, Node("", "", {"object": TypeStats(3)}, fields=(ID,), vocabulary=WORDS))


def split_up(data: bytes) -> tuple[list[bytes], list[Rejection]]:
    pieces = list(documents(io.BytesIO(data).read))
    return [p for p in pieces if isinstance(p, bytes)], [p for p in pieces if isinstance(p, Rejection)]


def test_every_cut_of_a_file() -> None:
    whole = ONE + TWO
    for length in range(len(whole) + 1):
        good, broken = split_up(whole[:length])
        assert b"".join(good) + b"".join(b.raw for b in broken) == whole[:length]
        assert len(broken) == (length not in (0, len(ONE), len(whole)))


@pytest.mark.parametrize(
    ("middle", "detail"),
    [
        (b"\x04\0\0\0\0", "cannot be 4 bytes long"),
        (b"\xff\xff\xff\xff\0", "cannot be -1 bytes long"),
        (b"\0\0\0\x02" + b"\0" * 40, "cannot be 33,554,432 bytes long"),
        (TWO[:-1] + b"\1", "does not end with a zero byte"),
        (b"\x90\0\0\0" + b"\0" * 4, "of 144 bytes ends after"),
    ],
)
def test_a_wrong_frame_ends_the_file(middle: bytes, detail: str) -> None:
    good, (broken,) = split_up(ONE + middle + TWO)
    assert good == [ONE]
    assert broken.raw == middle + TWO
    assert detail in broken.detail
    assert f"(byte {len(ONE)})" in broken.detail


def test_of_a_long_piece_only_the_first_is_kept() -> None:
    _, (broken,) = split_up(b"\0" * (KEEP + 5_000_000))
    assert len(broken.raw) == KEEP
    assert f"{KEEP + 5_000_000:,} bytes" in broken.detail


def test_the_biggest_documents_pass() -> None:
    big = [encode({"_id": n, "b": b"\1" * (16 * 1024 * 1024 - 40)}) for n in range(2)]
    assert split_up(b"".join(big)) == (big, [])


def damaged(tmp_path: Path, data: bytes, name: str = "a.bson") -> Store:
    (tmp_path / name).write_bytes(data)
    return open_dump(tmp_path)


def test_a_cut_gzip_file(tmp_path: Path) -> None:
    whole = list(numbered(3000))
    with damaged(tmp_path, gzip.compress(b"".join(whole))[:-3000], "a.bson.gz") as store:
        info = entities(store)["a"]
        assert "decompressing" in info.torn
        assert store.reader is not None
        good = b"".join(store.reader.scan("a"))
        assert b"".join(whole).startswith(good)
        assert 0 < len(good) < sum(map(len, whole))
        assert info.count == len(decode(good).docs)


# The rest begins with a sound length, so it must not be handed out as if documents followed.
LOOKS_SOUND = TWO[:-1] + b"\1" + encode({"_id": 4})


@pytest.mark.parametrize("rest", [b"\1", LOOKS_SOUND, TWO[:-3]])
def test_the_reader_sets_the_rest_aside(tmp_path: Path, rest: bytes) -> None:
    with damaged(tmp_path, ONE + ONE + rest) as store:
        assert store.reader is not None
        decoded = [decode(run) for run in store.reader.scan("a")]
        assert [len(d.docs) for d in decoded] == [2]
        assert [len(d.rejected) for d in decoded] == [0]
        (chunk,) = store.reader.chunks("a", target_bytes=1000)
        assert chunk.count == 3
        batches = list(store.reader.batches(chunk, SHAPE, []))
        assert [batch.table.num_rows for batch in batches] == [2, 0]
        (aside,) = batches[1].rejected
        assert (aside.row, aside.key, aside.reason, aside.raw) == (2, None, "remainder", rest)
        assert b"".join(store.reader.keys("a")) == ONE + ONE


def test_a_document_that_is_broken_inside_is_alone_in_it(tmp_path: Path) -> None:
    bad = bytearray(encode({"_id": 2, "x": "text"}))
    bad[bad.index(b"text") - 4] = 99
    with damaged(tmp_path, ONE + bytes(bad) + ONE) as store:
        assert store.reader is not None
        (chunk,) = store.reader.chunks("a", target_bytes=1000)
        (batch,) = store.reader.batches(chunk, SHAPE, [])
        assert batch.raws == [ONE, ONE]
        assert [(a.row, a.reason, a.key) for a in batch.rejected] == [(1, "broken", '{"$numberInt":"2"}')]


def test_broken_lines_have_positions_too(tmp_path: Path) -> None:
    with damaged(tmp_path, b'{"_id": 1}\n{"_id": }\n{"_id": 3}\n{"_id\n', "a.json") as store:
        assert store.reader is not None
        chunks = list(store.reader.chunks("a", target_bytes=1))
        batches = [batch for chunk in chunks for batch in store.reader.batches(chunk, SHAPE, [])]
        assert sum(chunk.count for chunk in chunks) == 4
        assert [raw for batch in batches for raw in batch.raws] == [ONE, encode({"_id": 3})]
        aside = [(one.row, one.raw) for batch in batches for one in batch.rejected]
        assert aside == [(1, b'{"_id": }'), (3, b'{"_id')]


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        (b'{"_id": 1}\n{"_id": 2, "a": "te', ["remainder"]),
        (b'{"_id": 1}\n{"_id": 2, "a": tr', ["remainder"]),
        (b'{"_id": 1}\n{"_id": 2, "a": [\n', ["remainder"]),
        (b'{"_id": 1}\n{"_id": }', ["broken"]),
        (b'{"_id": 1}\n{"_id": 2, "a\0\0\0\0": 1}\n{"_id": 3}\n', ["remainder"]),
        (b'{"_id": 1}\n{"_id": 2, "a"\n": 3}\n{"_id": 3}\n', ["remainder"]),
        (b'{"_id": 1}\n{"_id": x}\n{"_id": y}\n{"_id": 3}\n', ["broken", "broken"]),
        (b'{\n "_id": 1\n}\n{\n "_id": x\n}\n{\n "_id": 3\n}\n', ["broken"]),
        (b'{\n "_id": 1\n}\n{\n "_id": 2,\n', ["remainder"]),
    ],
)
def test_what_is_one_record_of_an_export_and_what_nobody_can_count(
    tmp_path: Path, text: bytes, reasons: list[str]
) -> None:
    with damaged(tmp_path, text, "a.json") as store:
        assert store.reader is not None
        (chunk,) = store.reader.chunks("a", target_bytes=1000)
        batches = list(store.reader.batches(chunk, SHAPE, []))
        assert [one.reason for batch in batches for one in batch.rejected] == reasons
        good = sum(len(batch.raws) for batch in batches)
        assert (entities(store)["a"].count, bool(entities(store)["a"].torn)) == (
            good + reasons.count("broken"),
            "remainder" in reasons,
        )


def test_a_cut_gzip_file_of_lines(tmp_path: Path) -> None:
    lines = b"".join(b'{"_id": %d, "a": "%d"}\n' % (n, n * n) for n in range(3000))
    for cut in (1, 9, 3000):
        with damaged(tmp_path, gzip.compress(lines)[:-cut], "a.json.gz") as store:
            info = entities(store)["a"]
            assert "decompressing" in info.torn
            assert 0 < info.count <= 3000


def test_a_length_that_swallows_the_next_documents_is_no_one_record(tmp_path: Path) -> None:
    long = bytearray(ONE + TWO + ONE)
    long[:4] = len(ONE + TWO).to_bytes(4, "little")
    with damaged(tmp_path, bytes(long)) as store:
        assert store.reader is not None
        (chunk,) = store.reader.chunks("a", target_bytes=1000)
        (batch,) = store.reader.batches(chunk, SHAPE, [])
        assert batch.raws == [ONE]
        assert [(a.reason, a.raw) for a in batch.rejected] == [("remainder", bytes(long[: len(ONE + TWO)]))]


def test_every_type_has_a_key_that_can_be_cut_out(tmp_path: Path) -> None:
    keyed = [encode({"_id": n}) for n in range(len(DOCUMENTS))]
    with damaged(tmp_path, b"".join(DOCUMENTS)) as store:
        assert store.reader is not None
        assert b"".join(store.reader.keys("a")) == b"".join(keyed)
