"""Opens a dump: finds out what the path is, and bundles its parts."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote

from crossfade.errors import Misused, Unreachable
from crossfade.model.urls import hide_password, printable
from crossfade.records.bson.codec import BSON
from crossfade.stores.contract import Store, Traits
from crossfade.stores.dump import archive, folder
from crossfade.stores.dump.files import head, open_stream, plain_name
from crossfade.stores.dump.inspect import DumpInspector
from crossfade.stores.dump.layout import Layout, Origin, choose_db, class_of
from crossfade.stores.dump.metadata import parse_metadata
from crossfade.stores.dump.source import DumpReader
from crossfade.stores.dump.unpack import Spools

SCHEME = "dump"


def open_dump(path_or_url: str | Path) -> Store:
    """Return a store that reads the dump at `dump:PATH` (or a plain path); `?db=NAME` chooses one of several databases.

    Raises `Unreachable` if nothing can be read there, `Misused` if it is not a dump or the database is ambiguous.
    """
    path, db = _parse(str(path_or_url))
    spools = Spools(recognize(path, db))
    return Store(
        scheme=SCHEME,
        url=printable(f"{SCHEME}:{path}"),
        traits=Traits(is_file=True, has_unique_keys=False),
        inspector=DumpInspector(spools),
        reader=DumpReader(spools),
        codec=BSON,
        closer=spools.close,
    )


def absolute(url: str) -> str:
    """Return a URL of the same dump that does not depend on the current directory."""
    path, db = _parse(url)
    return f"{SCHEME}:{path.absolute()}" + (f"?db={quote(db)}" if db else "")


def recognize(path: Path, db: str | None = None) -> Layout:
    """Return what the dump at `path` consists of, without reading its documents."""
    if not path.exists():
        raise Unreachable(
            f"{hide_password(str(path))} does not exist",
            hint="a dump is a folder or a file of mongodump, or files of mongoexport",
        )
    if path.is_dir():
        return folder.open_folder(path, db)
    file = path.resolve()  # a link that the user names is followed; one inside a dump is not
    if _begins_with(file, archive.MAGIC):
        return _archive(file, db)
    if plain_name(path, ".bson") is not None:
        return folder.beside(path, file)
    name = plain_name(path, *folder.JSON_ENDINGS) or path.stem
    front = _front(file).lstrip(b"\xef\xbb\xbf \t\r\n,")
    if plain_name(path, *folder.JSON_ENDINGS) is None and (not front or front[:1] not in b"{["):
        begins = f"begins with {front[:8]!r}" if front else "is empty, or cannot be decompressed"
        raise Misused(f"{path} is neither an archive nor .bson nor JSON: it {begins}")
    return Layout(path, "json", path.parent.name, "mongoexport", (Origin(name, "json", file),))


def _parse(text: str) -> tuple[Path, str | None]:
    """Split the path and the database asked for. A file of exactly that name takes precedence."""
    rest = text.removeprefix(f"{SCHEME}:")
    if rest.startswith("//"):
        rest = rest[2:]
    path, _, query = rest.partition("?")
    if query and not Path(rest).exists():
        key, _, value = query.partition("=")
        if key != "db" or not value:
            raise Misused(f"unknown option {query!r} in {text}", hint="the only one is ?db=NAME")
        return Path(path), unquote(value)
    return Path(rest), None


def _begins_with(path: Path, magic: bytes) -> bool:
    return head(path, len(magic)) == magic or _front(path)[: len(magic)] == magic


def _front(path: Path) -> bytes:
    stream = open_stream(path)
    try:
        return stream.read(4096)
    except (EOFError, OSError):
        return b""
    finally:
        stream.close()


def _archive(path: Path, wanted: str | None) -> Layout:
    stream = open_stream(path)
    try:
        prelude = archive.ArchiveReader(stream, str(path)).prelude()
    finally:
        stream.close()
    found = {str(each["db"]): None for each in prelude.collections if each.get("db")}
    if not found:
        raise Misused(f"{path} holds no database")
    db = choose_db(found, wanted, str(path), f"name one, as in dump:{path}?db={sorted(found)[0]}")
    make = partial(_archived, path, db)
    return Layout(path, "archive", db, folder.product_of(prelude.header), tuple(map(make, prelude.collections)))


def _archived(path: Path, db: str, said: dict[str, object]) -> Origin:
    name, owner = str(said.get("collection", "")), str(said.get("db", ""))
    if owner != db:
        stated = (
            "the oplog during the dump; it is not replayed"
            if not owner
            else f"it belongs to the database {owner!r}, not {db!r}"
        )
        return Origin(f"{owner}.{name}" if owner else name, "archive", None, {}, "system", stated)
    metadata = dict(parse_metadata(str(said.get("metadata") or ""), f"{path}: metadata of {name}"))
    if said.get("type"):
        metadata.setdefault("type", said["type"])
    entity_class = class_of(name, metadata)
    return Origin(name, "archive", None if entity_class in ("view", "timeseries") else path, metadata, entity_class)
