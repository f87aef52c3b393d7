"""Every page: its links and the commands that it shows exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pages import PAGES, anchors, commands, links, name_of, page

from crossfade.cli.app import app


@pytest.fixture(params=PAGES, ids=name_of)
def file(request: pytest.FixtureRequest) -> Path:
    assert isinstance(request.param, Path)
    return request.param


def test_every_link_leads_to_a_page_and_to_its_heading(file: Path) -> None:
    broken = [link for link in links(file.read_text("utf-8")) if not leads_somewhere(file, link)]
    assert broken == []


def leads_somewhere(file: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = file.parent / path if path else file
    return target.exists() and (not anchor or anchor in anchors(target.read_text("utf-8")))


def test_every_command_shown_is_one(file: Path) -> None:
    for words in commands(file.read_text("utf-8")):
        command, left = command_of(words)
        assert command is not None, words
        options = {name for p in command.params for name in (*p.opts, *p.secondary_opts)} | {"--help"}
        unknown = [word for word in left if word.startswith("-") and word.partition("=")[0] not in options]
        assert unknown == [], words


def test_the_commands_are_found_in_the_pages() -> None:
    """The test above would pass if it saw nothing."""
    shown = [words for file in PAGES for words in commands(file.read_text("utf-8"))]
    assert len(shown) > 40
    assert ["quarantine", "retry", "ID"] in shown


def command_of(words: Sequence[str]) -> tuple[Any, list[str]]:
    """The command that the first words name (None where there is no such one), and the other words."""
    at: Any = typer.main.get_command(app)
    left = list(words)
    while left and hasattr(at, "commands") and not (at.params and left[0] not in at.commands):
        at = at.commands.get(left.pop(0))
    return at, left


def leaves(at: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """Every command; a group with options of its own is one, too."""
    for name, command in at.commands.items():
        if hasattr(command, "commands"):
            if len(command.params) > 1:
                yield (*path, name)
            yield from leaves(command, *path, name)
        else:
            yield (*path, name)


COMMANDS = sorted(leaves(typer.main.get_command(app)))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_is_in_the_reference_and_in_the_readme(command: tuple[str, ...]) -> None:
    reference = page("docs/reference/commands.md")
    assert f"\n## {' '.join(command)}\n" in reference
    assert command in named_in(page("README.md"))


def named_in(text: str) -> set[tuple[str, ...]]:
    """The commands that a page names in backticks; `schema show|apply` names two."""
    out = set()
    for code in re.findall(r"`([a-z| ]+)`", text):
        *group, last = code.removeprefix("crossfade ").split(" ")
        out |= {(*group, name) for name in last.split("|")}
    return out
