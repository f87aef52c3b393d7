"""Archives of mongodump. They are written by our own writer; bytes fix what it shares with the reader."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from bson import Int64, encode
from dumps import DOCUMENTS, entities, numbered, read_all, scanned

from crossfade.errors import Damaged, Misused
from crossfade.stores.dump.crc64 import Crc64, crc64
from crossfade.stores.dump.store import open_dump
from crossfade.testing.dump_writer import write_archive

# As they stand in mongo-tools (common/archive/archive.go: magic, terminator; its sums are Go's crc64.ECMA).
MAGIC = bytes.fromhex("6de29981")
END = b"\xff\xff\xff\xff"


def table_crc64(data: bytes) -> int:
    """The textbook way, bit by bit."""
    value = 0xFFFFFFFFFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0xC96C5795D7870F42 if value & 1 else 0)
    return value ^ 0xFFFFFFFFFFFFFFFF


@pytest.mark.parametrize("data", [b"", b"\0", b"123456789", bytes(range(256)) * 40, b"\0" * 5000])
def test_the_checksum_is_the_textbook_one(data: bytes) -> None:
    assert crc64(data) == table_crc64(data)


def test_the_checksum_of_the_catalog() -> None:
    assert crc64(b"123456789") == 0x995DC9BBDF1939FA  # "check" of CRC-64/XZ
    running = Crc64()
    for piece in (b"12", b"", b"3456789"):
        running.update(piece)
    assert running.value() == 0x995DC9BBDF1939FA


def by_hand(*, crc: int, docs: bytes) -> bytes:
    """An archive of one collection, put together from the format's description alone."""
    header = encode(
        {"concurrent_collections": 4, "version": "0.1", "server_version": "5.0.9", "tool_version": "100.5.2"}
    )
    listed = encode({"db": "shop", "collection": "a", "metadata": '{"options":{},"indexes":[]}', "size": 0})
    block = encode({"db": "shop", "collection": "a", "EOF": False, "CRC": Int64(0)})
    signed = crc - (1 << 64) if crc >> 63 else crc
    last = encode({"db": "shop", "collection": "a", "EOF": True, "CRC": Int64(signed)})
    return MAGIC + header + listed + END + block + docs + END + last + END


def test_an_archive_put_together_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "hand"
    docs = b"".join(DOCUMENTS)
    path.write_bytes(by_hand(crc=table_crc64(docs), docs=docs))
    with open_dump(f"dump:{path}") as store:
        assert scanned(store, "a") == DOCUMENTS
        assert store.inspector is not None
        assert store.inspector.version() == "MongoDB 5.0.9 (mongodump 100.5.2)"


def test_a_wrong_checksum_is_refused_with_both_sums(tmp_path: Path) -> None:
    path = tmp_path / "hand"
    docs = b"".join(DOCUMENTS)
    path.write_bytes(by_hand(crc=table_crc64(docs) ^ 1, docs=docs))
    with open_dump(path) as store, pytest.raises(Damaged, match=r"shop\.a has the checksum [0-9a-f]{16}, but"):
        scanned(store, "a")


@pytest.mark.parametrize("zipped", [False, True])
def test_interleaved_collections(tmp_path: Path, zipped: bool) -> None:
    data = {"all": DOCUMENTS, "many": list(numbered(5000)), "none": []}
    metadata = {"seen": {"type": "view", "options": {"viewOn": "all"}}}
    path = write_archive(tmp_path / "x.archive", "shop", data, gzip=zipped, run=7, metadata=metadata)
    with open_dump(path) as store:
        found = entities(store)
        assert {name: scanned(store, name) for name in data} == data
    assert {name: info.count for name, info in found.items()} == {
        "all": len(DOCUMENTS),
        "many": 5000,
        "none": 0,
        "seen": 0,
    }
    assert not found["seen"].copied


def test_every_cut_of_an_archive_is_noticed(tmp_path: Path) -> None:
    whole = write_archive(tmp_path / "x", "shop", {"a": [encode({"_id": 1})], "b": []}, run=1).read_bytes()
    path = tmp_path / "cut"
    for length in range(4, len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(Damaged, match="is damaged at byte"), open_dump(path) as store:
            scanned(store, "a")


def test_every_changed_byte_of_the_documents_is_noticed(tmp_path: Path) -> None:
    docs = b"".join(DOCUMENTS[:2])
    whole = by_hand(crc=table_crc64(docs), docs=docs)
    start, path = whole.index(docs), tmp_path / "bad"
    for at in range(start, start + len(docs)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        with pytest.raises(Damaged, match="is damaged at byte"), open_dump(path) as store:
            scanned(store, "a")


def test_a_cut_gzip_archive(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "x", "shop", {"a": list(numbered(3000))}, gzip=True)
    path.write_bytes(path.read_bytes()[:-200])
    with open_dump(path) as store, pytest.raises(Damaged, match="is damaged"):
        scanned(store, "a")


def test_several_databases_in_one_archive(tmp_path: Path) -> None:
    whole = b""
    one, two = (write_archive(tmp_path / db, db, {"a": [encode({"_id": db})]}).read_bytes() for db in ("shop", "stock"))
    front = one.index(END)
    whole = one[:front] + two[two.index(b"db\0") - 5 : two.index(END)] + one[front:] + two[two.index(END) + 4 :]
    path = tmp_path / "both"
    path.write_bytes(whole)
    with pytest.raises(Misused, match=r"2 databases \(shop, stock\)"):
        open_dump(path)
    assert read_all(f"dump:{path}?db=stock", "a") == [encode({"_id": "stock"})]
    with open_dump(f"dump:{path}?db=stock") as store:
        assert entities(store)["shop.a"].copied is False
    with pytest.raises(Misused, match="no database 'x'; it has shop, stock"):
        open_dump(f"{path}?db=x")


def test_a_gzip_of_anything_else_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "x.archive"
    path.write_bytes(gzip.compress(b"\x89PNG\r\n"))
    with pytest.raises(Misused, match="neither an archive nor"):
        open_dump(path)


@pytest.mark.parametrize(
    "content", [b"", gzip.compress(b""), gzip.compress(b"x")[:5]], ids=["empty", "of nothing", "cut"]
)
def test_an_empty_file_is_no_archive_and_no_empty_collection(tmp_path: Path, content: bytes) -> None:
    """A dump that ended before it wrote anything must not be surveyed as a collection without documents."""
    path = tmp_path / "x.archive"
    path.write_bytes(content)
    with pytest.raises(Misused, match="is empty"):
        open_dump(path)
