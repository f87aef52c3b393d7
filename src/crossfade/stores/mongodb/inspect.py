"""Lists what a MongoDB database holds, each thing with its class and what the move does with it."""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from crossfade.errors import Unreachable
from crossfade.model.findings import Finding
from crossfade.model.patterns import is_pattern
from crossfade.model.shape import Shape
from crossfade.model.urls import hide_password
from crossfade.records.bson.left_behind import described_indexes, left_behind
from crossfade.stores.contract import EntityInfo, Inspector, journal_in
from crossfade.stores.mongodb.collection import collection_of
from crossfade.stores.mongodb.errors import speaking
from crossfade.stores.mongodb.journal import PREFIX
from crossfade.stores.mongodb.listing import list_all, list_authorized
from crossfade.stores.mongodb.vanishing import vanishing

COUNT_MS = 2000  # time limit for counting a view or time series; the number is only for progress bars

PLANS = {
    "collection": "copied",
    "capped": "copied in key order; its limits on size and number of documents are not copied",
    "clustered": "copied as one stream",
    "view": "not copied, because it is computed from {on}; recreate it as a view of the target",
    "timeseries": "copied as one stream of measurements; _id need not be unique, so a key needs more columns",
    "gridfs_files": "copied; each document describes a file, whose contents are in {other}",
    "gridfs_chunks": "copied; the contents of a file are the `data` of its chunks in the order of `n`",
    "system": "not copied, because it belongs to the server",
}
SYSTEM_PLANS = {
    "system.buckets.": "not copied, because it is the internal storage of {rest}, which is copied",
    "system.views": "not copied, because it holds the definitions of the views",
    "system.profile": "not copied, because it is the server's own log of slow operations",
    "system.js": "not copied: functions stored in the server have no counterpart in the target",
    "enxcol_.": "not copied, because it is the server's index of encrypted fields",
}


