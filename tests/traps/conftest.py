"""For traps that a table of rows cannot express: tests beside the files, in the trap's own folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from trap import Trap, fill, move_of, project_of

from crossfade.move import Move
from crossfade.testing import with_database
from following import running, wait_for
from scratch import PostgresScratch, create_database, drop_database


@pytest.fixture
def trap(request: pytest.FixtureRequest) -> Trap:
    """The folder that the test stands in."""
    return Trap(request.path.parent, Path(__file__).parent)


@pytest.fixture
def make_move(trap: Trap, mongo_db: Any, pg_db: Any, tmp_path: Path) -> Iterator[Callable[[], Move]]:
    """Fills the source from the folder's files (once), and opens a move of it."""
    source = fill(trap, mongo_db.db, tmp_path) or mongo_db.url
    root = project_of(trap, tmp_path)
    opened: list[Move] = []

    def make() -> Move:
        opened.append(move_of(root, source, pg_db.url))
        return opened[-1]

    yield make
    for move in opened:
        move.close()


@dataclass(frozen=True)
class Live:
    """A source that is followed while a test writes to it: `db` (MongoDB), or `source` (PostgreSQL)."""

    root: Path
    source: str
    target: PostgresScratch
    db: Any

    def move(self) -> Move:
        return move_of(self.root, self.source, self.target.url)

    def survey(self) -> None:
        with self.move() as move:
            move.survey()

    def write(self, *statements: str) -> None:
        """Write to a source with SQL, in one transaction."""
        with psycopg.connect(self.source) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.target.execute(query)

    def becomes(self, query: str, rows: list[tuple[Any, ...]]) -> None:
        """Wait until the target answers so."""
        with suppress(AssertionError):
            wait_for(lambda: self.rows(query) == rows)
        assert self.rows(query) == rows

    def require_equal(self) -> None:
        """While a run follows, the verification finds both sides equal, and every record in one account."""
        with running(self.move), self.move() as move:
            verdict = move.verify()
            assert (verdict.equal, verdict.balanced) == (True, True), verdict


@pytest.fixture
def live(trap: Trap, request: pytest.FixtureRequest, pg_db: PostgresScratch, tmp_path: Path) -> Iterator[Live]:
    """The trap's source (`source.sql`: PostgreSQL, else MongoDB), surveyed; its target is PostgreSQL."""
    root, script = project_of(trap, tmp_path), trap.find("source.sql")
    if script is None:
        mongo_db = request.getfixturevalue("mongo_db")
        fill(trap, mongo_db.db, tmp_path)
        made = Live(root, mongo_db.url, pg_db, mongo_db.db)
        made.survey()
        yield made
        return
    name = pg_db.name + "_old"
    with psycopg.connect(pg_db.url, autocommit=True) as connection:
        create_database(connection, name)
        try:
            made = Live(root, with_database(pg_db.url, name), pg_db, None)
            made.write(script.read_text())
            made.survey()
            yield made
        finally:
            drop_database(connection, name)
