"""What the old store would delete by itself, along a foreign key, has rows in the new one: it stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import coming_back
from coming_back import rows_and_rows
from following import wait_for
from scratch import PostgresScratch

REFERENCE = "REFERENCES customers (id)"


@pytest.mark.torture
def test_orders_outlive_their_customer(
    new_target: Callable[[], PostgresScratch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new store has no foreign key. The old one sets the customer aside until nothing refers to it."""
    monkeypatch.setattr(
        coming_back, "OLD_ROWS", coming_back.OLD_ROWS.replace(REFERENCE, f"{REFERENCE} ON DELETE CASCADE")
    )
    monkeypatch.setattr(coming_back, "ROWS_SCHEMA", coming_back.ROWS_SCHEMA.replace(REFERENCE, ""))
    old, new = new_target(), new_target()
    system = rows_and_rows(old.url, new.url, tmp_path / "p")
    system.cut_over()
    with system.following("back"), system.move() as move:
        new.execute("DELETE FROM customers WHERE id = 5")
        wait_for(lambda: system.aside() == 1)
        assert len(old.execute("SELECT id FROM orders WHERE customer_id = 5")) == 2
        new.execute("UPDATE orders SET customer_id = 6 WHERE customer_id = 5")
        wait_for(lambda: system.aside() == 0)
        assert len(old.execute("SELECT id FROM orders WHERE customer_id = 6")) == 2
        assert not old.execute("SELECT id FROM customers WHERE id = 5")
        assert move.verify_back().equal
