"""Opens the files of a dump, compressed or not, and decodes their names."""

from __future__ import annotations

import errno
import gzip
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Protocol, cast
from urllib.parse import unquote

from crossfade.errors import Refused, Unreachable
from crossfade.model import files

GZIP = b"\x1f\x8b"


class Stream(Protocol):
    """The methods that we need of an open file."""

    def read(self, size: int = -1, /) -> bytes: ...

    def close(self) -> None: ...


class _Unzipped:
    """A gzip file that returns the data that it has before it raises for what is missing."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._under = gzip.GzipFile(fileobj=file, mode="rb"), file

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read1(size)

    def close(self) -> None:
        self._file.close()
        self._under.close()


def kind_of(path: Path) -> str:
    """Return what the path is if it is not a regular file: `a symbolic link`; "" if it is one."""
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        raise Unreachable(f"{path} cannot be read: {error.strerror}") from error
    return files.kind_of(mode)


def printable(name: str) -> str:
    """Return the name of a file with bytes that are not UTF-8 as escapes.

    >>> printable("caf\\udce9.bson")
    'caf\\\\xe9.bson'
    """
    return os.fsencode(name).decode(errors="backslashreplace")


def open_file(path: Path) -> BinaryIO:
    """Open the regular file at `path` for reading. A dump comes from elsewhere: the target of a link is not part of it,
    and a pipe or a device may block or never end. Raises `Refused` for them, without blocking.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EMLINK):  # a link; a socket or a device without a reader
            raise refusal(path) from error
        raise Unreachable(f"{path} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise refusal(path)
    return os.fdopen(handle, "rb")


def refusal(path: Path) -> Refused:
    kind = kind_of(path) or "not a regular file"
    return Refused(
        f"{path} is {kind}; a dump consists of regular files only; nothing was read",
        hint="copy the file itself there, or remove it",
    )


def is_gzip(path: Path) -> bool:
    """Return whether the content of the file is gzip, whatever its name."""
    return head(path, 2) == GZIP


def head(path: Path, size: int) -> bytes:
    with open_file(path) as file:
        return file.read(size)


def open_stream(path: Path) -> Stream:
    """Open the file, decompressing gzip. Raises `Unreachable` if it cannot be opened, `Refused` if it is not a regular
    file.
    """
    file = cast(BufferedReader, open_file(path))
    if file.read(2) == GZIP:
        file.seek(0)
        return _Unzipped(file)
    file.seek(0)
    return file


def plain_name(path: Path, *endings: str) -> str | None:
    """Return the collection of a file: its name without one of `endings` (also .gz), unescaped; None for others."""
    name = path.name.removesuffix(".gz")
    for ending in endings:
        if name.endswith(ending) and name != ending:
            return unquote(name.removesuffix(ending), errors="strict")
    return None
