"""Rules that cannot be read are named before the copy, not by the verification after it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from crossfade.errors import Uncovered
from crossfade.move import Move
from crossfade.project import load_project

SETTINGS = 'source.url = "sqlite:///s.db"\ntarget.url = "sqlite:///t.db"\ntarget.schema = "schema.sql"\n'
TABLE = "CREATE TABLE users (id integer PRIMARY KEY)"


def test_a_rule_that_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {"crossfade.toml": SETTINGS, "schema.sql": f"{TABLE};"}.items():
        (tmp_path / name).write_text(text)
    for folder in ("mapping", "rules"):
        (tmp_path / folder).mkdir()
    (tmp_path / "mapping" / "users.sql").write_text("SELECT u.id AS id FROM users AS u")
    os.mkfifo(tmp_path / "rules" / "none.sql")
    with closing(sqlite3.connect("s.db")) as connection:
        connection.execute(TABLE)
    with Move(load_project(tmp_path)) as move:
        move.survey()
        (fault,) = [found for found in move.check() if found.severity == "fault"]
        assert (fault.kind, fault.place) == ("rules", "rules")
        with pytest.raises(Uncovered, match="named pipe"):
            move.copy()
