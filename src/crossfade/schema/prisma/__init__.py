"""Reads a Prisma schema into SQLAlchemy MetaData, with the names and types that Prisma Migrate would use.

    grammar.lark, statements, parse, grow    text -> syntax: what the files say
    attributes, datasource, resolve          syntax -> shape: names looked up, attributes understood
    keys, relations, types, defaults         shape -> keys, foreign keys, columns of one dialect
    distinct_names, build                    -> MetaData

Every step continues after a fault, so that one run reports all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from crossfade.errors import Unreachable
from crossfade.model.files import read_bytes
from crossfade.schema.prisma.build import Builder, PrismaView
from crossfade.schema.prisma.faults import Faults
from crossfade.schema.prisma.names import Dialect
from crossfade.schema.prisma.parse import parse
from crossfade.schema.prisma.resolve import resolve
from crossfade.schema.prisma.syntax import Block, Field, FilePlace, Label

__all__ = ["PrismaSchema", "View", "blocks_of", "read_prisma"]


@dataclass(frozen=True)
class PrismaSchema:
    """A Prisma schema as tables.

    `metadata` has the tables, enums and sequences; `documentation` has every `///` comment under Prisma's names
    (`User`, `User.email`, `Role`, `Role.ADMIN`). `provider` is the datasource's, None if there is none. `notes` say
    what the user should know: a type without a time zone, a view without a query, what SQLite cannot store.

    `column.info` and `table.info` keep `prisma_name`; `column.info["prisma_default"]` is a default that Prisma's
    client fills in (`cuid`, `uuid(7)`, `updatedAt`), for which the database has none, or `now`, `autoincrement`,
    `dbgenerated`, which it has.
    """

    metadata: sa.MetaData
    views: tuple[PrismaView, ...]
    provider: str | None
    documentation: dict[str, str]
    notes: tuple[str, ...]
    schemas: tuple[str, ...]
    extensions: tuple[str, ...]


def read_prisma(paths: Sequence[Path], dialect: Dialect, *, comments: bool = False) -> PrismaSchema:
    """Read .prisma files, or folders of them, as one schema for one dialect.

    :param comments: make `///` comments the comments of their tables and columns, which Prisma does not do.

    :raises Unreachable: if a path does not exist or cannot be read.
    :raises SchemaFault: with every fault of every file.
    """
    faults = Faults()
    blocks = blocks_of(paths, faults)
    shape = resolve(blocks, faults)
    builder = Builder(shape, dialect, faults, comments=comments)
    builder.build()
    return PrismaSchema(
        builder.metadata,
        tuple(builder.views),
        shape.source.provider,
        _documentation(blocks),
        builder.notes.lines(),
        shape.source.schemas,
        shape.source.extensions,
    )


def blocks_of(paths: Sequence[Path], faults: Faults) -> list[Block]:
    """Return what the files say, unresolved. Raises Unreachable for one that cannot be read."""
    return [block for file in _files(paths, faults) for block in parse(str(file), _read(file, faults), faults)]


def _files(paths: Sequence[Path], faults: Faults) -> Iterator[Path]:
    seen: set[Path] = set()
    for path in paths:
        found = sorted(path.rglob("*.prisma")) if path.is_dir() else [path]
        if not found:
            hint = "name the schema's file or folder"
            faults.add(FilePlace(str(path), 0, 0), "the folder holds no .prisma file", hint=hint)
        for file in found:
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield file


def _read(file: Path, faults: Faults) -> str:
    try:
        return read_bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        faults.add(FilePlace(str(file), 0, 0), f"the file is not UTF-8: {error.reason} at byte {error.start}")
        return ""
    except OSError as error:
        raise Unreachable(f"cannot read {file}: {error.strerror}", hint="check the path of the schema") from error


def _documentation(blocks: Sequence[Block]) -> dict[str, str]:
    found: dict[str, str] = {}
    for block in blocks:
        members: list[Field | Label] = [*block.fields, *block.labels]
        found |= {block.name: block.doc} if block.doc and block.kind not in ("datasource", "generator") else {}
        found |= {f"{block.name}.{m.name}": m.doc for m in members if m.doc}
    return found
