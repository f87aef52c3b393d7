"""The way back is closed only after verifications that were green."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from cutting_over import proven

from crossfade.errors import Refused

TODAY = date.today()


@pytest.mark.torture
def test_green_days_come_first(live: Any) -> None:
    settings = live.root / "crossfade.toml"
    settings.write_text(settings.read_text() + "\n[finish]\ngreen_days = 2\n")
    with proven(live) as move:
        move.cutover()
        move.note_daily(TODAY - timedelta(days=2), "green", "equal", "")
        move.note_daily(TODAY, "green", "equal", "")
        with pytest.raises(Refused):
            move.finish()
        move.note_daily(TODAY - timedelta(days=1), "green", "equal", "")
        move.note_daily(TODAY, "red", "1 difference", "")
        with pytest.raises(Refused):
            move.finish()
        assert live.rows("SELECT count(*) FROM items") == [(20,)]
