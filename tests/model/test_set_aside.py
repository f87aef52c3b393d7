from __future__ import annotations

from crossfade.model.batch import SetAside


def test_a_message_of_a_deep_place_still_says_what_is_wrong() -> None:
    deep = SetAside(0, "1", "broken", ".".join(["a"] * 5000), "nested deeper than 180", b"")
    assert deep.said.endswith(": nested deeper than 180")
    assert len(deep.said) < 200
    assert SetAside(0, "1", "broken", "a.b", "why", b"").said == "a.b: why"
