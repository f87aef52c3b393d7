"""A record in quarantine has no rows in the target. The application may make it there anew, and delete it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import coming_back
from coming_back import System, rows_and_rows
from following import wait_for
from scratch import PostgresScratch

CHECKED = coming_back.ROWS_SCHEMA.replace(
    "email text NOT NULL", "email text NOT NULL CHECK (email NOT IN ('c3@x.org', 'c4@x.org', 'c6@x.org', 'c9@x.org'))"
)


@pytest.fixture
def system(new_target: Callable[[], PostgresScratch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    monkeypatch.setattr(coming_back, "ROWS_SCHEMA", CHECKED)
    return rows_and_rows(new_target().url, new_target().url, tmp_path / "p")


def test_what_the_application_makes_anew_is_in_quarantine_no_more(system: System) -> None:
    """Customers 3, 6 and 9, who have no orders, are in quarantine; 9 stays there. So is 4, whose order waits for it."""
    system.cut_over()
    assert system.told.keys() - system.new.all().keys() == {3, 4, 6, 9}
    with system.following("back"):
        assert system.put(system.new, 3, "deleted@x.org", {})
        assert system.put(system.new, 6, "new@x.org", {})
        assert system.put(system.new, 4, "four@x.org", {})
        system.told[4]["orders"] = {0: 40}  # stays in the old store
        wait_for(lambda: system.old.all() == system.told)
        assert system.remove(system.new, 3)
        wait_for(lambda: system.old.all() == system.told)
    system.roll_back()
    assert system.old.all() == system.told
    with system.following("forward"), system.move() as move:
        wait_for(lambda: system.new.all()[4] == system.told[4])
        assert move.verify().equal
        assert all(one.balanced for one in move.status().entities)
        (customers,) = (one for one in move.status().entities if one.entity == "customers")
        assert (customers.counts.source, customers.counts.quarantined) == (29, 1)
    assert system.told.keys() - system.new.all().keys() == {9}
