"""Values of a unique index of MongoDB that pass from one record to another while changes are applied."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymongo
import pytest
from bson import Decimal128, Int64, ObjectId

import in_memory
from crossfade.journal.dirty import Dirty
from crossfade.move import Move
from crossfade.pipeline import refusing
from crossfade.pipeline.apply_keys import Applied, apply_keys
from crossfade.project import load_project
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.runtime.session import session
from crossfade.stores.memory.database import forget
from crossfade.testing import as_user, with_database
from outcome import counts_of
from scratch import MongoScratch

SETTINGS = (
    'name = "passed"\nsource.url = "{}"\ntarget.url = "{}"\ntarget.schema = "schema.json"\nlimits.quarantine = 1.0'
)
PATTERN = {"bsonType": "string", "pattern": "^e"}
PARTIAL = {"partialFilterExpression": {"v": {"$exists": True}}}
PASSED = {0: 1, 1: 2, 2: 0, 4: 4, 5: 3}
"""Record -> whose value it has in the end: three in a circle, one of a record that goes, one that stays."""
KINDS: Mapping[str, tuple[dict[str, Any], list[Any]]] = {
    "string": ({"bsonType": "string"}, ["a", "b", "c", "d", "e"]),
    "text that the validator looks at": (PATTERN, ["e0", "e1", "e2", "e3", "e4"]),
    "int": ({"bsonType": "int", "minimum": 0}, [0, 1, 2, 3, 4]),
    "long": ({"bsonType": "long"}, [Int64(2**40 + n) for n in range(5)]),
    "double": ({"bsonType": "double"}, [n + 0.5 for n in range(5)]),
    "decimal": ({"bsonType": "decimal"}, [Decimal128(f"{n}.10") for n in range(5)]),
    "objectId": ({"bsonType": "objectId"}, [ObjectId(f"{n:024x}") for n in range(5)]),
    "binData": ({"bsonType": "binData"}, [bytes([n]) for n in range(5)]),
}


@dataclass
class World:
    source: str
    move: Move
    values: list[Any]

    def pass_on(self) -> Applied:
        """Let the records have each other's values, and apply that."""
        changed = [{"_id": of, "v": self.values[whose]} for of, whose in PASSED.items()]
        in_memory.held(self.source).put("things", *map(to_bson, changed))
        in_memory.held(self.source).remove("things", key(3))
        return apply_keys(session(self.move.context.work), [Dirty("things", key(of)) for of in range(6)])


@contextmanager
def world(folder: Path, target: str, field: dict[str, Any], values: list[Any], **index: Any) -> Iterator[World]:
    """A move that has copied five records, each with a value of its own."""
    source = f"memory://{secrets.token_hex(6)}"
    required = ["_id"] if index else ["_id", "v"]
    properties = {"_id": {"bsonType": "int"}, "v": field}
    validator = {"$jsonSchema": {"required": required, "additionalProperties": False, "properties": properties}}
    collection = {"validator": validator, "indexes": [{"key": {"v": 1}, "unique": True, **index}]}
    (folder / "mapping").mkdir()
    (folder / "mapping" / "things.sql").write_text("SELECT t._id AS _id, t.v AS v FROM things AS t")
    (folder / "schema.json").write_text(json.dumps({"collections": {"things": collection}}))
    (folder / "crossfade.toml").write_text(SETTINGS.format(source, target))
    in_memory.fill(source, "things", [{"_id": of, "v": value} for of, value in enumerate(values)])
    with Move(load_project(folder)) as move:
        move.survey()
        move.copy()
        yield World(source, move, values)
    forget(source)


def key(of: int) -> str:
    found = BSON.key(to_bson({"_id": of}))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "index"), [*((kind, {}) for kind in KINDS), pytest.param("string", PARTIAL, id="partial index")]
)
def test_nobody_is_refused_for_a_value_that_its_holder_gives_up(
    mongo_db: MongoScratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, index: dict[str, Any]
) -> None:
    def searched(_: Any) -> None:
        raise AssertionError("the target refuses something")

    monkeypatch.setattr(refusing.Search, "search", searched)
    field, values = KINDS[kind]
    with world(tmp_path, mongo_db.url, field, values, **index) as there:
        applied = there.pass_on()
        assert (applied.reasons, counts_of(there.move.status())["things"][2]) == ({}, 0)
        assert there.move.verify().equal
    assert {d["_id"]: d["v"] for d in mongo_db.db.things.find()} == {of: values[w] for of, w in PASSED.items()}


def test_a_login_that_cannot_pass_the_validator_passes_values_that_it_accepts(guarded: str, tmp_path: Path) -> None:
    field, values = KINDS["string"]
    with world(tmp_path, guarded, field, values) as there:
        there.pass_on()
        assert counts_of(there.move.status())["things"][2] == 0
        assert there.move.verify().equal


def test_a_spare_value_that_the_validator_refuses_is_no_reason(guarded: str, tmp_path: Path) -> None:
    with world(tmp_path, guarded, *KINDS["text that the validator looks at"]) as there:
        there.pass_on()
        reasons = {group.reason for group in there.move.quarantine()}
    assert reasons == {"unique"}


def test_without_transactions_no_spare_value_is_left(standalone_db: str, tmp_path: Path) -> None:
    field, values = {"bsonType": "long", "maximum": 9}, [Int64(n) for n in range(5)]
    with world(tmp_path, standalone_db, field, values) as there:
        there.values[1] = Int64(10)
        there.pass_on()
        assert counts_of(there.move.status())["things"][2] > 0
    with pymongo.MongoClient[dict[str, Any]](standalone_db) as client:
        assert {d["v"] for d in client.get_default_database().things.find()} <= set(range(5))


@pytest.fixture
def guarded(owned_url: str) -> Iterator[str]:
    """A database whose login may read and write, and not pass validators."""
    name = f"passed_{secrets.token_hex(4)}"
    with pymongo.MongoClient[dict[str, Any]](owned_url) as owner:
        owner.admin.command("createUser", name, pwd="secret", roles=[{"role": "readWrite", "db": name}])
        yield as_user(with_database(owned_url, name), name, "secret")
        owner.drop_database(name)
