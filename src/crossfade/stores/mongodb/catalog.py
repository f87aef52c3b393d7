"""The collections and indexes of a database, as flat facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pymongo.database import Database

from crossfade.model.described import Described, Thing, by
from crossfade.model.target import TargetSchema
from crossfade.schema.documents import commands
from crossfade.schema.documents.collections import Collection, schema_of
from crossfade.schema.documents.json_file import collection_of as read_collection
from crossfade.stores.mongodb.collection import collection_of
from crossfade.stores.mongodb.commands import same_text
from crossfade.stores.mongodb.journal import PREFIX

_OWN = ("v", "ns", "background", "key", "name")
_DEFAULTS = {"validationLevel": "strict", "validationAction": "error"}


def describe(db: Database[dict[str, Any]]) -> Described:
    """Describe every collection and view, except the journal's."""
    things: list[Thing] = []
    for found in collections(db):
        name = found["name"]
        things.append(_collection(name, found.get("options", {}), found.get("type", "collection")))
        if found.get("type", "collection") == "collection":
            things += (_index(name, index) for index in indexes(db, name))
    return Described(by("MongoDB"), tuple(things))


def describe_made(schema: TargetSchema) -> Described:
    """Describe a database in which the schema was created; a server is not needed for that."""
    things: list[Thing] = []
    for step in (*schema.pre, *schema.post):
        command = commands.parsed(step.sql)
        if "create" in command:
            options = {name: value for name, value in command.items() if name != "create"}
            things.append(_collection(command["create"], options, "collection"))
        elif "createIndexes" in command:
            things += (_index(command["createIndexes"], index) for index in command["indexes"])
    return Described(by("MongoDB"), tuple(things))


def collections(db: Database[dict[str, Any]]) -> list[Mapping[str, Any]]:
    """Return all collections and views, except the server's and the journal's."""
    found = [c for c in db.list_collections() if not c["name"].startswith(("system.", PREFIX))]
    return sorted(found, key=lambda c: str(c["name"]))


def indexes(db: Database[dict[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    """Yield all indexes, except the one on the key."""
    yield from (dict(index) for index in collection_of(db, name).list_indexes() if index["name"] != "_id_")


def live_schema(db: Database[dict[str, Any]]) -> TargetSchema:
    """Return the collections as they are: their fields by their validators."""
    return schema_of([_live(db, found) for found in collections(db) if found.get("type") == "collection"])


def _live(db: Database[dict[str, Any]], found: Mapping[str, Any]) -> Collection:
    options = dict(found.get("options", {}))
    validator = options.pop("validator", {})
    listed = [{k: v for k, v in index.items() if k not in ("v", "ns")} for index in indexes(db, found["name"])]
    said = {"validator": validator, "indexes": [{**i, "key": dict(i["key"])} for i in listed]}
    return read_collection(found["name"], said)


def _collection(name: str, options: Mapping[str, Any], kind: str) -> Thing:
    facts = {"is": kind}
    for option, value in options.items():
        if option != "idIndex" and _DEFAULTS.get(option) != value:
            facts[option] = same_text(value)
    return Thing("relation", name, "", facts)


def _index(collection: str, index: Mapping[str, Any]) -> Thing:
    facts = {"is": "unique index" if index.get("unique") else "index", "key": same_text(dict(index["key"]))}
    for option, value in index.items():
        if option not in _OWN and value is not False:
            facts[option] = same_text(dict(value) if isinstance(value, Mapping) else value)
    return Thing("index", f"{collection}.{index['name']}", collection, facts)
