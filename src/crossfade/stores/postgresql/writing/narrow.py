r"""The journal's text in a database whose encoding does not have every character (LATIN1, EUC_JP, ...).

Names, keys and reasons come from the source and may hold any character. Text that is not ASCII is stored as the
character SUB and Python's escapes (`\u65e5`), and read back unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WIDE = {"UTF8", "SQL_ASCII"}
_MARK = "\x1a"


def is_narrow(server_encoding: str | None) -> bool:
    """Return whether some text cannot be stored in a database with this encoding."""
    return server_encoding not in _WIDE


def escaped(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if values is None else {name: _escaped(value) for name, value in values.items()}


def restored(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(map(_restored, row)) for row in rows]


def _escaped(value: Any) -> Any:
    if isinstance(value, list):
        return [_escaped(one) for one in value]
    if not isinstance(value, str) or (value.isascii() and not value.startswith(_MARK)):
        return value
    return _MARK + value.encode("unicode_escape").decode("ascii")


def _restored(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(_MARK):
        return value
    return value.removeprefix(_MARK).encode("ascii").decode("unicode_escape")
