"""Writes docs/reference/commands.md from the commands themselves: `python -m crossfade.cli.reference` (make docs)."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer.main

from crossfade.cli import app
from crossfade.cli.options import SHARED
from crossfade.model.files import write_text

FILE = Path("docs/reference/commands.md")

HEAD = """# Commands

<!-- Written by `make docs` from the program's own help. Change the help, not this page. -->

    crossfade COMMAND [OPTIONS]

`crossfade COMMAND --help` says the same as this page. Tables for people go to stdout, progress to stderr; with `--json`
stdout is one JSON document ([json.md](json.md)).

| exit status | means |
|---|---|
| 0 | all that was asked for holds |
| 1 | not as it must be: differences, uncovered paths, an unbalanced count, quarantine over its limit, faults |
| 2 | wrong usage or configuration |
| 3 | a server or file could not be reached |
| 70 | a fault of crossfade itself |
| 130 | stopped by Ctrl-C |
| 141 | whoever read the output went away |

What each error says, and what it means: [errors.md](errors.md).

## Options of every command
"""


def reference() -> str:
    """The page's text."""
    commands = list(_commands(typer.main.get_command(app.app), ()))
    shared = {p.name for p in SHARED}
    some = commands[0][1]
    parts = [HEAD, _options([p for p in some.params if p.name in shared])]
    for path, command in commands:
        parts.append(_section(path, command, [p for p in command.params if p.name not in shared]))
    return "\n".join(parts)


def _commands(group: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command below a group, with the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            if any(p.name in {shared.name for shared in SHARED} for p in command.params):
                yield (*path, name), command  # a group that is a command itself
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


def _section(path: Sequence[str], command: Any, own: Sequence[Any]) -> str:
    arguments = [p for p in own if p.param_type_name == "argument"]
    options = [p for p in own if p.param_type_name == "option" and p.name != "help"]
    usage = " ".join(["crossfade", *path, *(_placeholder(p) for p in arguments), "[OPTIONS]"])
    parts = [f"## {' '.join(path)}\n", f"    {usage}\n", inspect.cleandoc(command.help) + "\n"]
    if arguments:
        parts += ["| argument | |", "|---|---|", *(f"| `{_placeholder(p)}` | {_cell(p.help)} |" for p in arguments), ""]
    if options:
        parts.append(_options(options))
    examples = command.epilog.partition("Example:\n")[2]
    parts += ["Example:\n", "\n".join(f"  {line}" for line in examples.splitlines()), ""]
    return "\n".join(parts)


def _placeholder(argument: Any) -> str:
    name = str(argument.metavar or argument.name.upper()) + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _options(options: Sequence[Any]) -> str:
    rows = ["| option | environment | unless set | |", "|---|---|---|---|"]
    for option in options:
        name = option.opts[0] + (f" {_values(option)}" if not option.is_flag else "")
        environment = f"`{option.envvar}`" if option.envvar else ""
        rows.append(f"| `{name}` | {environment} | {_default(option)} | {_cell(option.help)} |")
    return "\n".join([*rows, ""])


def _values(option: Any) -> str:
    """What an option takes: its placeholder, or the words to choose from."""
    default = _plain(option.default)
    words = [str(_plain(m)) for m in type(option.default)] if default is not option.default else []
    return str(option.metavar or "\\|".join(words) or "TEXT")


def _default(option: Any) -> str:
    if isinstance(option.show_default, str):
        return str(option.show_default)
    default = _plain(option.default)
    if option.required:
        return "required"
    return "" if default is None or option.is_flag else f"`{default}`"


def _plain(value: Any) -> Any:
    """The word of an enum's member; anything else as it is."""
    return getattr(value, "value", value)


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


if __name__ == "__main__":
    write_text(FILE, reference())
