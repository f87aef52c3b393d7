"""Files that a person reads: each is there whole, or as it was before."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from crossfade.errors import Unreachable


def write_text(file: Path, text: str) -> None:
    """Writes a file, whole or not at all. Raises Unreachable where it cannot be written."""
    part = file.with_name(file.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise Unreachable(
            f"{file} could not be written: {error.strerror or error}; it is as it was",
            hint="make room, or check the rights of its folder; then the same command again",
        ) from error
