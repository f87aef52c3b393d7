"""The first number that the target gives."""

from __future__ import annotations

from typing import Any

import psycopg
from cutting_over import numbers, proven, written


def test_the_next_number_is_in_no_row(live: Any) -> None:
    with proven(live) as move, psycopg.connect(live.source, autocommit=True) as old:
        last = max(written(old) for _ in range(30))
        move.cutover()
        verified = numbers(live)
        assert max(verified) == last
        with psycopg.connect(live.target.url, autocommit=True) as new:
            assert written(new) == last + 1000 + 1
