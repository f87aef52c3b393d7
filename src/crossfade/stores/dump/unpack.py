"""Builds spools from a dump's files: each on first use, those of an archive all in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from crossfade.errors import Misused
from crossfade.model.rejection import Rejection
from crossfade.stores.dump.archive import ArchiveReader
from crossfade.stores.dump.cache import Cache
from crossfade.stores.dump.ejson import document_to_bson
from crossfade.stores.dump.exported import ExportReader
from crossfade.stores.dump.files import is_gzip, open_stream
from crossfade.stores.dump.framing import documents
from crossfade.stores.dump.layout import Layout, Origin
from crossfade.stores.dump.spool import NeedsCopy, Spool, Spooler, open_spool


class Spools:
    """The spools of one dump, by entity."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.cache = Cache(layout.files)
        self._origins = {origin.name: (number, origin) for number, origin in enumerate(layout.origins)}
        self._open: dict[str, Spool] = {}

    def spool(self, entity: str) -> Spool:
        """Return the entity's documents. Raises `Misused` if the dump has no entity of that name, `Damaged` if it
        cannot be unpacked.
        """
        if entity not in self._open:
            self._open[entity] = open_spool(self._index(entity))
        return self._open[entity]

    def file_name(self, entity: str) -> str:
        """Return the prefix of the entity's files in the cache."""
        return str(self._origins[entity][0])

    def close(self) -> None:
        self._open.clear()
        self.cache.close()

    def _index(self, entity: str) -> Path:
        _, origin = self._origins.get(entity, (0, None))
        if origin is None or origin.file is None:
            why = "holds no documents of" if origin else "has no"
            raise Misused(f"the dump {self.layout.path} {why} {entity!r}", hint="crossfade survey lists what it has")
        name = f"{self.file_name(entity)}.spool"
        if origin.form == "archive":
            self.cache.built("archive", self._unpack_archive)
            return self.cache.folder / name
        return self.cache.built(name, lambda path: _unpack(origin, path))

    def _unpack_archive(self, done: Path) -> None:
        """Lay out all collections of the chosen database, then create `done`."""
        origins = [o for o in self.layout.origins if o.file is not None]
        with ExitStack() as stack:
            stream = stack.enter_context(closing(open_stream(self.layout.path)))
            reader = ArchiveReader(stream, str(self.layout.path))
            reader.prelude()
            spoolers: dict[str, Spooler] = {}
            for part in reader.parts({(self.layout.db, o.name) for o in origins}):
                if part.db != self.layout.db or part.collection not in self._origins:
                    continue
                spooler = spoolers.get(part.collection)
                if spooler is None:
                    path = done.with_name(f"{self.file_name(part.collection)}.spool")
                    spooler = spoolers[part.collection] = stack.enter_context(Spooler(path))
                spooler.add_all(_split(part.data))
                if part.complete:
                    spooler.finish()
        done.touch()


def _unpack(origin: Origin, path: Path) -> None:
    """Build the spool `path` of an entity that has a file of its own."""
    assert origin.file is not None
    in_place = origin.file.resolve() if origin.form == "bson" and not is_gzip(origin.file) else None
    try:
        _spool(origin.form, origin.file, Spooler(path, in_place))
    except NeedsCopy:
        _spool(origin.form, origin.file, Spooler(path))


def _spool(form: str, file: Path, spooler: Spooler) -> None:
    with spooler, closing(open_stream(file)) as stream:
        if form == "bson":
            pieces: Iterator[bytes | Rejection] = documents(stream.read)
        else:
            pieces = ExportReader(stream.read, str(file), document_to_bson).documents()
        spooler.add_all(pieces)
        spooler.finish()


def _split(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "little")
        yield data[at : at + length]
        at += length
