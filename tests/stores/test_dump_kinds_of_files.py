"""A dump comes from elsewhere: anything but a regular file is refused, and never waited for."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from bson import encode
from dumps import entities, read_all

from crossfade.errors import Refused
from crossfade.stores.dump.store import open_dump
from crossfade.testing.dump_writer import write_archive, write_dump_folder

ONE = encode({"_id": 1})


def link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def dangling(path: Path) -> None:
    path.symlink_to("/nowhere/at/all")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


@pytest.fixture
def short(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is worked in: the path of a socket must be short."""
    folder = tmp_path_factory.mktemp("d")
    monkeypatch.chdir(folder)
    return Path()


@pytest.mark.parametrize("make", [link, dangling, pipe, listening])
@pytest.mark.parametrize("name", ["t.bson", "t.bson.gz", "t.metadata.json", "t.json", "prelude.json"])
def test_in_a_folder(short: Path, make: Callable[[Path], None], name: str) -> None:
    (short / "good.bson").write_bytes(ONE)
    make(short / name)
    with pytest.raises(Refused, match="regular file"):
        open_dump(f"dump:{short}").close()


@pytest.mark.parametrize("make", [pipe, listening])
def test_named_by_itself(short: Path, make: Callable[[Path], None]) -> None:
    make(short / "t.bson")
    with pytest.raises(Refused, match="regular file"):
        open_dump(f"dump:{short / 't.bson'}").close()


def test_what_becomes_a_link_after_the_folder_was_looked_at(tmp_path: Path) -> None:
    (tmp_path / "t.bson").write_bytes(ONE)
    with open_dump(tmp_path) as store:
        (tmp_path / "t.bson").unlink()
        (tmp_path / "t.bson").symlink_to("/etc/passwd")
        assert store.reader is not None
        with pytest.raises(Refused, match="symbolic link"):
            list(store.reader.scan("t"))


def test_a_link_that_a_person_named_is_what_they_meant(tmp_path: Path) -> None:
    real = write_dump_folder(tmp_path / "real", "shop", {"orders": [ONE]})
    (tmp_path / "latest").symlink_to(real)
    (tmp_path / "latest.bson").symlink_to(real / "orders.bson")
    assert read_all(f"dump:{tmp_path / 'latest'}", "orders") == [ONE]
    assert read_all(f"dump:{tmp_path / 'latest.bson'}", "latest") == [ONE]


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    write_dump_folder(tmp_path / "other", "secret", {"s": [ONE]})
    write_dump_folder(tmp_path / "dump", "shop", {"orders": [ONE]})
    (tmp_path / "dump" / "secret").symlink_to(tmp_path / "other" / "secret")
    with pytest.raises(Refused, match="symbolic link"):
        open_dump(tmp_path / "dump").close()


@pytest.mark.parametrize("name", ["../../../outside", "..", "/etc/outside", "a/../b"])
def test_names_in_an_archive_lead_nowhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    path = write_archive(tmp_path / "in" / "shop.archive", "shop", {name: [ONE]})
    before = set(tmp_path.rglob("*"))
    assert read_all(f"dump:{path}", name) == [ONE]
    assert set(tmp_path.rglob("*")) == before


def test_neighbours_that_may_hold_records(tmp_path: Path) -> None:
    folder = write_dump_folder(tmp_path, "shop", {"orders": [ONE]}, metadata={"gone": {}, "seen": {"type": "view"}})
    for name in ("x.bson.zst", "y.json", "old.csv", "z.bson~", "notes.txt", "LICENSE"):
        (folder / name).write_bytes(b"x")
    (folder / "deeper").mkdir()
    (folder / "deeper" / "w.bson").write_bytes(ONE)
    (folder / "pictures").mkdir()
    with open_dump(tmp_path) as store:
        found = entities(store)
    assert {name for name, info in found.items() if info.unread} == {
        "gone", "x.bson.zst", "y.json", "old.csv", "z.bson~", "deeper/"
    }  # fmt: skip
    assert {"seen", "notes.txt", "LICENSE", "pictures/"} <= found.keys()


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    """mongodump writes no such name. A file that may hold records is a fault, and can be discarded by its name."""
    folder = write_dump_folder(tmp_path, "shop", {"orders": [ONE]})
    for name in (b"caf\xe9.bson", b"caf\xe9.metadata.json", b"caf\xe9.txt"):
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(ONE)
    with open_dump(tmp_path) as store:
        found = entities(store)
    assert {n: i.unread for n, i in found.items() if n != "orders"} == {
        "caf\\xe9.bson": True, "caf\\xe9.metadata.json": True, "caf\\xe9.txt": False,
    }  # fmt: skip
