"""What a URL says of a target that is not opened, because it cannot be reached (yet)."""

from __future__ import annotations

import pytest

from crossfade.stores.open import dialect_of_target


@pytest.mark.parametrize(
    ("url", "dialect"),
    [
        ("mongodb://server/shop", "mongodb"),
        ("mongodb+srv://server/shop", "mongodb"),
        ("postgres://server/shop", "postgresql"),
        ("sqlite:///shop.db", "sqlite"),
        ("", "postgresql"),
    ],
)
def test_the_schema_of_a_target_that_is_not_opened_is_read_in_its_dialect(url: str, dialect: str) -> None:
    assert dialect_of_target(url) == dialect
