"""How a value is shown in the detail of a refusal."""

from __future__ import annotations

from crossfade.transform.fit.rejections import shown


def test_a_long_text_says_how_many_characters_it_has() -> None:
    assert shown("a" * 300).endswith("… (300 characters)")
    assert shown("\N{SNOWMAN}'\n" * 100).endswith("… (300 characters)")
