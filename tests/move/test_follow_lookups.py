"""Records that mappings look up change: the records that look them up are applied again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId

import shop
from crossfade.journal import used
from crossfade.model.events import RecordsApplied
from crossfade.model.positions import Floor
from crossfade.move import Move
from crossfade.pipeline import follow, pulse
from crossfade.pipeline.retry import RetryMode, put_in
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.runtime.session import close_sessions, session
from following import running, state, wait_for
from in_memory import fill, held, rows
from outcome import open_move

SCHEMA = """
CREATE TABLE posts (id uuid PRIMARY KEY, author text, country text, comments integer NOT NULL, kind text);
"""
MAPPING = {
    "posts": """
        SELECT uuid_of(p._id) AS id, min(u.name) AS author, min(c.name) AS country, count(m._id) AS comments,
               min(k.label) AS kind
        FROM posts AS p LEFT JOIN users AS u ON u._id = p.author LEFT JOIN countries AS c ON c.code = u.country
             LEFT JOIN comments AS m ON m.post = p._id LEFT JOIN kinds AS k ON k._id = lower(p.kind)
        GROUP BY p._id
    """
}
SEEN = ("users", "countries", "comments", "kinds")
DISCARDS = "".join(f'[[discard]]\nentity = "{entity}"\nreason = "looked up"\n' for entity in SEEN) + "".join(
    f'[[discard]]\nentity = "posts"\npath = "{path}"\nreason = "looked up by"\n' for path in ("author", "kind")
)


def oid(n: int) -> ObjectId:
    return ObjectId(f"{n:024x}")


def key(of: Any) -> str:
    found = BSON.key(to_bson({"_id": of}))
    assert found is not None
    return found


class Blog:
    def __init__(self, folder: Path, source: str, target: str) -> None:
        self.folder, self.source, self.target = folder, source, target

    def move(self) -> Move:
        return open_move(self.folder, self.source, self.target)

    def put(self, entity: str, **document: Any) -> None:
        held(self.source).put(entity, to_bson(document))

    def remove(self, entity: str, id_: Any) -> None:
        held(self.source).remove(entity, key(id_))

    def posts(self) -> list[tuple[Any, ...]]:
        return [row[1:] for row in rows(self.target, "posts")]


@pytest.fixture
def blog(tmp_path: Path, new_memory: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> Blog:
    monkeypatch.setattr(pulse, "SECONDS", 0.1)
    monkeypatch.setattr(follow, "IDLE", 0.1)
    return a_blog(tmp_path, new_memory, SCHEMA)


def a_blog(folder: Path, new_memory: Callable[[], str], schema: str) -> Blog:
    made = Blog(shop.small_project(folder / "p", schema, MAPPING), new_memory(), new_memory())
    settings = made.folder / "crossfade.toml"
    settings.write_text(settings.read_text() + DISCARDS)
    fill(made.source, "countries", [{"_id": oid(50), "code": "at", "name": "Austria"}])
    fill(made.source, "users", [{"_id": oid(10), "name": "Ann", "country": "at"}])
    fill(made.source, "posts", [{"_id": oid(n), "author": oid(10), "kind": "News"} for n in (1, 2)])
    fill(made.source, "comments", [{"_id": oid(20), "post": oid(1)}, {"_id": oid(21), "post": oid(1)}])
    fill(made.source, "kinds", [{"_id": "news", "label": "N"}])
    with made.move() as move:
        move.survey()
    return made


def test_a_record_looked_up_by_its_key(blog: Blog) -> None:
    with running(blog.move):
        blog.put("users", _id=oid(10), name="Eve", country="at")
        wait_for(lambda: [post[0] for post in blog.posts()] == ["Eve", "Eve"])
        blog.remove("users", oid(10))
        wait_for(lambda: [post[0] for post in blog.posts()] == [None, None])


def test_one_that_is_looked_up_through_another(blog: Blog) -> None:
    with running(blog.move):
        blog.put("countries", _id=oid(50), code="at", name="Oesterreich")
        wait_for(lambda: [post[1] for post in blog.posts()] == ["Oesterreich", "Oesterreich"])
        blog.put("countries", _id=oid(50), code="ch", name="Suisse")  # what it was joined by before is in the journal
        wait_for(lambda: [post[1] for post in blog.posts()] == [None, None])


def test_one_that_names_its_root_and_leaves_it_for_another(blog: Blog) -> None:
    with running(blog.move):
        assert [post[2] for post in blog.posts()] == [2, 0]
        blog.put("comments", _id=oid(20), post=oid(2))
        wait_for(lambda: [post[2] for post in blog.posts()] == [1, 1])
        blog.put("comments", _id=oid(20), post=oid(1))
        wait_for(lambda: [post[2] for post in blog.posts()] == [2, 0])
        blog.remove("comments", oid(21))
        wait_for(lambda: [post[2] for post in blog.posts()] == [1, 0])


def test_one_that_is_joined_by_an_expression(blog: Blog) -> None:
    with running(blog.move):
        blog.put("kinds", _id="news", label="M")
        wait_for(lambda: [post[3] for post in blog.posts()] == ["M", "M"])


def test_what_a_record_looks_up_that_is_retried_is_noted(tmp_path: Path, new_memory: Callable[[], str]) -> None:
    """A comment may come and go before the follower begins: only the note says that a post has counted it."""
    made = a_blog(tmp_path, new_memory, SCHEMA.replace("author text", "author text NOT NULL"))
    made.remove("users", oid(10))
    with made.move() as move:
        move.copy()
        ids = [entry.id for entry in move.quarantine()]
        made.put("users", _id=oid(10), name="Ann", country="at")
        made.put("comments", _id=oid(22), post=oid(2))
        work = replace(move.context.work, token="followed", floor=Floor())
        assert [one.outcome for one in put_in(work, "posts", ids, RetryMode.AGAIN)] == ["copied", "copied"]
        with session(work).transaction() as tx:
            noted = used.values(tx, "comments", "post", [key(oid(22))])
        close_sessions(work.token)
    assert noted == {key(oid(2))}


CIRCLE = {
    "teams": "SELECT t._id AS id, t.name AS name, count(p._id) AS members"
    " FROM teams AS t LEFT JOIN people AS p ON p.team = t._id GROUP BY t._id",
    "people": "SELECT p._id AS id, p.team AS team, t.name AS team_name"
    " FROM people AS p LEFT JOIN teams AS t ON t._id = p.team",
}
TABLES = """
CREATE TABLE teams (id int PRIMARY KEY, name text NOT NULL, members bigint NOT NULL);
CREATE TABLE people (id int PRIMARY KEY, team int NOT NULL, team_name text);
"""


def test_entities_that_look_each_other_up_come_to_rest(
    tmp_path: Path, new_memory: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "SECONDS", 0.1)
    monkeypatch.setattr(follow, "IDLE", 0.1)
    club = Blog(shop.small_project(tmp_path / "p", TABLES, CIRCLE), new_memory(), new_memory())
    fill(club.source, "teams", [{"_id": 1, "name": "a"}, {"_id": 2, "name": "b"}])
    fill(club.source, "people", [{"_id": n, "team": 1} for n in (10, 11)])
    with club.move() as move:
        move.survey()
    with running(club.move) as run:
        club.put("people", _id=10, team=2)
        club.put("teams", _id=1, name="other")
        wait_for(lambda: rows(club.target, "teams") == [(1, "other", 1), (2, "b", 1)])
        wait_for(lambda: rows(club.target, "people") == [(10, 2, "b"), (11, 1, "other")])
        wait_for(lambda: (found := state(club.move)) is not None and not found.moving)
    assert sum(event.records for event in run.events if isinstance(event, RecordsApplied)) < 20
