"""A materialized view whose query fails for the rows that were copied: everything else is made, and it is said."""

from __future__ import annotations

import pytest
from tinies import EVE, Tiny

VIEWS = """
CREATE MATERIALIZED VIEW shares AS SELECT id, 100 / (age - 28) AS share FROM people;
CREATE UNIQUE INDEX shares_id ON shares (id);
CREATE MATERIALIZED VIEW best AS SELECT max(share) AS share FROM shares;
CREATE VIEW shown AS SELECT share FROM best;
CREATE MATERIALIZED VIEW names AS SELECT name FROM people;
COMMENT ON MATERIALIZED VIEW shares IS 'of a hundred';
CREATE INDEX people_name"""


@pytest.fixture
def ended(tiny: Tiny) -> Tiny:
    """A run that could not fill the view; Eve is 28."""
    tiny.edit("schema.sql", "CREATE INDEX people_name", VIEWS)
    ended = tiny("run")
    assert ended.status == 1
    assert "the step 'data of materialized view shares' of the schema failed: division by zero" in ended.err
    assert "the step 'data of materialized view best' of the schema failed" in ended.err
    assert "equal and complete: 3 records in the source, 3 copied" in ended.out
    assert "materialized view shares: without data is yes" in ended.out
    return tiny


def filled(tiny: Tiny) -> dict[str, bool]:
    query = "SELECT relname, relispopulated FROM pg_class WHERE relkind = 'm' ORDER BY 1"
    return dict(tiny.postgres.execute(query))


def test_everything_else_is_made(ended: Tiny) -> None:
    assert filled(ended) == {"best": False, "names": True, "shares": False}
    query = "SELECT to_regclass(x) IS NOT NULL FROM unnest(ARRAY['shown', 'shares_id', 'people_name']) x"
    assert ended.postgres.execute(query) == [(True,)] * 3
    assert ended.postgres.execute("SELECT obj_description('shares'::regclass)") == [("of a hundred",)]
    said = ended("status")
    assert (said.status, "the materialized view shares has no data" in said.out) == (1, True)
    copied = ended("copy", "--json")
    assert (copied.status, len(copied.json["faults"])) == (1, 2)
    assert ended("quarantine", "retry").status == 0  # no constraint is missing


def test_it_is_filled_when_the_record_is_corrected(ended: Tiny) -> None:
    ended.mongo.db.people.update_one({"_id": EVE}, {"$set": {"age": 29}})
    assert ended("repair").status == 0
    again = ended("run")
    assert again.status == 0, again.out + again.err
    assert filled(ended) == {"best": True, "names": True, "shares": True}
    assert ended.postgres.execute("SELECT share FROM shown") == [(100,)]


def test_it_is_filled_by_hand(ended: Tiny) -> None:
    ended.postgres.execute("UPDATE people SET age = 29 WHERE age = 28")
    ended.postgres.execute("REFRESH MATERIALIZED VIEW shares; REFRESH MATERIALIZED VIEW best")
    assert ended("status").status == 0


def test_it_is_filled_by_the_next_run_that_follows(ended: Tiny) -> None:
    ended.mongo.db.people.update_one({"_id": EVE}, {"$set": {"age": 29}})
    for _ in range(2):  # the first one corrects the row
        ended("start", "--poll", "--for", "1s")
    assert filled(ended) == {"best": True, "names": True, "shares": True}


def test_a_view_is_filled_again_with_its_table(tiny: Tiny) -> None:
    tiny.edit("schema.sql", "CREATE INDEX people_name", VIEWS.replace("(age - 28)", "age"))
    assert tiny("run").status == 0
    tiny.mongo.db.people.update_one({"_id": EVE}, {"$set": {"age": 10}})
    assert tiny("copy", "--again", "--table", "people").status == 0
    assert tiny.postgres.execute("SELECT share FROM shown") == [(10,)]
    assert tiny("reset", "--yes").status == 0
    assert filled(tiny) == {}
