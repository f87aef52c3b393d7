"""The README: its figures are those of bench/RESULTS.md, and its example produces the output that it shows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from pages import ROOT, page
from readme_example import example, write

sys.path.insert(0, str(ROOT / "bench"))
from readme import written


def test_the_figures_are_those_of_the_last_bench() -> None:
    assert written(page("README.md"), page("bench/RESULTS.md")) == page("README.md"), "make docs writes them"


def test_one_record_from_refusal_to_proof(tmp_path: Path) -> None:
    """Every file is written and every command is run, in the order of the page; each line shown is printed."""
    for block in example():
        if block.language != "console":
            write(block, tmp_path)
            continue
        for command, shown in _commands(block.text):
            line = [sys.executable, "-m", *command]
            printed = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert printed.returncode == 0, printed.stderr
            assert [line for line in shown if line not in printed.stdout.splitlines()] == [], printed.stdout


def _commands(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """Each command, with the lines that it is shown to print."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *shown = part.rstrip().splitlines()
        yield command.split(), shown
