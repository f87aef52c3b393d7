"""How a value is shown in the detail of a refusal."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa

from crossfade.transform.fit.rejections import shown


def test_a_long_text_says_how_many_characters_it_has() -> None:
    assert shown("a" * 300).endswith("… (300 characters)")
    assert shown("\N{SNOWMAN}'\n" * 100).endswith("… (300 characters)")


def test_times_are_shown_as_people_write_them() -> None:
    assert shown(pa.scalar(datetime(2024, 1, 26, 10, 11, 12, tzinfo=UTC))) == "'2024-01-26T10:11:12+00:00'"
    assert shown(date(2024, 1, 26)) == "'2024-01-26'"
