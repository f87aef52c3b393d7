"""Lists what a dump holds, each thing with its class and what the move does with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from crossfade.model.findings import Finding
from crossfade.model.shape import Shape
from crossfade.records.bson.left_behind import described_indexes, left_behind
from crossfade.stores.contract import EntityInfo, Inspector, journal_in
from crossfade.stores.dump.fingerprint import fingerprint
from crossfade.stores.dump.layout import Origin
from crossfade.stores.dump.metadata import indexes_of
from crossfade.stores.dump.unpack import Spools

_PLANS: Mapping[str, str] = {
    "collection": "copied",
    "capped": "copied; its size limit is not",
    "clustered": "copied; a clustered index is an ordinary primary key in the target",
    "view": "not copied, because a view holds no documents; recreate it as a view of the target",
    "timeseries": "not copied: a dump of a time series holds its buckets, not its measurements; read it from the live "
    "server, or export it with mongoexport",
    "gridfs_files": "copied; each document describes a file, whose contents are in the chunks",
    "gridfs_chunks": "copied; the contents of a file are the `data` of its chunks in the order of `n`",
    "system": "not copied, because it belongs to the server",
}
JOURNAL_PREFIX = "crossfade."
"""How the names of a journal's collections begin."""
_BUCKETS = "system.buckets."
_COPIED = ("collection", "capped", "clustered", "gridfs_files", "gridfs_chunks")


class DumpInspector:
    """Lists everything in a dump. Counts are exact, because one pass finds every document."""

    def __init__(self, spools: Spools) -> None:
        self._spools = spools

    def entities(self, named: Sequence[str] = (), *, sized: bool = True) -> Sequence[EntityInfo]:
        origins = self._spools.layout.origins
        names = {origin.name for origin in origins}
        own, entries = journal_in((origin.name for origin in origins if not origin.stated), JOURNAL_PREFIX)
        found = [self._info(origin, names, sized) for origin in origins if origin.name not in own]
        return sorted([*found, *entries], key=lambda info: info.name)

    def altered(self, shapes: Collection[Shape]) -> Mapping[str, Sequence[str]]:
        """Return nothing: only its documents say what they have."""
        return {}

    def doubtful(self, entities: Collection[str]) -> Sequence[Finding]:
        """Return nothing: a dump does not change."""
        return ()

    def place(self) -> tuple[str, tuple[str, ...]]:
        return self._spools.layout.db, (str(self._spools.layout.path.resolve()),)

    def version(self) -> str:
        return self._spools.layout.product

    def _info(self, origin: Origin, names: set[str], sized: bool) -> EntityInfo:
        entity_class = _gridfs_class(origin, names) or _buckets_class(origin, names) or origin.entity_class
        copied = entity_class in _COPIED and origin.file is not None
        plan, count, size, torn = origin.stated or _PLANS[entity_class], 0, 0, ""
        unread = origin.unread or entity_class == "timeseries"
        if entity_class in _COPIED and origin.file is None:
            plan, unread = "the dump holds only its metadata, no documents", True
        elif copied and sized:
            spool = self._spools.spool(origin.name)
            count, size = spool.records, spool.bytes
            plan += _unusual(spool.without_id, len(spool.broken) - len(spool.remainders))
            torn = "; ".join(piece.detail for piece in spool.remainders)
            plan += "; torn: an unknown number of records cannot be read" if torn else ""
        options = origin.metadata.get("options") or None
        indexes = indexes_of(origin.metadata)
        plan += left_behind(indexes, options) if copied else ""
        identity = fingerprint(origin.file) if copied and origin.file is not None else ""
        return EntityInfo(
            origin.name,
            entity_class,
            plan,
            copied,
            count,
            size,
            described_indexes(indexes),
            options,
            torn,
            unread,
            identity,
        )


def _unusual(without_id: int, broken: int) -> str:
    """Describe documents that are damaged or have no `_id`."""
    said = ""
    if without_id:
        said += f'; {without_id:,} without _id, which get {{"#position": n}} (their place in the dump)'
    if broken:
        said += f"; {broken:,} cannot be read and will be quarantined"
    return said


def _gridfs_class(origin: Origin, names: set[str]) -> str | None:
    """Recognize GridFS by its pair of collections."""
    for suffix, other in (("files", "chunks"), ("chunks", "files")):
        stem = origin.name.removesuffix(f".{suffix}")
        if stem != origin.name and f"{stem}.{other}" in names and origin.entity_class == "collection":
            return f"gridfs_{suffix}"
    return None


def _buckets_class(origin: Origin, names: set[str]) -> str | None:
    """Recognize the buckets of a time series whose own metadata the dump lacks."""
    whose = origin.name.removeprefix(_BUCKETS)
    return "timeseries" if whose != origin.name and whose not in names else None


_: type[Inspector] = DumpInspector
