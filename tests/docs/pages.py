"""The pages of the documentation, parsed: fenced blocks, commands, links, headings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*/README.md")],
    key=lambda page: str(page.relative_to(ROOT)),
)


@dataclass(frozen=True)
class Block:
    """A fenced block. `file` is the first file that the paragraph before it names in backticks, or None."""

    language: str
    text: str
    file: str | None


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`([\w/.-]+\.(?:sql|toml|prisma))`")


def blocks(text: str) -> list[Block]:
    """The fenced blocks, in order."""
    out, end = [], 0
    for fence in _FENCE.finditer(text):
        paragraph = text[end : fence.start()].rstrip().rpartition("\n\n")[2]
        file = _FILE.search(paragraph)
        out.append(Block(fence[1], fence[2], file[1] if file else None))
        end = fence.end()
    return out


def prose(text: str) -> str:
    """The text without its code: a link in code is none."""
    without = _FENCE.sub("", text)
    without = re.sub(r"^ {4}.*$", "", without, flags=re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "``", without)


def indented(text: str) -> list[str]:
    """The lines of indented code, without their indentation."""
    return [line[4:] for line in _FENCE.sub("", text).splitlines() if line.startswith("    ")]


def commands(text: str) -> Iterator[list[str]]:
    """The words of every call of the program that stands in code, `crossfade` left out; patterns are passed over."""
    lines = [*indented(text), *(line for block in blocks(text) for line in block.text.splitlines())]
    found = [line.removeprefix("$ ") for line in lines if line.removeprefix("$ ").startswith("crossfade ")]
    found += re.findall(r"`(crossfade [^`\n]+)`", _FENCE.sub("", text))
    for line in found:
        words = shlex.split(line.replace("Ctrl-C", ""), comments=True)[1:]
        if words and words[0].islower() and not any(sign in line for sign in ("|", "[", "...")):
            yield words


def links(text: str) -> list[str]:
    """What links point to, without those that leave the repository."""
    found = re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", prose(text).replace("[``]", "[x]"))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
