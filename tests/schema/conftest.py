"""Ways to a schema for the tests of crossfade.schema."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crossfade.schema.prisma import PrismaSchema, read_prisma
from crossfade.schema.prisma.names import Dialect

Prisma = Callable[..., PrismaSchema]


@pytest.fixture
def prisma(tmp_path: Path) -> Prisma:
    """Reads the text of a Prisma schema: `prisma("model A {...}", "sqlite")`; the file is called s.prisma."""

    def read(text: str, dialect: Dialect = "postgresql", *, comments: bool = False) -> PrismaSchema:
        file = tmp_path / "s.prisma"
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        return read_prisma([file], dialect, comments=comments)

    return read
