"""The support matrix in the docs is that of the tests, and every test of a promise says what it promises."""

from __future__ import annotations

from pathlib import Path

import pytest
from support_page import FILE, SECTIONS, page, promises


def test_the_page_is_current() -> None:
    """Run `make docs` where this fails."""
    assert FILE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("module", [module for _, module, _ in SECTIONS])
def test_every_promise_has_a_sentence(module: str) -> None:
    assert [test.__name__ for test in promises(module) if not test.__doc__] == []


def test_every_file_of_promises_is_on_the_page() -> None:
    files = {file.stem for file in Path(__file__).parent.glob("test_*_promises.py")}
    assert files - {"test_store_promises"} == {module for _, module, _ in SECTIONS}
