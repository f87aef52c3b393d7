"""What the pages say about ids: the program prints it, and their Python examples run and return it."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from pages import blocks, indented, page

from crossfade.cli.app import main
from crossfade_ids import uuid_of


def test_the_program_prints_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    lines = indented(page("docs/howto/ids.md"))
    at = next(i for i, line in enumerate(lines) if line.startswith("$ crossfade id"))
    assert main(lines[at].split()[2:]) == 0
    forth = capsys.readouterr().out
    assert forth.splitlines() == lines[at + 1 : at + 3]
    assert main(["id", lines[at + 2].split()[1]]) == 0
    assert capsys.readouterr().out == forth, "and back"


@pytest.mark.parametrize("name", ["docs/howto/ids.md", "docs/concepts.md"])
def test_the_python_examples_return_what_their_comments_say(name: str) -> None:
    (block,) = [block for block in blocks(page(name)) if block.language == "python"]
    *statements, last = block.text.strip().splitlines()
    names: dict[str, Any] = {}
    exec("\n".join(statements), names)
    found = eval(last, names)
    assert found == uuid.UUID("5e0be100-0000-8000-8300-000000cf01d0")
    said = re.search(r"# (UUID\(.+\))$", last)
    assert said is None or eval(said[1], {"UUID": uuid.UUID}) == found
    assert names["object_id_in"](found) == bytes.fromhex("5e0be1000000000300000000")


def test_equal_numbers_have_one_id_and_a_text_has_another() -> None:
    assert uuid_of(5) == uuid_of(5.0) != uuid_of("5")
