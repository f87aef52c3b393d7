"""The SQL of ours that is in .sql files beside the Python that runs it."""

from __future__ import annotations

import re
from importlib import resources

NAMED = r"^-- name: (\w+)\n"
"""How a statement is headed, where its file says no other way."""


def statements(package: str, file: str, head: str = NAMED) -> dict[str, str]:
    """The statements of a file of `package`, in order, by the name that the group of `head` finds before each."""
    text = resources.files(package).joinpath(file).read_text(encoding="utf-8")
    _, *parts = re.split(head, text, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))
