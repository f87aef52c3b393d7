"""What a snapshot sees, and the numbers of transactions around the turn of 32 bits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crossfade.stores.postgresql.changes.snapshot import Snapshot, parse

XIDS = st.integers(3, 2**40)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    xmin = draw(st.integers(3, 60))
    xmax = draw(st.integers(xmin, 64))
    running = draw(st.sets(st.integers(xmin, xmax - 1))) if xmax > xmin else set()
    return Snapshot(xmin, xmax, frozenset(running))


def test_the_notation_of_the_server() -> None:
    assert parse("10:20:10,14,15") == Snapshot(10, 20, frozenset({10, 14, 15}))
    assert parse("10:10:") == Snapshot(10, 10, frozenset())


@given(snapshots(), snapshots())
def test_one_sees_all_of_another(one: Snapshot, other: Snapshot) -> None:
    seen = all(one.sees(xid) for xid in range(70) if other.sees(xid))
    if one.sees_all_of(other):
        assert seen
    elif seen:  # what is at the end may be a number that nobody took
        assert one.xmax < other.xmax


@given(XIDS, st.integers(-(2**31) + 1, 2**31 - 1))
def test_a_number_of_32_bits_is_that_of_the_nearest_transaction(xmax: int, away: int) -> None:
    xid = max(3, xmax + away)
    assert Snapshot(xmax, xmax, frozenset()).widened(xid % 2**32) == xid
