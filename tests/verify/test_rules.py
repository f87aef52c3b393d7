"""The user's rules, asked of a real target."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crossfade.stores.contract import RowReader
from crossfade.stores.open import open_store
from crossfade.verify.rules import read_rules, run_rule, sentence_of
from scratch import PostgresScratch

RULE = "-- Seats are enough,\n-- for everybody.\nSELECT id, name FROM courses WHERE seats < students ORDER BY id;\n"


@pytest.fixture
def target(pg_db: PostgresScratch) -> Iterator[RowReader]:
    pg_db.execute("CREATE TABLE courses (id int PRIMARY KEY, name text, seats int, students int)")
    pg_db.execute("INSERT INTO courses SELECT i, CASE WHEN i > 1 THEN '' END, 10, i FROM generate_series(1, 25) AS i")
    with open_store(pg_db.url) as store:
        assert store.row_reader
        yield store.row_reader


def test_rows_that_break_it(target: RowReader) -> None:
    rule = run_rule("seats", RULE, target, limit=2)
    assert not rule.holds
    assert rule.sentence == "Seats are enough, for everybody."
    assert rule.columns == ("id", "name")
    assert rule.rows == (("11", '""'), ("12", '""'))
    assert rule.total == 15


def test_one_that_holds(target: RowReader) -> None:
    assert run_rule("seats", RULE.replace("<", ">> 5 > "), target, limit=2).holds


def test_null_and_control_characters_are_seen(target: RowReader) -> None:
    rule = run_rule("odd", "SELECT name, chr(7), 'a\"b' FROM courses WHERE id = 1", target, limit=2)
    assert rule.rows == (("NULL", "\\u0007", 'a"b'),)
    assert rule.sentence == "odd"


def test_one_that_the_target_refuses(target: RowReader) -> None:
    rule = run_rule("broken", "-- It runs.\nSELECT nothing FROM nowhere", target, limit=2)
    assert not rule.holds
    assert rule.error is not None
    assert "nowhere" in rule.error


def test_one_that_writes_is_refused(target: RowReader, pg_db: PostgresScratch) -> None:
    rule = run_rule("evil", "WITH gone AS (DELETE FROM courses RETURNING id) SELECT * FROM gone", target, limit=2)
    assert rule.error is not None
    assert pg_db.execute("SELECT count(*) FROM courses") == [(25,)]


def test_files(tmp_path: Path) -> None:
    (tmp_path / "seats.sql").write_text(RULE)
    (tmp_path / "notes.md").write_text("no rule")
    assert read_rules(tmp_path) == {"seats": RULE}
    assert read_rules(tmp_path / "none") == {}


def test_a_rule_without_a_comment_has_no_sentence() -> None:
    assert sentence_of("SELECT 1 -- not at the start") == ""
