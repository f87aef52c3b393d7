"""The time that a cutover and a rollback have while a side is closed."""

from __future__ import annotations

import pytest

from crossfade.shift.run import Clock, TooLong


@pytest.mark.parametrize("sides", [("source", "target"), ("target", "source")])
def test_when_the_time_is_over_the_message_names_the_closed_side(sides: tuple[str, str]) -> None:
    closed, opens = sides
    with pytest.raises(TooLong, match=f"the {closed} was closed for -1 s, and the {opens} is not open yet"):
        Clock(-1.0, closed=closed, opens=opens).require()


def test_without_a_limit_the_time_is_never_over() -> None:
    Clock().require()
