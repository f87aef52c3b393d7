from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crossfade.move import Move

SET = "SELECT setval('invoices_number_seq', (SELECT seq FROM counters WHERE name = 'invoices'))"
ADD = "INSERT INTO invoices (receiver) VALUES ('Cem') RETURNING number"


def test_the_rule_says_no_until_the_sequence_continues(pg_db: Any, make_move: Callable[[], Move]) -> None:
    move = make_move()
    move.survey()
    move.copy()
    before = move.verify()
    assert before.equal
    assert not before.rules_hold
    assert before.rules[0].rows[0][0] == "1204"
    assert SET in before.rules[0].sentence

    pg_db.execute(SET)
    after = move.verify()
    assert after.equal
    assert after.rules_hold
    assert pg_db.execute(ADD) == [(1205,)]
