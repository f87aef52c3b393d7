"""Write files for people atomically: each is either complete or as it was before."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from crossfade.errors import Unreachable


def write_text(file: Path, text: str) -> None:
    """Write a file completely or not at all. Raises Unreachable if it cannot be written."""
    part = file.with_name(file.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise Unreachable(
            f"{file} could not be written: {error.strerror or error}; it is unchanged",
            hint="free disk space, or check the permissions of its folder; then run the same command again",
        ) from error
