from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trap import Trap, fill, move_of, project_of, run

SAID = ["readConcernLevel=local", "readConcernLevel=available&readPreference=secondaryPreferred"]


@pytest.mark.parametrize("said", SAID)
def test_reads_see_what_a_majority_has(said: str, trap: Trap, mongo_db: Any, pg_db: Any, tmp_path: Path) -> None:
    fill(trap, mongo_db.db, tmp_path)
    mongo_db.db.command("profile", 2)
    with move_of(project_of(trap, tmp_path), f"{mongo_db.url}&{said}", pg_db.url) as move:
        verdict = run(move).verdict
    assert verdict is not None
    assert verdict.equal
    mongo_db.db.command("profile", 0)
    reads = list(mongo_db.db.system.profile.find({"appName": {"$regex": "^crossfade"}, "command.find": "items"}))
    assert len(reads) >= 3  # the survey, the copy and the verification
    assert {read["command"]["readConcern"]["level"] for read in reads} == {"majority"}
    modes = {read["command"].get("$readPreference", {}).get("mode", "primary") for read in reads}
    assert modes <= {"primary", "primaryPreferred"}  # so the driver says it to a server that it was told to ask alone
