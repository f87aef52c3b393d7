"""A thread reads the schema of a new move while the source is examined."""

from __future__ import annotations

from pathlib import Path

import pytest

import shop
from crossfade.errors import SchemaFault
from outcome import Outcome, Shop, finish, open_move
from scratch import MongoScratch, PostgresScratch

MODELS = """
import threading
from sqlalchemy import Column, MetaData, Table, Text

assert threading.current_thread() is threading.main_thread()
metadata = MetaData()
Table("pets", metadata, Column("name", Text, primary_key=True))
"""


def test_a_schema_that_was_fixed_is_read_again(shop_copy: Shop, undisturbed: Outcome, pg_db: PostgresScratch) -> None:
    file = shop_copy.folder / "schema.sql"
    whole = file.read_text()
    file.write_text(whole.replace("name text NOT NULL", "name txet NOT NULL"))
    with open_move(shop_copy.folder, shop_copy.source, pg_db.url) as move:
        with pytest.raises(SchemaFault, match="txet"):
            move.copy()
        file.write_text(whole)
        assert not [f for f in move.check() if f.severity == "fault"]
    finish(shop_copy, pg_db.url, undisturbed)


def test_a_user_s_own_module_is_loaded_by_the_main_thread(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path
) -> None:
    mongo_db.db.pets.insert_one({"_id": 1, "name": "Rex"})
    more = '\n[[discard]]\nentity = "pets"\npath = "_id"\nreason = "a pet is known by its name"\n'
    folder = shop.small_project(tmp_path / "pets", "", {"pets": "SELECT p.name AS name FROM pets AS p"}, more=more)
    (folder / "pet_models.py").write_text(MODELS)
    settings = folder / "crossfade.toml"
    settings.write_text(settings.read_text().replace('"schema.sql"', '"pet_models:metadata"'))
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        assert move.copy().rows == {"pets": 1}
