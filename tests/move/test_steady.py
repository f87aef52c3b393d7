"""What is said of a source that was written while it was read."""

from __future__ import annotations

from crossfade.move.steady import _what
from crossfade.stores.contract import Written


def test_what_was_written_is_said() -> None:
    assert _what(Written("shop.db", ("a", "b")), "copy") == "a, b changed in the source during the copy"
    assert _what(Written("shop.db"), "copy") == (
        "something was committed to shop.db during the copy (its rows are the same now; also VACUUM, ANALYZE, or a new"
        " index does that)"
    )
