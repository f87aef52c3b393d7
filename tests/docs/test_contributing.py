"""CONTRIBUTING.md names rooms: they are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_files_and_folders_that_the_page_names_exist() -> None:
    named = set(re.findall(r"`([\w.]+/[\w./]*)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    files = {file.relative_to(ROOT).as_posix() for file in (ROOT / "src").rglob("*")}
    missing = {
        name
        for name in named - {"tests/journal/version_N.sql"}
        if not (ROOT / name).exists() and not any(f"/{file}/".endswith(f"/{name.rstrip('/')}/") for file in files)
    }
    assert missing == set()
