"""Writes the figures in README.md from bench/RESULTS.md, so that they cannot go stale: `make docs`."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START, END = "<!-- figures: written by `make docs` from bench/RESULTS.md -->", "<!-- end of figures -->"

# What is shown: the words of the README, and the ratio's name in RESULTS.md.
SHOWN = (
    ("copy beside sling", "copy, in documents a second: crossfade copy / sling"),
    ("the same with the native reader", "copy, in documents a second: crossfade copy, native reader / sling"),
    ("copy beside a loop with an ORM", "copy, in documents a second: crossfade copy / loop with an ORM"),
    (
        "copy with the native reader beside the limit (raw reading and COPY at once, nothing between)",
        "copy, in documents a second: crossfade copy, native reader / limit: both at once",
    ),
    (
        "verifying every column of every row beside copying",
        "verification, in documents a second: crossfade verify / crossfade copy",
    ),
)


def figures(results: str) -> str:
    """The paragraph and the table for the README, of the text of RESULTS.md."""
    date, scale = re.findall(r"^- (\d{4}-\d\d-\d\d), scale (\S+),", results, re.MULTILINE)[0]
    machine = re.findall(r"^- (\d+ cores) .*?, (\d+ GB)", results, re.MULTILINE)[0]
    projects = re.findall(
        r"^## (\w+): ([\d,]+) documents of (\d+) bytes into .*?$(.*?)(?=^## |\Z)", results, re.M | re.S
    )
    wanted = [p for p in projects if _ratios(p[3]).keys() >= {name for _, name in SHOWN[:1]}]
    head = "| times as many documents a second | " + " | ".join(
        f"{n} {name}, {size} bytes" for name, n, size, _ in wanted
    )
    lines = [f"{head} |", "|---|" + "---:|" * len(wanted)]
    for words, name in SHOWN:
        lines.append(f"| {words} | " + " | ".join(_ratios(text).get(name, "-") for *_, text in wanted) + " |")
    on = f"Measured {date} on {machine[0]} and {machine[1]}, shared with both servers"
    of = "" if scale == "1" else f", at {scale} of the size"
    return f"{on}{of} ([all figures](bench/RESULTS.md)):\n\n" + "\n".join(lines)


def _ratios(text: str) -> dict[str, str]:
    """Ratio -> its median."""
    return dict(re.findall(r"^\| ([^|]+: [^|]+ / [^|]+?) \| ([\d.]+) \(", text, re.MULTILINE))


def written(readme: str, results: str) -> str:
    """The text of README.md with the figures of today's RESULTS.md."""
    before, _, rest = readme.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{figures(results)}\n{END}{after}"


def main() -> None:
    page = ROOT / "README.md"
    page.write_text(written(page.read_text("utf-8"), (ROOT / "bench/RESULTS.md").read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
