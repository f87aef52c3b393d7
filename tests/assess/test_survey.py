from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from crossfade.assess.map_rules import rules_of
from crossfade.assess.survey import survey
from crossfade.errors import Misused, Refused, Unreachable
from crossfade.model.events import EntitySurveyed, RecordsScanned
from crossfade.model.shape import format_path
from crossfade.runtime.local import InProcess, Processes
from crossfade.stores.contract import EntityInfo
from crossfade.stores.mongodb.store import open_mongodb
from scratch import MongoScratch


@pytest.fixture
def source(mongo_db: MongoScratch) -> MongoScratch:
    mongo_db.db.users.insert_many([{"_id": n, "age": n if n % 7 else str(n)} for n in range(2000)])
    mongo_db.db.tiny.insert_one({"_id": "x", "none": None})
    mongo_db.db.create_collection("adults", viewOn="users", pipeline=[])
    return mongo_db


def entities(source: MongoScratch) -> list[EntityInfo]:
    with open_mongodb(source.url) as store:
        assert store.inspector is not None
        return list(store.inspector.entities())


def test_every_copied_entity_is_scanned_to_its_end(source: MongoScratch) -> None:
    events: list[object] = []
    shapes = survey(partial(open_mongodb, source.url), entities(source), listener=events.append)
    assert [(shape.entity, shape.count, shape.plan) for shape in shapes] == [
        ("tiny", 1, "copied"),
        ("users", 2000, "copied"),
    ]
    age = shapes[1].root.by_name["age"]
    assert {kind: stats.count for kind, stats in age.types.items()} == {"int": 1714, "string": 286}
    assert sum(event.records for event in events if isinstance(event, RecordsScanned)) == 2001
    surveyed = [(e.entity, e.records, e.bytes, e.problems) for e in events if isinstance(e, EntitySurveyed)]
    assert surveyed == [(s.entity, s.count, s.bytes, s.problems) for s in shapes]


@pytest.mark.parametrize("segment_bytes", [1000, 10**9], ids=["ranges", "whole"])
def test_processes_come_to_the_same_result(source: MongoScratch, segment_bytes: int) -> None:
    opened, found = partial(open_mongodb, source.url), entities(source)
    events: list[object] = []
    with Processes(2) as executor:
        spread = survey(opened, found, executor=executor, listener=events.append, segment_bytes=segment_bytes)
    assert spread == survey(opened, found)
    assert sum(event.records for event in events if isinstance(event, RecordsScanned)) == 2001


def test_named_entities_are_surveyed_though_they_are_not_copied(source: MongoScratch) -> None:
    (shape,) = survey(partial(open_mongodb, source.url), entities(source), named=["adults"])
    assert (shape.entity, shape.entity_class, shape.count) == ("adults", "view", 2000)


def test_a_name_that_is_none_is_wrong_usage(source: MongoScratch) -> None:
    with pytest.raises(Misused, match="no entity 'usres'") as caught:
        survey(partial(open_mongodb, source.url), entities(source), named=["usres"])
    assert "users" in (caught.value.hint or "")


@pytest.mark.parametrize("workers", [0, 2])
def test_an_entity_without_a_shape_is_named_and_the_others_are_surveyed(source: MongoScratch, workers: int) -> None:
    source.db.many.insert_one({f"k{n}": n for n in range(10_001)})
    count = partial(survey, partial(open_mongodb, source.url), entities(source))
    with InProcess(ThreadPoolExecutor(workers or 1), workers or 1) as pool:
        executor = pool if workers else None
        with pytest.raises(Refused, match=r"^many: the objects at \. have more than 10,000"):
            count(executor=executor)
        refused: dict[str, Refused] = {}
        shapes = count(executor=executor, refused=refused)
    assert [shape.entity for shape in shapes] == ["tiny", "users"]
    assert list(refused) == ["many"]


@pytest.mark.parametrize("segment_bytes", [1000, 10**9], ids=["ranges", "whole"])
def test_processes_find_the_same_maps_as_one(source: MongoScratch, segment_bytes: int) -> None:
    source.db.stats.insert_many(
        {"_id": n, "usage": {f"2024-{n % 12 + 1:02}": {"n": n}}, "by": {f"u{n}": 1}, "fixed": {"2024": 1}}
        for n in range(300)
    )
    rules = partial(rules_of, maps=["stats.by"], objects=["*.fixed"])
    opened, found = partial(open_mongodb, source.url), entities(source)
    alone = survey(opened, found, named=["stats"], rules=rules)
    maps = {format_path(path) for path, node in alone[0].root.walk() if node.is_map}
    assert maps == {"usage", "by"}
    with Processes(2) as executor:
        spread = survey(opened, found, named=["stats"], rules=rules, executor=executor, segment_bytes=segment_bytes)
    assert spread == alone


def test_errors_of_crossfade_come_back_from_other_processes(source: MongoScratch) -> None:
    found = entities(source)
    source.db.users.drop()
    with Processes(1) as executor, pytest.raises((Refused, Unreachable), match="no collection 'users'"):
        survey(partial(open_mongodb, source.url), found, named=["users"], executor=executor)
