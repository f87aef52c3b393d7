"""The tiny project, on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tinies import PEOPLE, Tiny, write_project

from scratch import MongoScratch, PostgresScratch


@pytest.fixture
def tiny(tmp_path: Path, mongo_db: MongoScratch, pg_db: PostgresScratch) -> Iterator[Tiny]:
    """The tiny project with its three documents, nothing done yet."""
    root = tmp_path / "tiny"
    write_project(root)
    mongo_db.db.people.insert_many(PEOPLE)
    made = Tiny(root, {"SOURCE_URL": mongo_db.url, "TARGET_URL": pg_db.url}, mongo_db, pg_db)
    yield made
    made.end()
