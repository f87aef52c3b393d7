"""Commands that messages recommend name the group that the call was about."""

from __future__ import annotations

import pytest
from all_commands import all_commands

from crossfade.cli.in_group import COMMANDS, in_group


def test_every_command_but_those_of_all_groups_is_known() -> None:
    assert set(COMMANDS) == set(all_commands()) - {"groups", "id"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("crossfade start", "crossfade start --group a"),
        ("crossfade survey show people", "crossfade survey show --group a people"),
        ("see crossfade status; then crossfade run", "see crossfade status --group a; then crossfade run --group a"),
        ("crossfade start --group b", "crossfade start --group b"),
        ("crossfade groups", "crossfade groups"),
        ("another run of crossfade has taken over", "another run of crossfade has taken over"),
    ],
)
def test_the_group_is_added(text: str, said: str) -> None:
    assert in_group(text, "a") == said
    assert in_group(text, "") == text
