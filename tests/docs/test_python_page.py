"""The page of the Python API: its examples run on the README's project and print what the page shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pages import blocks, page
from readme_example import example, write


def test_the_example_prints_the_output_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [block for block in example() if block.language != "console"]
    for block in files[:4]:  # before the mapping is fixed
        write(block, tmp_path)
    monkeypatch.chdir(tmp_path)
    move, printed, failing, heard, names_heard = blocks(page("docs/reference/python.md"))
    names: dict[str, Any] = {}
    exec(move.text, names)
    assert capsys.readouterr().out == printed.text
    assert names["copied"]
    exec(heard.text, names)
    assert capsys.readouterr().out == names_heard.text
    (tmp_path / "crossfade.toml").unlink()
    with pytest.raises(SystemExit) as left:
        exec(failing.text, names)
    assert left.value.code == 2
