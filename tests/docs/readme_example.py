"""The example of the README, as a folder and as commands."""

from __future__ import annotations

from pathlib import Path

from pages import Block, blocks, page


def example() -> list[Block]:
    """The blocks of the section, in order."""
    section = page("README.md").partition("## One record that does not fit")[2].partition("\n## ")[0]
    return blocks(section)


def write(block: Block, folder: Path) -> None:
    """Writes the file that a block shows."""
    (folder / "dump").mkdir(exist_ok=True)
    (folder / "mapping").mkdir(exist_ok=True)
    (folder / (block.file or "dump/orders.jsonl")).write_text(block.text)
