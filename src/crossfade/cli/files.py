"""Files that a person asked for."""

from __future__ import annotations

from pathlib import Path

from crossfade.errors import Unreachable


def write_text(file: Path, text: str) -> None:
    """Writes a file, whole or not at all. Raises Unreachable where it cannot be written."""
    part = file.with_name(file.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Unreachable(f"{file} could not be written: {error.strerror or error}; it is as it was") from error
