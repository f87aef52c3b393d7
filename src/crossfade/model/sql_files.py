"""Read Crossfade's own SQL from .sql files beside the Python code that runs it."""

from __future__ import annotations

import re
from importlib import resources

NAMED = r"^-- name: (\w+)\n"
"""The default header of a statement in a file."""


def text_of(package: str, file: str) -> str:
    """Return a file of `package`."""
    return resources.files(package).joinpath(file).read_text(encoding="utf-8")


def statements(package: str, file: str, head: str = NAMED) -> dict[str, str]:
    """Return the statements of a file of `package` in order, by the name in the group of `head` before each."""
    _, *parts = re.split(head, text_of(package, file), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def named_queries(package: str, file: str) -> dict[str, str]:
    """Return the statements of a file by name, each without its semicolon."""
    return {name: body.strip().rstrip(";") for name, body in statements(package, file).items()}
