"""Loads the target schema from Prisma, SQL files, SQLAlchemy metadata, or the existing target."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from crossfade.errors import Fault, Misused, SchemaFault, Unreachable
from crossfade.model.dialects import dialect_of
from crossfade.model.files import read_bytes, require_no_nul
from crossfade.model.target import TargetSchema
from crossfade.schema.documents import commands
from crossfade.schema.journaled import made_of_sql

LIVE = "live"

_MODULE = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")


class TriesSchemas(Protocol):
    """The part of a store's Ddl that is needed here; see stores/contract/ddl.py."""

    def scratch_schema(self, statements: str, file: str) -> TargetSchema: ...

    def live_schema(self) -> TargetSchema: ...

    def default_schema(self) -> str: ...


def load_schema(
    spec: str, root: Path, dialect: str, ddl: TriesSchemas | None, *, comments: bool = False
) -> TargetSchema:
    """Load the schema that `spec` describes; paths are relative to `root`.

    `spec`: "schema.prisma" or a folder of .prisma files; "schema.sql", several of them separated by commas, or a glob
    (in order of their names); "collections.json"; "module:metadata"; "live". `dialect` is postgresql, sqlite or
    mongodb. SQL and "live" need `ddl`. `comments`: the `///` comments of a Prisma schema become comments in the
    database, which Prisma does not do.
    Raises SchemaFault with every fault found, Misused for a spec that is none of these, Unreachable for a missing file.
    """
    if spec == LIVE:
        return _needed(ddl, spec).live_schema()
    is_module = _MODULE.match(spec) is not None
    paths = [] if is_module else _paths(spec, root)
    if commands.are_steps_of(dialect) and not is_module:
        return _of_documents(spec, paths, root)
    if not is_module and _are_sql(paths):
        return _from_sql(paths, root, _needed(ddl, spec))
    if not dialect_of(dialect).has_sqlalchemy:
        raise Misused(f"the schema {spec!r} cannot be written for {dialect}", hint="a schema of SQL files")
    if is_module:
        return _from_module(spec, root, dialect, _default(ddl))
    if all(path.is_dir() or path.suffix == ".prisma" for path in paths):
        return _from_prisma(paths, dialect, comments, _default(ddl))
    raise Misused(
        f"no schema can be read from {spec!r}",
        hint='a .prisma file or folder, .sql files, a .json file of collections, "module:metadata", or "live"',
    )


def made_of(spec: str, root: Path) -> str | None:
    """Return a short text that changes with the schema's files; None if reading them needs no database.

    Raises Unreachable for a missing file, Misused for one that is not UTF-8.
    """
    if spec == LIVE:
        return LIVE
    if _MODULE.match(spec):
        return None
    paths = _paths(spec, root)
    return made_of_sql([_read(path) for path in paths]) if _are_sql(paths) else None


def _are_sql(paths: Sequence[Path]) -> bool:
    return all(path.suffix == ".sql" and not path.is_dir() for path in paths)


def _needed(ddl: TriesSchemas | None, spec: str) -> TriesSchemas:
    if ddl is None:
        raise Misused(f"reading the schema {spec!r} needs the target", hint="set target.url in crossfade.toml")
    return ddl


def _default(ddl: TriesSchemas | None) -> str:
    """Return the schema of tables that name none; an unreachable target is asked later, when it is needed."""
    if ddl is None:
        return ""
    with suppress(Unreachable):
        return ddl.default_schema()
    return ""


def _paths(spec: str, root: Path) -> list[Path]:
    found: list[Path] = []
    for part in filter(None, (part.strip() for part in spec.split(","))):
        if any(sign in part for sign in "*?["):
            matches = sorted(root.glob(part))
            if not matches:
                raise Unreachable(f"no file matches {part!r} in {root}", hint="check the schema in crossfade.toml")
            found += matches
        else:
            found.append(root / part)
    missing = [path for path in found if not path.exists()]
    if missing or not found:
        raise Unreachable(
            f"the schema {str(missing[0] if missing else spec)!r} does not exist",
            hint="check the path in crossfade.toml",
        )
    return found


# SQLAlchemy and the Prisma parser are imported on demand: loading them takes longer than a small move.


def _of_documents(spec: str, paths: list[Path], root: Path) -> TargetSchema:
    if len(paths) == 1 and paths[0].suffix == ".json":
        from crossfade.schema.documents.json_file import read_json

        return read_json(_read(paths[0]), _shown(paths[0], root))
    if all(path.is_dir() or path.suffix == ".prisma" for path in paths):
        from crossfade.schema.documents.prisma import read_prisma

        return read_prisma(paths)
    hint = 'a .prisma file or folder, a .json file of collections, or "live"'
    raise Misused(f"no schema of a document store can be read from {spec!r}", hint=hint)


def _from_module(spec: str, root: Path, dialect: str, default: str) -> TargetSchema:
    from crossfade.schema.metadata import from_metadata, load_metadata

    return from_metadata(load_metadata(spec, root), dialect, default_schema=default)


def _from_prisma(paths: list[Path], dialect: str, comments: bool, default: str) -> TargetSchema:
    from crossfade.schema.metadata import from_metadata
    from crossfade.schema.prisma import read_prisma
    from crossfade.schema.prisma.names import Dialect

    provider: dict[str, Dialect] = {"postgresql": "postgresql", "sqlite": "sqlite"}
    says = dialect_of(dialect)
    read = read_prisma(paths, provider[says.name], comments=comments and says.has_comments)
    extensions = read.extensions if says.has_types else ()
    return from_metadata(read.metadata, dialect, read.notes, extensions=extensions, default_schema=default)


def _from_sql(paths: list[Path], root: Path, ddl: TriesSchemas) -> TargetSchema:
    texts = [(_shown(path, root), _read(path)) for path in paths]
    if len(texts) == 1:
        return ddl.scratch_schema(texts[0][1], texts[0][0])
    try:
        return ddl.scratch_schema("".join(text for _, text in texts), ", ".join(name for name, _ in texts))
    except SchemaFault as error:
        raise SchemaFault([_placed(fault, texts) for fault in error.faults]) from None


def _placed(fault: Fault, texts: list[tuple[str, str]]) -> Fault:
    """Locate a fault in its own file: the files were run as one text, in order."""
    line = fault.line
    for name, text in texts:
        if line <= text.count("\n"):
            return replace(fault, file=name, line=line)
        line -= text.count("\n")
    return fault


def _read(path: Path) -> str:
    """Read the text and end it with a newline, so that concatenated files stay separate."""
    try:
        text = read_bytes(path).decode("utf-8-sig").replace("\r\n", "\n").rstrip("\n") + "\n"
    except UnicodeDecodeError as error:
        raise Misused(f"{path} is not UTF-8: {error.reason} at byte {error.start}", hint="save it as UTF-8") from error
    except OSError as error:
        raise Unreachable(f"cannot read {path}: {error.strerror}", hint="check its permissions") from error
    require_no_nul(text, path)
    return text


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
