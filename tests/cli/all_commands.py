"""The commands of crossfade, by the words that call them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from crossfade.cli.app import app


def all_commands() -> Iterator[str]:
    return _below(typer.main.get_command(app), "")


def _below(group: Any, before: str) -> Iterator[str]:
    for name, one in group.commands.items():
        if one.params:  # without, it only groups others
            yield before + name
        if hasattr(one, "commands"):
            yield from _below(one, f"{before}{name} ")
