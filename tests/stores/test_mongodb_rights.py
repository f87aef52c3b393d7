"""Logins that may read some collections and nothing else."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pymongo
import pytest

from crossfade.assess.survey import survey
from crossfade.errors import Unreachable
from crossfade.move import Move
from crossfade.project import load_project
from crossfade.records.bson.decode import decode
from crossfade.stores.mongodb.store import open_mongodb
from crossfade.testing import as_user, mongodb, with_database

Grants = Mapping[str, Sequence[str]]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that asks for logins, as its owner, with some collections in the database `app`."""
    with mongodb(tmp_path_factory.mktemp("rights"), auth=True) as url:
        with pymongo.MongoClient[dict[str, Any]](url) as owner:
            owner.app.users.insert_many([{"_id": n} for n in range(50)])
            owner.app.secrets.insert_one({"_id": 1})
            owner.app.create_collection("clustered", clusteredIndex={"key": {"_id": 1}, "unique": True})
            owner.app.clustered.insert_many([{"_id": n} for n in range(5)])
            owner.app.create_collection("few", viewOn="users", pipeline=[{"$match": {"_id": {"$lt": 3}}}])
        yield url


def login(server: str, grants: Grants) -> str:
    """The URL of a user who may do just that with these collections of `app`."""
    name = "u" + secrets.token_hex(4)
    privileges = [
        {"resource": {"db": "app", "collection": collection}, "actions": list(actions)}
        for collection, actions in grants.items()
    ]
    with pymongo.MongoClient[dict[str, Any]](server) as owner:
        owner.admin.command("createRole", name, privileges=privileges, roles=[])
        owner.admin.command("createUser", name, pwd="secret", roles=[name])
    return as_user(with_database(server, "app"), name, "secret")


@pytest.mark.parametrize("entity", ["users", "clustered", "few"])
def test_the_right_to_find_in_what_the_move_names_is_enough(guarded: str, entity: str) -> None:
    url = login(guarded, {entity: ["find"]})
    expected = {"users": 50, "clustered": 5, "few": 3}[entity]
    with open_mongodb(url) as store:
        assert store.inspector is not None
        assert store.reader is not None
        found = store.inspector.entities([entity])
        assert [info.name for info in found] == [entity]
        chunks = list(store.reader.chunks(entity, target_bytes=10_000))
        assert len(chunks) == (1 if entity != "users" else len(chunks))
        keys = [doc["_id"] for c in chunks for raw in store.reader.raw(c) for doc in decode(raw).docs]
    assert sorted(keys) == list(range(expected))
    (shape,) = survey(partial(open_mongodb, url), found, named=[entity])
    assert shape.count == expected


def test_a_login_that_sees_only_a_part_has_to_be_told_what_is_wanted(guarded: str) -> None:
    with open_mongodb(login(guarded, {"users": ["find"]})) as store:
        assert store.inspector is not None
        with pytest.raises(Unreachable, match="may not list") as caught:
            store.inspector.entities()
        assert 'entities = ["users"]' in (caught.value.hint or "")
        with pytest.raises(Unreachable, match="cannot see secrets"):
            store.inspector.entities(["users", "secrets"])


SETTINGS = """
name = "p"
entities = ["users"]
source.url = "${SOURCE}"
target.url = "sqlite:///%s/t.db"
target.schema = "schema.sql"
"""


def test_a_check_says_which_right_it_lacks(guarded: str, tmp_path: Path) -> None:
    """The mappings are checked by the lock file; the note on the source has the way on."""
    (tmp_path / "crossfade.toml").write_text(SETTINGS % tmp_path)
    (tmp_path / "schema.sql").write_text("CREATE TABLE users (id integer PRIMARY KEY);")
    (tmp_path / "mapping").mkdir()
    (tmp_path / "mapping" / "users.sql").write_text("SELECT u._id AS id FROM users AS u")
    with Move(load_project(tmp_path, {"SOURCE": login(guarded, {"users": ["find"]})})) as move:
        move.survey()
        assert move.check() == []
    with Move(load_project(tmp_path, {"SOURCE": login(guarded, {"few": ["find"]})})) as move:
        (note,) = move.check()
    assert (note.severity, note.kind) == ("note", "source_not_seen")
    assert "cannot see users" in note.message
    assert "grant the user the role read" in (note.hint or "")


def test_a_url_without_a_user_is_told_so(guarded: str) -> None:
    """Rights are no matter of it: nobody has logged in."""
    nobody = re.sub("//[^@]*@", "//", with_database(guarded, "app"))
    with open_mongodb(nobody) as store:
        assert store.inspector is not None
        with pytest.raises(Unreachable, match="MongoDB requires a login, and the URL has no user") as caught:
            store.inspector.entities()
    assert "mongodb://user:password@host" in (caught.value.hint or "")
    assert "grant" not in (caught.value.hint or "")
