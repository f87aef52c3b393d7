"""Folders: of mongodump (one folder a database, one .bson a collection) and of mongoexport (one file a collection)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossfade.errors import Misused, Unreachable
from crossfade.stores.dump.files import kind_of, plain_name, printable, refusal
from crossfade.stores.dump.layout import Layout, Origin, choose_db, class_of
from crossfade.stores.dump.metadata import read_metadata

JSON_ENDINGS = (".json", ".jsonl", ".ndjson")
_METADATA = ".metadata.json"
_OTHER = "not read, because it is not a file of a dump that Crossfade knows"
_DATA = frozenset({"bson", "json", "jsonl", "ndjson", "csv", "tsv", "archive"})
"""Parts of a file name that say that the file may hold records, whatever its last extension (`x.bson.zst`)."""
_OPLOG_NAME = "oplog"
_OPLOG = "the oplog during the dump (mongodump --oplog); it is not replayed"


@dataclass
class _Listing:
    """The files of one folder, sorted into what they are."""

    data: dict[str, Path] = field(default_factory=dict)
    metadata: dict[str, Path] = field(default_factory=dict)
    exports: dict[str, Path] = field(default_factory=dict)
    prelude: Path | None = None
    oplog: Path | None = None
    others: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)

    @property
    def is_database(self) -> bool:
        return bool(self.data or self.metadata)


def open_folder(path: Path, wanted: str | None) -> Layout:
    """Return the layout of the folder `path`. Raises `Misused` if it is not a dump, or has several databases and none
    is `wanted`.
    """
    here = _list(path)
    if here.is_database:
        return _database(path, here, None)
    below = {folder.name: listing for folder in here.folders if (listing := _list(folder)).is_database}
    if below:
        name = choose_db(below, wanted, str(path), f"name the folder of one, as in dump:{path / sorted(below)[0]}")
        whole = _database(path / name, below[name], here)
        rest = [_other_database(folder) for folder in here.folders if folder.name != name]
        return Layout(whole.path, "bson", name, whole.product, (*whole.origins, *rest))
    if here.exports:
        return _exports(path, here)
    raise Misused(
        f"{path} is not a dump: it holds no .bson and no .json files",
        hint="name the folder that mongodump wrote, an archive, or files of mongoexport",
    )


def beside(path: Path, file: Path) -> Layout:
    """Return the dump that consists of the one .bson file `path` (with the metadata.json beside it, if any); `file` is
    the file that a link leads to.
    """
    name = plain_name(path, ".bson") or path.stem
    here = _Listing()
    stem = path.name.removesuffix(".gz").removesuffix(".bson")
    for companion in (f"{stem}{_METADATA}", "prelude.json"):
        for entry in (path.with_name(companion), path.with_name(f"{companion}.gz")):
            if entry.exists():
                _sort_in(here, entry)
    return Layout(
        path, "bson", path.parent.name, _product(here, None), (_collection(name, file, here.metadata.get(name)),)
    )


def _list(path: Path) -> _Listing:
    found = _Listing()
    for entry in _entries(path):
        _sort_in(found, entry)
    if found.oplog is not None and _OPLOG_NAME in found.metadata:  # mongodump writes none for the server's
        found.data[_OPLOG_NAME], found.oplog = found.oplog, None
    return found


def _entries(path: Path) -> list[Path]:
    try:
        return sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise Unreachable(f"{path} cannot be read: {error.strerror}") from error


def _sort_in(found: _Listing, entry: Path) -> None:
    kind = kind_of(entry)
    if kind == "a folder":
        found.folders.append(entry)
    elif kind:
        if _may_hold_records(entry):
            raise refusal(entry)
        found.others.append(entry)
    elif printable(entry.name) != entry.name:  # mongodump writes no such name; no entity can have it
        found.others.append(entry)
    elif entry.name.removesuffix(".gz") == "prelude.json":
        found.prelude = entry
    elif (name := plain_name(entry, _METADATA)) is not None:
        _put(found.metadata, name, entry)
    elif entry.name.removesuffix(".gz") == f"{_OPLOG_NAME}.bson":
        found.oplog = entry
    elif (name := plain_name(entry, ".bson")) is not None:
        _put(found.data, name, entry)
    elif (name := plain_name(entry, *JSON_ENDINGS)) is not None:
        _put(found.exports, name, entry)
    else:
        found.others.append(entry)


def _put(where: dict[str, Path], name: str, entry: Path) -> None:
    if name in where:
        raise Misused(
            f"{where[name].name} and {entry.name} both belong to {name!r}", hint="remove one of them from the folder"
        )
    where[name] = entry


def _database(path: Path, here: _Listing, above: _Listing | None) -> Layout:
    names = dict.fromkeys([*here.data, *here.metadata])
    origins = [_collection(name, here.data.get(name), here.metadata.get(name)) for name in names]
    for listing in filter(None, (here, above)):
        if listing.oplog is not None and _OPLOG_NAME not in names:
            origins.append(Origin(_OPLOG_NAME, "bson", None, entity_class="system", stated=_OPLOG))
        origins.extend(_others([*listing.others, *listing.exports.values()]))
    origins.extend(_others(here.folders))
    return Layout(path, "bson", path.name, _product(here, above), tuple(origins))


def _collection(name: str, file: Path | None, metadata: Path | None) -> Origin:
    known = read_metadata(metadata) if metadata is not None else {}
    full = str(known.get("collectionName") or name)  # mongodump truncates names that are too long for a file name
    return Origin(full, "bson", file, known, class_of(full, known))


def _exports(path: Path, here: _Listing) -> Layout:
    exports = dict(here.exports)
    if here.prelude is not None:  # mongodump writes one only beside .bson files
        exports[plain_name(here.prelude, ".json") or ""] = here.prelude
    origins = [Origin(name, "json", file) for name, file in exports.items()]
    return Layout(path, "json", path.name, "mongoexport", (*origins, *_others([*here.others, *here.folders])))


def _others(paths: Iterable[Path]) -> list[Origin]:
    return [_other(each) for each in paths]


def _other(path: Path) -> Origin:
    kind = kind_of(path)
    name = printable(path.name) + ("/" if kind == "a folder" else "")
    stated = f"it is {kind}, which is not followed" if kind and kind != "a folder" else _OTHER
    return Origin(name, "bson", None, {}, "system", stated, unread=_may_hold_records(path))


def _may_hold_records(path: Path) -> bool:
    """Find databases by file names alone. A link to a folder is not followed."""
    kind = kind_of(path)
    if kind == "a folder":
        return any(_may_hold_records(each) for each in _entries(path))
    if kind == "a symbolic link" and path.is_dir():
        return True
    return not _DATA.isdisjoint(path.name.lower().rstrip("~").split(".")[1:])


def _other_database(folder: Path) -> Origin:
    stated = f"{folder.name} is another database of the dump; a move takes one"
    return Origin(f"{folder.name}/", "bson", None, {}, "system", stated)


def _product(here: _Listing, above: _Listing | None) -> str:
    """Return what prelude.json says: newer versions of mongodump write their own version and the server's there."""
    for listing in filter(None, (here, above)):
        if listing.prelude is not None:
            return product_of(read_metadata(listing.prelude))
    return "mongodump"


def product_of(prelude: Mapping[str, Any]) -> str:
    """Return `MongoDB 7.0.1 (mongodump 100.9.4)` from the versions in a prelude, whatever their spelling."""
    known = {key.replace("_", "").lower(): str(value) for key, value in prelude.items()}
    server, tool = known.get("serverversion"), known.get("toolversion")
    return (f"MongoDB {server} " if server else "") + (f"(mongodump {tool})" if tool else "(mongodump)")
