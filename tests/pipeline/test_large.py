"""The largest documents of MongoDB are copied without filling the client's memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pymongo
import pytest
from bson import encode

import shop
from crossfade.testing import mongodb, with_database
from outcome import counts_of, open_move
from scratch import MongoScratch, PostgresScratch
from victim import Victim

MOST = 16 * 1024 * 1024
LIMIT = 600_000_000
SCHEMA = """
CREATE TABLE books (id int PRIMARY KEY, body text NOT NULL, notes jsonb, whole int NOT NULL CHECK (whole < 1000));
CREATE TABLE pages (book int REFERENCES books (id), number bigint, body text NOT NULL, PRIMARY KEY (book, number));
"""
MAPPING = {
    "books": "SELECT b._id AS id, b.body AS body, json_of(b.notes) AS notes, b.whole AS whole FROM books AS b",
    "pages": """SELECT b._id AS book, p.number AS number, p.body AS body
                FROM books AS b, unnest(b.pages) WITH ORDINALITY AS p(body, number)""",
}


def book(number: int, size: int, whole: int = 1) -> dict[str, object]:
    """A document of exactly `size` bytes: half of it one text, the rest pages and notes."""
    page = os.urandom(2000).hex()
    empty = {"_id": number, "body": "", "notes": {"text": ""}, "whole": whole, "pages": []}
    pages = [page] * ((size // 4) // (len(page) + 16))
    empty |= {"notes": {"text": "n" * (size // 4)}, "pages": pages}
    return {**empty, "body": "é" * ((size - len(encode(empty))) // 2) + "." * ((size - len(encode(empty))) % 2)}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[MongoScratch]:
    """A server of its own: a member of a replica set writes all twice, too much for the cache of the tests' one."""
    with mongodb(tmp_path, replica_set=False) as url, pymongo.MongoClient[dict[str, Any]](url) as client:
        yield MongoScratch("library", with_database(url, "library"), client["library"])


def test_one_of_the_biggest(library: MongoScratch, pg_db: PostgresScratch, tmp_path: Path) -> None:
    biggest, refused = book(1, MOST), book(2, MOST, whole=2000)
    assert len(encode(biggest)) == MOST
    library.db.books.insert_one(biggest)
    library.db.books.insert_one(refused)
    with open_move(shop.small_project(tmp_path / "books", SCHEMA, MAPPING), library.url, pg_db.url) as move:
        move.survey()
        assert counts_of(move.copy()) == {"books": (2, 1, 1, 0)}
        (entry,) = move.quarantine()
        assert (entry.reason, entry.table) == ("check", "books")
        assert move.quarantined_record(entry.id)[1] == encode(refused)
        assert move.verify().equal
    assert pg_db.execute("SELECT octet_length(body) + octet_length(notes->>'text') > 12000000 FROM books") == [(True,)]


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("workers", [1, 2])
def test_many_of_the_biggest_in_little_memory(
    library: MongoScratch, pg_db: PostgresScratch, tmp_path: Path, workers: int
) -> None:
    for number in range(40):
        library.db.books.insert_one(book(number, MOST, whole=1 if number % 10 else 2000))
    folder = shop.small_project(tmp_path / "books", SCHEMA, MAPPING, chunk_mb=64)
    with open_move(folder, library.url, pg_db.url) as move:
        move.survey()
    with Victim(folder, library.url, pg_db.url, workers) as victim:
        watch = Watch(victim.process.pid)
        watch.start()
        status, said = victim.wait()
        watch.join()
        assert (status, said) == (0, "")
    print(f"{workers} workers: {watch.most / 1e6:.0f} MB at most")
    with open_move(folder, library.url, pg_db.url) as move:
        assert counts_of(move.status()) == {"books": (40, 36, 4, 0)}
    assert watch.most < LIMIT, f"{watch.most / 1e6:.0f} MB"

    verify = [
        sys.executable,
        "-m",
        "crossfade",
        "verify",
        "--json",
        "--project",
        str(folder),
        "--workers",
        f"{workers}",
    ]
    env = {**os.environ, "SOURCE_URL": library.url, "TARGET_URL": pg_db.url}
    with subprocess.Popen(verify, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        watch = Watch(process.pid)
        watch.start()
        said = json.loads(process.communicate()[0])
        watch.join()
    print(f"verification, {workers} workers: {watch.most / 1e6:.0f} MB at most")
    assert said["equal"]
    assert watch.most < LIMIT, f"{watch.most / 1e6:.0f} MB"


class Watch(threading.Thread):
    """The most memory that a process and those below it hold at one time."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.most = 0

    def run(self) -> None:
        while self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE:
            self.most = max(self.most, sum(_resident(p) for p in (self.process, *_below(self.process))))
            time.sleep(0.02)


def _below(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _resident(process: psutil.Process) -> int:
    """What it holds by itself: libraries that several processes share count once."""
    try:
        return int(process.memory_full_info().uss)
    except psutil.NoSuchProcess:
        return 0
