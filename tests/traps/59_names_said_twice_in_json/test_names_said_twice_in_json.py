from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trap import Trap, fill, move_of, project_of


@pytest.mark.parametrize("column", ["json", "text"])
def test_one_more_name_in_the_target_is_found(
    column: str, trap: Trap, mongo_db: Any, pg_db: Any, tmp_path: Path
) -> None:
    source = fill(trap, mongo_db.db, tmp_path) or mongo_db.url
    with move_of(project_of(trap, tmp_path, mapping=trap.folder / column / "mapping"), source, pg_db.url) as move:
        move.survey()
        move.copy()
        assert move.verify().equal
        pg_db.execute(f'UPDATE notes SET {column[0]} = \'{{"a": 1, "a": 2}}\' WHERE id = 1')
        pg_db.execute(f"UPDATE notes SET {column[0]} = '{{\"a\": 2}}' WHERE id = 2")
        found = [(d.kind, d.key) for t in move.verify().tables for d in t.differences]
    assert sorted(found) == [("changed", "1"), ("changed", "2")]
