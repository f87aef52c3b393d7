"""Files of a project: what is no regular file is refused, where it would block for ever or never end."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crossfade.assess.lock import read_lock
from crossfade.errors import Misused
from crossfade.mapping.language.compile import read_mappings
from crossfade.model.files import read_bytes, read_text
from crossfade.schema.load import load_schema, made_of
from crossfade.stores.sqlite.connect import connect
from crossfade.toml_file import read_toml
from crossfade.verify.rules import read_rules

READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "settings": ("crossfade.toml", read_toml),
    "mapping": ("people.sql", lambda file: read_mappings(file.parent)),
    "rule": ("ages.sql", lambda file: read_rules(file.parent)),
    "lock": ("source.lock.json", read_lock),
    "sql": ("schema.sql", lambda file: made_of(file.name, file.parent)),
    "prisma": ("schema.prisma", lambda file: load_schema(file.name, file.parent, "postgresql", None)),
    "prisma_folder": ("schema.prisma", lambda file: load_schema(".", file.parent, "postgresql", None)),
    "json": ("schema.json", lambda file: load_schema(file.name, file.parent, "mongodb", None)),
    "source": ("old.db", lambda file: connect(f"sqlite:///{file}", write=False)),
    "target": ("new.db", lambda file: connect(f"sqlite:///{file}", write=True)),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("which", READERS)
def test_a_pipe_is_refused(tmp_path: Path, which: str) -> None:
    name, read = READERS[which]
    os.mkfifo(tmp_path / name)
    with pytest.raises(Misused, match=rf"{name} is a named pipe, and only regular files are read") as caught:
        read(tmp_path / name)
    assert caught.value.hint


def test_a_socket_a_device_and_a_folder_too(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        for path, kind in ((tmp_path / "s", "a socket"), (Path("/dev/zero"), "a device"), (tmp_path, "a folder")):
            with pytest.raises(Misused, match=f"is {kind},"):
                read_bytes(path)


def test_a_link_to_a_file_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfone\r\ntwo\n")
    (tmp_path / "b").symlink_to("a")
    assert read_text(tmp_path / "b") == "one\ntwo\n"


def test_text_that_is_not_utf8_says_where(tmp_path: Path) -> None:
    (tmp_path / "rule.sql").write_bytes(b"-- caf\xe9\nSELECT 1")
    with pytest.raises(Misused, match=r"rule\.sql is not UTF-8: byte 7 is 0xe9"):
        read_rules(tmp_path)


@pytest.mark.parametrize("which", ["mapping", "rule", "sql"])
def test_a_nul_character_is_refused_because_a_statement_would_end_there(tmp_path: Path, which: str) -> None:
    name, read = READERS[which]
    (tmp_path / name).write_bytes(b"SELECT 1 WHERE false\r\n \0 OR true")
    with pytest.raises(Misused, match=rf"{name} holds a NUL character in line 2") as caught:
        read(tmp_path / name)
    assert caught.value.hint == "remove it"
