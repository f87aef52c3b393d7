"""A write to the old store whose answer was lost commits later than the run that follows looks at the record again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from coming_back import rows_and_rows
from crossfade.errors import Unreachable, may_pass
from crossfade.pipeline.returning import Return
from following import wait_for
from scratch import PostgresScratch


@pytest.mark.torture
def test_a_write_that_commits_late_is_waited_for(
    new_target: Callable[[], PostgresScratch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By then the record is as it was: nothing would be written."""
    system = rows_and_rows(new_target().url, new_target().url, tmp_path / "p")
    system.cut_over()
    put_back, cut = Return._put_back, list[int]()

    def once_cut(self: Return, *args: Any) -> Any:
        if not cut:
            cut.append(1)
            raise may_pass(Unreachable("the answer was lost"))
        return put_back(self, *args)

    with system.following("back"), psycopg.connect(system.source) as late:
        late.execute("SET crossfade.writes TO 'on'")
        late.execute("UPDATE crossfade.back SET writes = writes + 1")
        late.execute("UPDATE customers SET email = 'late@x.org' WHERE id = 5")
        monkeypatch.setattr(Return, "_put_back", once_cut)
        assert system.put(system.new, 5, "late@x.org", system.told[5]["orders"])
        assert system.put(system.new, 5, "c5@x.org", system.told[5]["orders"])
        wait_for(lambda: cut)
        with pytest.raises(AssertionError):
            wait_for(lambda: False, 2.0)
        late.commit()
        assert system.put(system.new, 6, "after@x.org", system.told[6]["orders"])
        wait_for(lambda: system.old.all() == system.told)
