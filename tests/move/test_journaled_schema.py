"""The journal keeps a schema of SQL files: a user who cannot create databases resumes, retries and verifies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from crossfade.errors import Refused, Stale
from crossfade.testing import as_user
from outcome import Outcome, Shop, differences, open_move, outcome
from scratch import PostgresScratch, role


@pytest.fixture
def modest(pg_db: PostgresScratch) -> Iterator[str]:
    """The URL of a user who owns the target, and may create no other database."""
    with role(pg_db, "NOCREATEDB") as name:
        pg_db.execute(f"ALTER DATABASE {pg_db.name} OWNER TO {name}")
        yield as_user(pg_db.url, name, "secret")


def test_a_user_without_createdb(shop_copy: Shop, undisturbed: Outcome, modest: str) -> None:
    with open_move(shop_copy.folder, shop_copy.source, modest) as move:
        move.apply_schema()
    with open_move(shop_copy.folder, shop_copy.source, modest) as move:
        found = outcome(modest, move.copy())
    assert differences(found, undisturbed) == []
    with open_move(shop_copy.folder, shop_copy.source, modest) as move:
        assert move.verify().equal
        assert move.retry()


def test_what_is_kept_is_what_was_read(shop_copy: Shop, pg_db: PostgresScratch) -> None:
    with open_move(shop_copy.folder, shop_copy.source, pg_db.url) as move:
        move.apply_schema()
        read = move.schema
    with open_move(shop_copy.folder, shop_copy.source, pg_db.url) as move:
        assert move.schema == replace(read, metadata_of=None)


def test_a_changed_file_is_read_again(shop_copy: Shop, modest: str) -> None:
    with open_move(shop_copy.folder, shop_copy.source, modest) as move:
        move.apply_schema()
    file = shop_copy.folder / "schema.sql"
    file.write_text(file.read_text() + "CREATE TABLE more (id int PRIMARY KEY);\n")
    with (
        open_move(shop_copy.folder, shop_copy.source, modest) as move,
        pytest.raises(Refused, match="may not create databases") as caught,
    ):
        move.apply_schema()
    assert "CREATEDB" in (caught.value.hint or "")


def test_a_changed_file_is_another_schema(shop_copy: Shop, pg_db: PostgresScratch) -> None:
    with open_move(shop_copy.folder, shop_copy.source, pg_db.url) as move:
        move.apply_schema()
    file = shop_copy.folder / "schema.sql"
    text = file.read_text()
    file.write_text(text + "-- a remark changes nothing\n")
    with open_move(shop_copy.folder, shop_copy.source, pg_db.url) as move:
        assert move.apply_schema() == 0
    file.write_text(text + "CREATE TABLE more (id int PRIMARY KEY);\n")
    with open_move(shop_copy.folder, shop_copy.source, pg_db.url) as move, pytest.raises(Stale, match="schema"):
        move.apply_schema()