@dataclass(frozen=True)
class MongoInspector:
    """Lists a database's collections; the role `read` on the database is sufficient."""

    db: Database[dict[str, Any]]
    url: str

    def entities(self, named: Sequence[str] = (), *, sized: bool = True) -> Sequence[EntityInfo]:
        """List everything in the database, sorted by name. Raises Unreachable if the database does not exist, or if
        the login may not list it and the move does not name its entities.
        """
        with speaking(self.url, f"listing what is in {self.db.name}"):
            listed = {str(found["name"]): found for found in self._listed(named)}
            if not listed:
                raise self._not_there()
            pairs = _gridfs(self.db, listed)
            own, entries = journal_in(listed, PREFIX)
            described = [
                self._describe(found, listed, pairs, sized) for name, found in listed.items() if name not in own
            ]
            return sorted([*described, *entries], key=lambda info: info.name)

    def _listed(self, named: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """List what a login with few rights may read, if that is everything asked for. Otherwise collections that it
        cannot see would silently not be copied.
        """
        found = list_all(self.db)
        if found is not None:
            return found
        seen = list_authorized(self.db)
        if named and set(named) <= {one["name"] for one in seen}:
            return [one for one in seen if one["name"] in named]
        raise self._not_allowed(named, sorted(str(one["name"]) for one in seen))

    def _not_allowed(self, named: Sequence[str], seen: Sequence[str]) -> Unreachable:
        unseen = sorted(name for name in set(named) - set(seen) if not is_pattern(name))
        what = f"cannot see {', '.join(unseen)}" if unseen else "may not list the collections of the database"
        listed = ", ".join(f'"{name}"' for name in seen)
        return Unreachable(
            f"this login {what} ({hide_password(self.url)}); nothing was read",
            hint="grant the user the role read on this database"
            + (f", or name in crossfade.toml what it may read: entities = [{listed}]" if seen else ""),
        )

    def altered(self, shapes: Names[Shape]) -> Mapping[str, Sequence[str]]:
        """Return nothing: only its documents say what they have."""
        return {}

    def doubtful(self, entities: Names[str]) -> Sequence[Finding]:
        with speaking(self.url, "looking for what its documents expire by"):
            found = list_all(self.db) or list_authorized(self.db)
            options = {str(one["name"]): dict(one.get("options", {})) for one in found}
            return [
                finding
                for name in sorted(entities)
                for finding in vanishing(name, options.get(name, {}), self._indexes(name))
            ]

    def place(self) -> tuple[str, tuple[str, ...]]:
        """Return the database's name and the members of the replica set by their own names, whatever the URL names."""
        with speaking(self.url, "asking for the server's identity"):
            hello = self.db.client.admin.command("hello")
            if "setName" in hello:
                hosts = [*hello.get("hosts", ()), *hello.get("passives", ())]
                return self.db.name, tuple(sorted(f"{hello['setName']}/{host}" for host in hosts))
            return self.db.name, tuple(sorted(f"{host}:{port}" for host, port in self.db.client.nodes))

    def version(self) -> str:
        with speaking(self.url, "asking for the server's version"):
            info = self.db.client.server_info()
            hello = self.db.client.admin.command("hello")
        kind = f"replica set {hello['setName']}" if "setName" in hello else "standalone"
        kind = "sharded cluster" if hello.get("msg") == "isdbgrid" else kind
        return f"MongoDB {info['version']} ({kind})"

    def _describe(
        self, found: Mapping[str, Any], names: Names[str], pairs: Mapping[str, str], sized: bool
    ) -> EntityInfo:
        name, options = str(found["name"]), dict(found.get("options", {}))
        kind = entity_class(found, pairs)
        info = EntityInfo(
            name,
            kind,
            _plan(name, kind, options, names),
            kind not in ("view", "system"),
            0,
            0,
            options=options,
            identity=_identity(found),
        )
        if not info.copied:
            return info
        if not sized:
            return replace(info, count=self._count_alone(name, kind))
        count, size = self._size(name, kind)
        indexes = self._indexes(name)
        plan = info.plan + left_behind(indexes, options)
        return replace(info, plan=plan, count=count, bytes=size, indexes=described_indexes(indexes))

    def _size(self, name: str, kind: str) -> tuple[int, int]:
        """Return the source's own estimates; 0 where it has none or does not give them."""
        try:
            (stats,) = self._collection(name).aggregate([{"$collStats": {"storageStats": {"scale": 1}}}])
            storage = stats["storageStats"]
            count = storage.get("count")
            if kind == "timeseries" or count is None:
                count = self._collection(name).count_documents({}, maxTimeMS=COUNT_MS)
            return int(count), int(storage["size"])
        except (OperationFailure, KeyError, ValueError):  # ValueError: mongos returns one result per shard
            return self._count_alone(name, kind), 0

    def _count_alone(self, name: str, kind: str) -> int:
        try:
            return 0 if kind == "timeseries" else self._collection(name).estimated_document_count(maxTimeMS=COUNT_MS)
        except OperationFailure:
            return 0

    def _collection(self, name: str) -> Collection[dict[str, Any]]:
        return collection_of(self.db, name)

    def _indexes(self, name: str) -> tuple[Mapping[str, Any], ...]:
        try:
            return tuple(_plain(index) for index in self.db.command("listIndexes", name)["cursor"]["firstBatch"])
        except OperationFailure:
            return ()

    def _not_there(self) -> Unreachable:
        try:
            there = self.db.client.list_database_names()
        except PyMongoError:
            there = []
        others = ", ".join(name for name in sorted(there) if name not in ("admin", "config", "local"))
        return Unreachable(
            f"the database {self.db.name!r} does not exist or is empty ({hide_password(self.url)}); nothing was read",
            hint=f"databases on this server: {others}" if others else "check the name at the end of the URL",
        )


def entity_class(found: Mapping[str, Any], gridfs: Mapping[str, str]) -> str:
    """Return the class of one result of listCollections."""
    name, options = str(found["name"]), found.get("options", {})
    if name.startswith(("system.", "enxcol_.")):
        return "system"
    if found.get("type") in ("view", "timeseries"):
        return str(found["type"])
    if name in gridfs:
        return gridfs[name]
    if options.get("clusteredIndex"):
        return "clustered"
    return "capped" if options.get("capped") else "collection"


def _identity(found: Mapping[str, Any]) -> str:
    """Return the UUID of the collection; views and time series have none."""
    uuid = found.get("info", {}).get("uuid")
    return "" if uuid is None else bytes(uuid).hex()


def _plan(name: str, kind: str, options: Mapping[str, Any], names: Names[str]) -> str:
    plan = PLANS[kind].format(on=options.get("viewOn", ""), other=name.removesuffix(".files") + ".chunks")
    if kind == "system":
        for prefix, words in SYSTEM_PLANS.items():
            if name.startswith(prefix):
                return words.format(rest=name.removeprefix(prefix))
    if _is_encrypted(options):
        plan += "; the ciphertext of its encrypted fields is copied unchanged"
    if kind == "timeseries" and options.get("expireAfterSeconds") is not None:
        plan += "; expiry of old measurements is not copied"
    return plan


def _is_encrypted(options: Mapping[str, Any]) -> bool:
    """Return whether fields are encrypted: stated for Queryable Encryption, otherwise taken from the validator."""
    return "encryptedFields" in options or _mentions(options.get("validator"), "encrypt")


def _mentions(value: Any, name: str) -> bool:
    if isinstance(value, Mapping):
        return name in value or any(_mentions(part, name) for part in value.values())
    return isinstance(value, list) and any(_mentions(part, name) for part in value)


def _gridfs(db: Database[dict[str, Any]], names: Iterable[str]) -> Mapping[str, str]:
    """Return the collections that belong to GridFS buckets, each with its class."""
    known = set(names)
    buckets = [name.removesuffix(".files") for name in known if name.endswith(".files")]
    pairs: dict[str, str] = {}
    for bucket in buckets:
        if f"{bucket}.chunks" in known and _looks_like_gridfs(db, bucket):
            pairs |= {f"{bucket}.files": "gridfs_files", f"{bucket}.chunks": "gridfs_chunks"}
    return pairs


def _looks_like_gridfs(db: Database[dict[str, Any]], bucket: str) -> bool:
    """Return whether two collections are a bucket: by a document's fields in each; if empty, by their names."""
    file = collection_of(db, f"{bucket}.files").find_one({}, {"length": 1, "chunkSize": 1})
    chunk = collection_of(db, f"{bucket}.chunks").find_one({}, {"files_id": 1, "n": 1})
    return (file is None or {"length", "chunkSize"} <= set(file)) and (chunk is None or {"files_id", "n"} <= set(chunk))


def _plain(value: Any) -> Any:
    """Convert SON to dicts, in the same order."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


_: type[Inspector] = MongoInspector
