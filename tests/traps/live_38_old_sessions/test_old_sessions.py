"""Sessions that were there before: the gates show them, and the fence refuses them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from cutting_over import numbers, proven

from crossfade.errors import Refused

PREPARE = b"PREPARE put AS INSERT INTO items (name) VALUES ('new') RETURNING id"
PUT = b"EXECUTE put"


def test_who_is_not_known_is_shown_and_old_sessions_are_refused(live: Any) -> None:
    with proven(live) as move, psycopg.connect(live.source, application_name="shop-7", autocommit=True) as pooled:
        pooled.execute(PREPARE)
        ((own,),) = pooled.execute(PUT).fetchall()
        with psycopg.connect(live.source, application_name="nightly job"):
            broken = [gate for gate in move.plan_cutover().gates if not gate.holds]
            assert [("nightly job" in gate.figure, "shop-7" in gate.figure) for gate in broken] == [(True, False)]
            with pytest.raises(Refused):
                move.cutover()
        pooled.execute(b"SET session_replication_role TO 'replica'")
        move.cutover()
        for setting in (b"'replica'", b"'origin'"):
            pooled.execute(b"SET session_replication_role TO " + setting)
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                pooled.execute(PUT)
        assert own in numbers(live)
