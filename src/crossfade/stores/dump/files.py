"""Opening the files of a dump, compressed or not, and the names that stand in them."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import BinaryIO, Protocol, cast
from urllib.parse import unquote

from crossfade.errors import Unreachable

GZIP = b"\x1f\x8b"


class Stream(Protocol):
    """What we need of an open file."""

    def read(self, size: int = -1, /) -> bytes: ...

    def close(self) -> None: ...


class _Unzipped:
    """A gzip file that hands out what it has before it complains about what is missing."""

    def __init__(self, path: Path) -> None:
        self._file = gzip.GzipFile(path, "rb")

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read1(size)

    def close(self) -> None:
        self._file.close()


def is_gzip(path: Path) -> bool:
    """Whether the file begins as gzip does; its name is not asked."""
    return head(path, 2) == GZIP


def head(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise Unreachable(f"{path} cannot be read: {error.strerror}") from error


def open_stream(path: Path) -> Stream:
    """The file's bytes, decompressed where it is gzip. Raises `Unreachable` where it cannot be opened."""
    if is_gzip(path):
        return _Unzipped(path)
    return cast(BinaryIO, path.open("rb"))


def plain_name(path: Path, *endings: str) -> str | None:
    """A file's collection: its name without one of `endings` (also with .gz), unescaped; None for other files."""
    name = path.name.removesuffix(".gz")
    for ending in endings:
        if name.endswith(ending) and name != ending:
            return unquote(name.removesuffix(ending), errors="strict")
    return None
