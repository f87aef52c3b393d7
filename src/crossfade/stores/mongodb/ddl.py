"""The schema of a MongoDB target: its collections read back, and the documents that break it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from pymongo.database import Database

from crossfade.errors import Misused, Unreachable
from crossfade.model.described import Described
from crossfade.model.findings import Finding
from crossfade.model.target import ForeignKey, Step, TargetSchema, TargetTable, Unique
from crossfade.stores.contract import Ddl, NumbersBehind, Unsound
from crossfade.stores.mongodb import catalog, violations
from crossfade.stores.mongodb.collection import collection_of
from crossfade.stores.mongodb.errors import speaking
from crossfade.stores.mongodb.journal import PREFIX
from crossfade.stores.mongodb.vanishing import in_target


class MongoDdl:
    """The Ddl of one database."""

    def __init__(self, db: Database[dict[str, Any]], url: str) -> None:
        self._db, self._url = db, url

    def default_schema(self) -> str:
        return ""

    def is_empty(self) -> list[str]:
        with self._asking():
            return [self._described(found["name"]) for found in catalog.collections(self._db)]

    def _described(self, name: str) -> str:
        holds = collection_of(self._db, name).find_one({}, {"_id": 1}) is not None
        return f"{name} ({'with documents' if holds else 'empty'})"

    def has_journal(self) -> bool:
        with self._asking():
            return bool(self._db.list_collection_names(filter={"name": f"{PREFIX}move"}))

    def there_before(self) -> list[tuple[str, str]]:
        """Return nothing: a database has no schemas, extensions or functions."""
        return []

    def scratch_schema(self, statements: str, file: str) -> TargetSchema:
        raise Misused(
            f"MongoDB does not read SQL ({file})", hint='a .prisma file, a .json file of collections, or "live"'
        )

    def live_schema(self) -> TargetSchema:
        with self._asking():
            return catalog.live_schema(self._db)

    def describe(self) -> Described:
        with self._asking():
            return catalog.describe(self._db)

    def describe_made(self, schema: TargetSchema) -> Described:
        return catalog.describe_made(schema)

    def holding_rows(self, relations: Sequence[str]) -> dict[str, bool | None]:
        with self._asking():
            return {name: collection_of(self._db, name).find_one({}, {"_id": 1}) is not None for name in relations}

    def holds_values(self, relation: str, column: str) -> bool:
        with self._asking():
            found = collection_of(self._db, relation).find_one({column: {"$nin": [None]}}, {"_id": 1})
            return found is not None

    def numbers_behind(self, tables: Sequence[TargetTable]) -> list[NumbersBehind]:
        """Return nothing: MongoDB has no sequences."""
        return []

    def unsound(self, tables: Sequence[TargetTable]) -> list[Unsound]:
        """Return the references to missing documents: only the schema knows of references, not the server."""
        with self._asking():
            return [unsound for table in tables for key in table.foreign_keys for unsound in self._missing(table, key)]

    def _missing(self, table: TargetTable, key: ForeignKey) -> Iterator[Unsound]:
        steps = [*violations.missing_references(table, key), {"$count": "n"}]
        for found in collection_of(self._db, table.table).aggregate(steps, allowDiskUse=True):
            fact = f"references of {', '.join(key.columns)} to {key.parent}"
            yield Unsound("collection", table.name, fact, "all found", f"{found['n']:,} not found")

    def duplicates(self, table: TargetTable, unique: Unique) -> Any:
        with self._asking():
            return violations.duplicates(self._db, table, unique)

    def orphans(self, table: TargetTable, key: ForeignKey) -> Any:
        with self._asking():
            return violations.orphans(self._db, table, key)

    def unbuildable(self, table: TargetTable, step: Step) -> Any:
        with self._asking():
            return violations.unbuildable(self._db, table, step)

    def outlive_removed(self) -> None:
        """Do nothing: an index includes only present documents."""

    def advance_sequences(self, tables: Sequence[TargetTable], headroom: int = 0) -> int:
        """Do nothing: MongoDB has no sequences."""
        return 0

    def doubtful(self, schema: TargetSchema, mapped: Collection[str]) -> list[Finding]:
        """Return the collections whose documents expire or are discarded, now or by the schema."""
        things = list(catalog.describe_made(schema).things)
        with suppress(Unreachable), self._asking():  # the checks that need the target report that
            things += catalog.describe(self._db).things
        return list(dict.fromkeys(in_target(things, schema, mapped)))

    @contextmanager
    def _asking(self) -> Iterator[None]:
        with speaking(self._url, "looking at the target's schema"):
            yield


_: type[Ddl] = MongoDdl
