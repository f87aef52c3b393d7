"""For traps that a table of rows cannot express: tests beside the files, in the trap's own folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from trap import Trap, fill, move_of, project_of

from crossfade.move import Move


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
