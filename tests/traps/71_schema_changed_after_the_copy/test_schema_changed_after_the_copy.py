from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crossfade.move import Move

CHANGES = {
    "ALTER TABLE invoices DROP CONSTRAINT invoices_receiver_fkey": "invoices.invoices_receiver_fkey",
    "ALTER TABLE receivers DROP CONSTRAINT receivers_name_key": "receivers.receivers_name_key",
    "ALTER TABLE invoices DROP CONSTRAINT invoices_total_check": "invoices.invoices_total_check",
    "ALTER TABLE invoices ALTER receiver DROP NOT NULL": "invoices.receiver",
    "ALTER SEQUENCE invoices_number_seq RESTART": "invoices_number_seq",
    "ALTER TABLE invoices SET UNLOGGED": "invoices",
    "CREATE RULE swallow AS ON INSERT TO invoices DO INSTEAD NOTHING": "invoices.swallow",
}


def test_all_values_are_equal_and_it_does_not_pass(pg_db: Any, make_move: Callable[[], Move]) -> None:
    move = make_move()
    move.survey()
    move.copy()
    assert move.verify().schema_holds
    found: set[str] = set()
    for statement, name in CHANGES.items():
        pg_db.execute(statement)
        verdict = move.verify()
        assert verdict.equal
        assert verdict.schema is not None
        assert name in {d.shown for d in verdict.schema.faults} - found
        found |= {d.shown for d in verdict.schema.faults}


@pytest.mark.parametrize("number", [1, 2])
def test_numbers_that_are_there_are_not_handed_out_again(
    pg_db: Any, make_move: Callable[[], Move], number: int
) -> None:
    """The last number that is given out is no fault where the next one is free."""
    move = make_move()
    move.survey()
    move.copy()
    pg_db.execute(f"SELECT setval('invoices_number_seq', {1200 + number})")
    assert move.verify().schema_holds is (number == 2)
