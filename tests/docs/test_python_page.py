"""The page of the Python API: its examples run on the README's project and print what the page shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pages import blocks, page
from readme_example import example, write

import crossfade


def test_the_example_prints_what_stands_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [block for block in example() if block.language != "console"]
    for block in files[:4]:  # before the mapping is fixed
        write(block, tmp_path)
    monkeypatch.chdir(tmp_path)
    move, printed, failing = [block for block in blocks(page("docs/reference/python.md")) if block.language != "toml"]
    names: dict[str, Any] = {}
    exec(move.text, names)
    assert capsys.readouterr().out == printed.text
    assert names["copied"]
    (tmp_path / "crossfade.toml").unlink()
    with pytest.raises(SystemExit) as left:
        exec(failing.text, names)
    assert left.value.code == 2


def test_every_event_that_it_names_is_there() -> None:
    section = page("docs/reference/python.md").partition("## Events")[2]
    words = {word.strip("`") for word in section.split() if word.startswith("`") and word.strip("`,.")[0].isupper()}
    named = {word.strip("`,.") for word in words} - {"--log-format"}
    assert {name for name in named if not hasattr(crossfade.events, name)} == set()
    assert named >= {"Planned", "ChunkCopied", "TableVerified", "Waiting"}
