"""Every folder with an expected.json, on real servers (README.md says what such a folder holds)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trap import Trap, compare, fill, move_of, project_of, run, traps

TRAPS = traps(Path(__file__).parent)


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_trap(trap: Trap, mongo_db: Any, pg_db: Any, tmp_path: Path) -> None:
    source = fill(trap, mongo_db.db, tmp_path) or mongo_db.url
    with move_of(project_of(trap, tmp_path), source, pg_db.url) as move:
        compare(run(move), trap.expected, pg_db.url)
