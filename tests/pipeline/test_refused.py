"""A target that refuses what it is given: reported clearly, nothing lost, and the copy resumes when it accepts."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

import shop
from crossfade.errors import CrossfadeError, Unreachable
from crossfade.testing import as_user, with_database
from outcome import Outcome, Shop, finish, open_move
from scratch import MongoScratch, PostgresScratch, drop_database, role

NewTarget = Callable[[], PostgresScratch]


def test_a_default_of_reading_only_is_overridden(
    filled_shop: Shop, undisturbed: Outcome, pg_db: PostgresScratch
) -> None:
    """It is a setting for those who do not say what they want; a move says it."""
    pg_db.execute(f"ALTER DATABASE {pg_db.name} SET default_transaction_read_only = on")
    finish(filled_shop, pg_db.url, undisturbed)


def test_a_user_who_may_not_insert(filled_shop: Shop, undisturbed: Outcome, pg_db: PostgresScratch) -> None:
    with open_move(filled_shop.folder, filled_shop.source, pg_db.url) as move:
        move.apply_schema()
    with role(pg_db, "CREATEDB") as name:
        pg_db.execute(f"GRANT ALL ON SCHEMA crossfade TO {name}")
        pg_db.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA crossfade TO {name}")
        pg_db.execute(f"GRANT ALL ON teams, users, user_tags, handles TO {name}")
        url = as_user(pg_db.url, name, "secret")
        with (
            open_move(filled_shop.folder, filled_shop.source, url) as move,
            pytest.raises(CrossfadeError, match="permission denied for table likes") as caught,
        ):
            move.copy()
        assert f"ON TABLE likes TO {name}" in (caught.value.hint or "")
        assert "secret" not in caught.value.message
        pg_db.execute(f"GRANT ALL ON posts, comments, likes TO {name}")
        with (
            open_move(filled_shop.folder, filled_shop.source, url) as move,
            pytest.raises(CrossfadeError, match="must be owner of table") as caught,
        ):
            move.copy()
        assert f"OWNER TO {name}" in (caught.value.hint or "")
    finish(filled_shop, pg_db.url, undisturbed)


def test_a_server_without_a_free_connection(filled_shop: Shop, undisturbed: Outcome, pg_db: PostgresScratch) -> None:
    with role(pg_db, "CREATEDB CONNECTION LIMIT 2") as name:
        pg_db.execute(f"ALTER DATABASE {pg_db.name} OWNER TO {name}")
        pg_db.execute(f"GRANT ALL ON SCHEMA public TO {name}")
        url = as_user(pg_db.url, name, "secret")
        with (
            psycopg.connect(url),
            psycopg.connect(url),
            open_move(filled_shop.folder, filled_shop.source, url) as move,
            pytest.raises(Unreachable, match="too many connections") as caught,
        ):
            move.copy()
        assert caught.value.exit_status == 3
        with (
            open_move(filled_shop.folder, filled_shop.source, url, workers=2) as move,
            pytest.raises(Unreachable, match="too many connections"),
        ):
            move.copy()
        pg_db.execute(f"ALTER ROLE {name} CONNECTION LIMIT -1")
        finish(filled_shop, url, undisturbed)


# -- a full disk

FULL, ROOMY = "24m", "200m"


@pytest.fixture
def small_disk(postgresql_url: str) -> Iterator[Path]:
    """A disk of a few megabytes that the server can write to."""
    folder = Path(tempfile.mkdtemp(prefix="crossfade-disk-", dir="/tmp"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={FULL}", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        server = data_directory(postgresql_url).stat()
        place = folder / "space"
        place.mkdir()
        os.chown(place, server.st_uid, server.st_gid)
        yield place
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        shutil.rmtree(folder, ignore_errors=True)


def data_directory(url: str) -> Path:
    with psycopg.connect(url) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    path = Path(row[0]) if row else Path("nowhere")
    if not path.exists():
        pytest.skip("the server runs on another machine")
    return path


def test_a_full_disk(small_disk: Path, postgresql_url: str, mongo_db: MongoScratch, tmp_path: Path) -> None:
    blobs = [{"_id": i, "body": os.urandom(100_000).hex()} for i in range(160)]
    mongo_db.db.blobs.insert_many(blobs)
    schema = "CREATE TABLE blobs (id int PRIMARY KEY, body text NOT NULL);"
    mapping = {"blobs": "SELECT b._id AS id, b.body AS body FROM blobs AS b"}
    folder = shop.small_project(tmp_path / "blobs", schema, mapping)
    with database_on(small_disk, postgresql_url) as target:
        with open_move(folder, mongo_db.url, target) as move:
            move.survey()
            with pytest.raises(CrossfadeError, match="disk is full") as caught:
                move.copy()
            assert "free some space" in (caught.value.hint or "")
            done = move.status().rows["blobs"]
        with psycopg.connect(target) as connection:
            assert connection.execute("SELECT count(*) FROM blobs").fetchall() == [(done,)]
        assert 0 < done < len(blobs)
        subprocess.run(["mount", "-o", f"remount,size={ROOMY}", small_disk.parent], check=True)
        with open_move(folder, mongo_db.url, target) as move:
            status = move.copy()
            assert status.ok
            assert status.rows == {"blobs": len(blobs)}
            assert move.verify().equal


@contextmanager
def database_on(place: Path, server: str) -> Iterator[str]:
    name = "full_" + secrets.token_hex(4)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE {name} LOCATION '{place}'".encode())
        try:
            connection.execute(f"CREATE DATABASE {name} TABLESPACE {name}".encode())
            yield with_database(server, name)
        finally:
            drop_database(connection, name)
            connection.execute(f"DROP TABLESPACE {name}".encode())
