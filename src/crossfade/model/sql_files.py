"""Read Crossfade's own SQL from .sql files beside the Python code that runs it."""

from __future__ import annotations

import re
from importlib import resources

NAMED = r"^-- name: (\w+)\n"
"""The default header of a statement in a file."""


def statements(package: str, file: str, head: str = NAMED) -> dict[str, str]:
    """Return the statements of a file of `package` in order, by the name in the group of `head` before each."""
    text = resources.files(package).joinpath(file).read_text(encoding="utf-8")
    _, *parts = re.split(head, text, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))
