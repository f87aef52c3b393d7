"""The files that finished moves leave: a group's says nothing of the others."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from crossfade.move.evidence import file_of, newest

AT = datetime(2026, 11, 30, 11, 24, 32, tzinfo=UTC)


def test_each_group_has_files_of_its_own(tmp_path: Path) -> None:
    made = {group: file_of(tmp_path, AT, group) for group in ("", "billing", "rest")}
    assert len(set(made.values())) == 3
    made["billing"].touch()
    assert newest(tmp_path, "rest") is None
    assert newest(tmp_path) is None
    made[""].touch()
    assert {group: newest(tmp_path, group) for group in made} == {**made, "rest": None}


def test_the_newest(tmp_path: Path) -> None:
    for moment in (AT, AT.replace(year=2027), AT.replace(hour=1)):
        file_of(tmp_path, moment, "billing").touch()
    assert newest(tmp_path, "billing") == tmp_path / "evidence-billing-20271130T112432.jsonl"
