from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trap import Trap, fill, move_of, project_of, rows, run

SCHEMAS = {
    "citext": "CREATE EXTENSION citext; CREATE TABLE users (id integer PRIMARY KEY, name citext UNIQUE);",
    "icu": """
        CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        CREATE TABLE users (id integer PRIMARY KEY, name text COLLATE no_case UNIQUE);
    """,
}
LEFT = {"citext": {"1", "3", "4", "5"}, "icu": {"1", "4", "5"}}  # to ICU the third is the first in other code points


@pytest.mark.parametrize("kind", list(SCHEMAS))
def test_the_target_says_what_is_the_same(kind: str, trap: Trap, mongo_db: Any, pg_db: Any, tmp_path: Path) -> None:
    _require(pg_db, kind)
    source = fill(trap, mongo_db.db, tmp_path) or mongo_db.url
    root = project_of(trap, tmp_path, mapping=trap.found("mapping"))
    (root / "schema.sql").write_text(SCHEMAS[kind])
    with move_of(root, source, pg_db.url) as move:
        outcome = run(move)
    assert outcome.error is None
    assert {row["id"] for row in rows(pg_db.url)["users"]} == LEFT[kind]
    assert {entry["reason"] for entry in outcome.quarantined or ()} == {"unique"}
    assert outcome.verdict is not None
    assert outcome.verdict.equal


def _require(pg_db: Any, kind: str) -> None:
    there = {
        "citext": "SELECT count(*) FROM pg_available_extensions WHERE name = 'citext'",
        "icu": "SELECT count(*) FROM pg_collation WHERE collname = 'und-x-icu'",
    }
    if not pg_db.execute(there[kind])[0][0]:
        pytest.skip(f"this PostgreSQL was built without {kind}")
