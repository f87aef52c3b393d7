from __future__ import annotations

from crossfade.model.rejection import Rejection


def test_a_message_of_a_deep_place_still_says_what_is_wrong() -> None:
    deep = Rejection(0, "broken", "nested deeper than 180", path=".".join(["a"] * 5000))
    assert deep.said.endswith(": nested deeper than 180")
    assert len(deep.said) < 200
    assert Rejection(0, "broken", "why", path="a.b").said == "a.b: why"
