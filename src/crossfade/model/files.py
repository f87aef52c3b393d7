"""Read the files of a project, and write files for people.

Only regular files are read: a named pipe without a writer would block for ever, and a device may never end. Files are
written atomically: each is either complete or as it was before.
"""

from __future__ import annotations

import stat
from contextlib import suppress
from pathlib import Path

from crossfade.errors import Misused, Unreachable

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def kind_of(mode: int) -> str:
    """Return what has this mode (`st_mode`) if it is not a regular file: `a named pipe`; "" if it is one."""
    return "" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "not a regular file")


def require_regular(file: Path) -> None:
    """Raise Misused if the path leads to something other than a regular file, OSError if it leads to nothing."""
    if kind := kind_of(file.stat().st_mode):
        raise Misused(f"{file} is {kind}, and only regular files are read", hint="put a file in its place")


def read_bytes(file: Path) -> bytes:
    """Return what a regular file holds. Raises Misused if it is something else, OSError if it cannot be read."""
    require_regular(file)
    return file.read_bytes()


def read_text(file: Path) -> str:
    """Return the text of a file, with `\\n` at the ends of its lines and without a byte order mark. Raises Misused also
    if it is not UTF-8, or holds a NUL character.
    """
    raw = read_bytes(file)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Misused(f"{file} is not UTF-8: byte {error.start + 1} is {raw[error.start]:#04x}") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    require_no_nul(text, file)
    return text


def require_no_nul(text: str, file: Path) -> None:
    """Raise Misused if the text holds a NUL character. In libpq a statement ends there: the rest would be dropped
    silently, such as a table of the schema or a condition of a rule.
    """
    before, nul, _ = text.partition("\0")
    if nul:
        raise Misused(f"{file} holds a NUL character in line {before.count(chr(10)) + 1}", hint="remove it")


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
