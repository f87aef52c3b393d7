"""Folders of mongodump."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from bson import encode
from dumps import DOCUMENTS, entities, read_all, scanned

from crossfade.errors import Misused, Unreachable
from crossfade.records.bson.ejson import to_bson
from crossfade.records.bson.walk import walk
from crossfade.stores.dump.store import open_dump
from crossfade.testing.dump_writer import write_dump_folder


@pytest.mark.parametrize("zipped", [False, True])
def test_every_type_comes_back_byte_for_byte(tmp_path: Path, zipped: bool) -> None:
    write_dump_folder(tmp_path, "shop", {"all": DOCUMENTS}, gzip=zipped)
    assert read_all(f"dump:{tmp_path}", "all") == DOCUMENTS


def test_the_folder_of_one_database_is_a_dump_too(tmp_path: Path) -> None:
    folder = write_dump_folder(tmp_path, "shop", {"all": DOCUMENTS})
    assert read_all(folder, "all") == DOCUMENTS


@pytest.mark.parametrize("zipped", [False, True])
def test_one_bson_file_is_a_dump_too(tmp_path: Path, zipped: bool) -> None:
    folder = write_dump_folder(tmp_path, "shop", {"all": DOCUMENTS}, gzip=zipped)
    assert read_all(folder / ("all.bson.gz" if zipped else "all.bson"), "all") == DOCUMENTS


def test_names_are_unescaped_and_long_ones_come_from_the_metadata(tmp_path: Path) -> None:
    folder = write_dump_folder(tmp_path, "shop", {"a/b %": [encode({"_id": 1})]})
    assert (folder / "a%2Fb%20%25.bson").exists()
    long = "n" * 250
    (folder / "nnn%24cut.bson").write_bytes(encode({"_id": 1}))
    (folder / "nnn%24cut.metadata.json").write_text(json.dumps({"collectionName": long}))
    with open_dump(folder) as store:
        assert set(entities(store)) == {"a/b %", long}


def test_what_is_no_collection_is_named_with_its_plan(tmp_path: Path) -> None:
    one = [encode({"_id": 1})]
    data = {"plain": one, "log": one, "fs.files": one, "fs.chunks": one, "system.buckets.heat": one, "system.js": one}
    data["system.buckets.lost"] = one  # its metadata is not in the dump
    metadata: dict[str, dict[str, Any]] = {
        "log": {"options": {"capped": True, "size": 4096}},
        "cheap": {"type": "view", "options": {"viewOn": "plain", "pipeline": []}},
        "heat": {"type": "timeseries", "options": {"timeseries": {"timeField": "at"}}},
    }
    folder = write_dump_folder(tmp_path, "shop", data, metadata=metadata)
    (folder / "notes.txt").write_text("hello")
    (tmp_path / "oplog.bson").write_bytes(encode({"op": "n"}))
    (tmp_path / "prelude.json").write_text('{"ServerVersion": "7.0.1", "ToolVersion": "100.9.4"}')
    write_dump_folder(tmp_path, "admin", {"system.version": one})
    with open_dump(tmp_path) as store:
        found = entities(store)
        assert store.inspector is not None
        assert store.inspector.version() == "MongoDB 7.0.1 (mongodump 100.9.4)"
    assert {name: (info.entity_class, info.copied) for name, info in found.items()} == {
        "plain": ("collection", True),
        "log": ("capped", True),
        "fs.files": ("gridfs_files", True),
        "fs.chunks": ("gridfs_chunks", True),
        "system.buckets.heat": ("system", False),
        "system.js": ("system", False),
        "cheap": ("view", False),
        "heat": ("timeseries", False),
        "system.buckets.lost": ("timeseries", False),
        "notes.txt": ("system", False),
        "oplog": ("system", False),
        "admin/": ("system", False),
    }
    assert all(info.plan for info in found.values())
    assert found["log"].options == {"capped": True, "size": 4096}
    assert found["plain"].indexes == ()


def test_a_collection_called_oplog(tmp_path: Path) -> None:
    """It has metadata, which the server's oplog has not."""
    write_dump_folder(tmp_path, "shop", {"oplog": [encode({"_id": 1})]}, metadata={"oplog": {"options": {}}})
    (tmp_path / "oplog.bson").write_bytes(encode({"op": "n"}))
    with open_dump(tmp_path) as store:
        assert [(name, info.copied) for name, info in entities(store).items()] == [("oplog", True)]
    assert read_all(tmp_path, "oplog") == [encode({"_id": 1})]


def test_an_exported_collection_called_prelude(tmp_path: Path) -> None:
    for name in ("prelude", "users"):
        (tmp_path / f"{name}.json").write_text('{"_id": 1}')
    with open_dump(tmp_path) as store:
        assert set(entities(store)) == {"prelude", "users"}


def test_several_databases_need_a_name(tmp_path: Path) -> None:
    write_dump_folder(tmp_path, "shop", {"a": [encode({"_id": 1})]})
    write_dump_folder(tmp_path, "stock", {"b": [encode({"_id": 2})]})
    with pytest.raises(Misused, match=r"2 databases \(shop, stock\)") as caught:
        open_dump(tmp_path)
    assert f"dump:{tmp_path / 'shop'}" in str(caught.value.hint)
    assert read_all(f"dump:{tmp_path}?db=stock", "b") == [encode({"_id": 2})]


def test_documents_without_id_get_their_position(tmp_path: Path) -> None:
    documents = [encode({"_id": 7}), encode({"a": 1}), to_bson({"b": 2, "_id": 8}), encode({})]
    write_dump_folder(tmp_path, "shop", {"c": documents})
    with open_dump(tmp_path) as store:
        assert "2 without _id" in entities(store)["c"].plan
        found = scanned(store, "c")
    assert [walk(document) for document in found] == [
        {"_id": 7},
        {"_id": {"#position": 1}, "a": 1},
        {"b": 2, "_id": 8},
        {"_id": {"#position": 3}},
    ]
    assert found[2] == documents[2]


def test_what_is_not_there_or_no_dump_is_reported(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="does not exist"):
        open_dump(tmp_path / "nowhere")
    with pytest.raises(Misused, match="is not a dump"):
        open_dump(tmp_path)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(Misused, match="neither an archive nor"):
        open_dump(tmp_path / "picture.png")


def test_a_name_that_is_not_in_the_dump(tmp_path: Path) -> None:
    write_dump_folder(tmp_path, "shop", {"a": []}, metadata={"v": {"type": "view"}})
    with open_dump(tmp_path) as store:
        assert scanned(store, "a") == []
        with pytest.raises(Misused, match="has no 'b'"):
            scanned(store, "b")
        with pytest.raises(Misused, match="holds no documents of 'v'"):
            scanned(store, "v")


def test_the_same_documents_make_the_same_gzip(tmp_path: Path) -> None:
    one = write_dump_folder(tmp_path / "1", "shop", {"a": DOCUMENTS}, gzip=True) / "a.bson.gz"
    two = write_dump_folder(tmp_path / "2", "shop", {"a": DOCUMENTS}, gzip=True) / "a.bson.gz"
    assert one.read_bytes() == two.read_bytes()
    assert gzip.decompress(one.read_bytes()) == b"".join(DOCUMENTS)
