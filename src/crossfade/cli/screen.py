"""Output for people: lines and tables, colored on a terminal, plain text elsewhere.

The text may come from a database. It is never interpreted as markup, and what a terminal would obey is escaped: control
characters, escape sequences, marks that change the direction of writing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TextIO

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crossfade.cli.in_group import in_group

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


NAME = 40
"""Names up to this length stay on one line in the first column of a table."""


def safe(value: object, keep: str = "") -> str:
    r"""Return text that is safe on a terminal: invisible characters other than the space and `keep` are escaped.

    >>> safe("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    text = str(value)
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or unicodedata.category(c) not in _UNSEEN else _escaped(c) for c in text)


def _escaped(char: str) -> str:
    code = ord(char)
    if char in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[char]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def number(value: int) -> str:
    return f"{value:,}"


class Screen:
    """Lines and tables on one stream. Styles are rich's ("bold", "red"), used on a terminal only.

    `group`: of the call; lines name commands for this group of entities.
    """

    def __init__(self, stream: TextIO, group: str = "") -> None:
        self.stream, self._group = stream, group
        self.console = _Quietless(file=stream, markup=False, emoji=False, highlight=False, soft_wrap=True)
        self.terminal = self.console.is_terminal

    def line(self, text: str = "", style: str = "") -> None:
        """Print one line or several: line breaks are kept, all other invisible characters are escaped."""
        self.block(in_group(safe(text, keep="\n"), self._group), style)

    def block(self, text: str, style: str = "") -> None:
        """Print text that crossfade made (DDL, a diagram) or that is already safe."""
        if self.terminal:
            self.console.print(Text(text, style=style))
        else:
            self.stream.write(text + "\n")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = ()) -> None:
        """Print a table; the columns named in `right` are right-aligned."""
        cells = [[safe(value) for value in row] for row in rows]
        if self.terminal:
            self.console.print(_rich_table(columns, cells, right))
        else:
            self.stream.write(_plain_table(columns, cells, right))


class _Quietless(Console):
    """A console that raises BrokenPipeError, so that main() ends quietly with the right exit status."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _rich_table(columns: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for i, name in enumerate(columns):
        whole = i == 0 and all(cell_len(row[0]) <= NAME for row in cells)
        table.add_column(
            Text(name), justify="right" if name in right else "left", overflow="fold", no_wrap=whole or name in right
        )
    for row in cells:
        table.add_row(*[Text(cell, style="bold red" if cell == "NO" else "") for cell in row])
    return table


def _plain_table(columns: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[str]) -> str:
    rows = [list(columns), *cells]
    widths = [max(cell_len(row[i]) for row in rows) for i in range(len(columns))]
    lines = []
    for row in rows:
        padded = []
        for name, cell, width in zip(columns, row, widths, strict=True):
            space = " " * (width - cell_len(cell))
            padded.append(space + cell if name in right else cell + space)
        lines.append("  ".join(padded).rstrip() + "\n")
    return "".join(lines)
