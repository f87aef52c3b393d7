"""A plan that was seen, and a setting that was changed afterwards."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from cutting_over import proven, written

from crossfade.errors import Refused


def test_only_what_was_shown_is_done(live: Any) -> None:
    with proven(live) as move:
        seen = move.plan_cutover().plan
        assert move.plan_cutover().plan.digest == seen.digest
        settings = live.root / "crossfade.toml"
        before = settings.read_text()
        settings.write_text(before.replace("refused_s = 120", "refused_s = 60"))
        with live.move() as changed, pytest.raises(Refused):
            changed.cutover(plan=seen.digest)
        with psycopg.connect(live.source) as old:
            written(old)
        settings.write_text(before)
        with live.move() as again:
            done = again.cutover(plan=seen.digest)
        assert [step.name for step in done.steps] == [step.name for step in seen.steps]
