"""Records that a MongoDB target names in its refusal are not searched for: each try repeats the whole transaction."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import pytest

import in_memory
from crossfade.journal import dirty
from crossfade.journal.dirty import Dirty
from crossfade.move import Move
from crossfade.pipeline import refusing, writing
from crossfade.pipeline.apply_keys import apply_keys
from crossfade.project import load_project
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.runtime.session import session
from crossfade.stores.memory.database import forget
from outcome import counts_of
from scratch import MongoScratch

FIELDS = {"_id": {"bsonType": "int"}, "n": {"bsonType": "int", "maximum": 99}}
VALIDATOR = {"$jsonSchema": {"required": ["_id", "n"], "additionalProperties": False, "properties": FIELDS}}
SETTINGS = (
    'name = "named"\nsource.url = "{}"\ntarget.url = "{}"\ntarget.schema = "schema.json"\nlimits.quarantine = 1.0'
)


def test_refused_updates_and_inserts_take_a_few_tries(
    mongo_db: MongoScratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = f"memory://{secrets.token_hex(6)}"
    (tmp_path / "mapping").mkdir()
    (tmp_path / "mapping" / "things.sql").write_text("SELECT t._id AS _id, t.n AS n FROM things AS t")
    (tmp_path / "schema.json").write_text(json.dumps({"collections": {"things": {"validator": VALIDATOR}}}))
    (tmp_path / "crossfade.toml").write_text(SETTINGS.format(source, mongo_db.url))
    in_memory.fill(source, "things", [{"_id": of, "n": 1} for of in range(40)])
    tries = []

    def counted(*given: Any) -> Any:
        tries.append(1)
        return writing.attempt(*given)

    monkeypatch.setattr(refusing, "attempt", counted)
    with Move(load_project(tmp_path)) as move:
        move.survey()
        move.copy()
        wanted = {of: 100 + of if of % 3 == 0 else 2 for of in range(80)}
        in_memory.held(source).put("things", *(to_bson({"_id": of, "n": n}) for of, n in wanted.items()))
        s = session(move.context.work)
        with s.transaction() as tx:
            claims: list[Dirty] = dirty.put(tx, "things", [_key(of) for of in wanted])
        apply_keys(s, claims)
        refused = counts_of(move.status())["things"][2]
    assert {d["_id"]: d["n"] for d in mongo_db.db.things.find()} == {of: n for of, n in wanted.items() if n < 100}
    assert refused == sum(n >= 100 for n in wanted.values())
    assert 0 < len(tries) <= 4
    forget(source)


def _key(of: int) -> str:
    key = BSON.key(to_bson({"_id": of}))
    assert key is not None
    return key
