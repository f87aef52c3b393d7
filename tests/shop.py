"""A small shop with everything that makes a copy difficult: the data that every test here moves.

teams <- users (self references, tags) <- posts (comments) <- likes, and `handles`, which teams and users share.
Orphans make orphans: a team that has no owner leaves, then its users, then their posts, then the likes of these.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bson import ObjectId, encode

SCHEMA = """
CREATE TABLE teams (
    id uuid PRIMARY KEY, name text NOT NULL, slug text NOT NULL UNIQUE, parent_id uuid REFERENCES teams (id)
);
CREATE TABLE users (
    id uuid PRIMARY KEY, email text NOT NULL, age int CHECK (age < 150), team_id uuid NOT NULL REFERENCES teams (id),
    invited_by uuid REFERENCES users (id) ON DELETE CASCADE, badge int, badge_area int, nick text, code text,
    active boolean NOT NULL,
    UNIQUE NULLS NOT DISTINCT (badge, badge_area)
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));
CREATE UNIQUE INDEX users_code_of_the_active ON users (code) WHERE active;
CREATE INDEX users_team_idx ON users (team_id);
CREATE TABLE user_tags (
    user_id uuid REFERENCES users (id) ON DELETE CASCADE, tag text, PRIMARY KEY (user_id, tag)
);
CREATE TABLE posts (
    id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE, number int NOT NULL,
    title varchar(40) NOT NULL, UNIQUE (user_id, number)
);
CREATE TABLE comments (
    id uuid PRIMARY KEY, post_id uuid NOT NULL REFERENCES posts (id) ON DELETE CASCADE, place bigint NOT NULL,
    by_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE, body text NOT NULL, UNIQUE (post_id, place)
);
CREATE TABLE likes (
    user_id uuid, number int, by_id uuid NOT NULL REFERENCES users (id), PRIMARY KEY (user_id, number, by_id),
    FOREIGN KEY (user_id, number) REFERENCES posts (user_id, number)
);
CREATE TABLE handles (handle text PRIMARY KEY, holder uuid NOT NULL UNIQUE);
"""

MAPPING = {
    "teams": """
        SELECT uuid_of(t._id) AS id, t.name AS name, t.slug AS slug, uuid_of(t.parent) AS parent_id FROM teams AS t""",
    "users": """
        SELECT uuid_of(u._id) AS id, u.email AS email, as_int(u.age) AS age, uuid_of(u.team) AS team_id,
               uuid_of(u.invitedBy) AS invited_by, u.badge AS badge, u.area AS badge_area, u.nick AS nick,
               u.code AS code, u.active AS active
        FROM users AS u""",
    "user_tags": """
        SELECT uuid_of(u._id) AS user_id, g.tag AS tag FROM users AS u, unnest(u.tags) AS g(tag)""",
    "posts": """
        SELECT uuid_of(p._id) AS id, uuid_of(p.author) AS user_id, p.number AS number, p.title AS title
        FROM posts AS p""",
    "comments": """
        SELECT uuid_of(p._id, 'comments', c.place) AS id, uuid_of(p._id) AS post_id, c.place AS place,
               uuid_of(c.comment."by") AS by_id, c.comment.body AS body
        FROM posts AS p, unnest(p.comments) WITH ORDINALITY AS c(comment, place)""",
    "likes": """
        SELECT uuid_of(l.author) AS user_id, l.number AS number, uuid_of(l."by") AS by_id FROM likes AS l""",
    "handles": """
        SELECT lower(u.nick) AS handle, uuid_of(u._id) AS holder FROM users AS u
        UNION ALL
        SELECT t.slug AS handle, uuid_of(t._id) AS holder FROM teams AS t""",
}

SETTINGS = """
name = "shop"
source.url = "${SOURCE_URL}"
target.url = "${TARGET_URL}"
target.schema = "schema.sql"
limits.quarantine = 1.0
limits.chunk_mb = %s

[[discard]]
entity = "posts"
where = "p.title = 'draft'"
alias = "p"
reason = "drafts are not carried over"

[[discard]]
entity = "likes"
path = "_id"
reason = "a like is known by who likes what"
"""

SMALL = """
name = "small"
source.url = "${SOURCE_URL}"
target.url = "${TARGET_URL}"
target.schema = "%s"
limits.quarantine = 1.0
limits.chunk_mb = %s
"""


def small_project(
    folder: Path, schema: str, mapping: dict[str, str], *, chunk_mb: float = 1, more: str = "", live: bool = False
) -> Path:
    """Any other move on disk, without its source.lock.json."""
    (folder / "mapping").mkdir(parents=True)
    (folder / "crossfade.toml").write_text(SMALL % ("live" if live else "schema.sql", chunk_mb) + more)
    (folder / "schema.sql").write_text(schema)
    for table, sql in mapping.items():
        (folder / "mapping" / f"{table}.sql").write_text(sql + "\n")
    return folder


Documents = dict[str, list[dict[str, Any]]]


def project(folder: Path, *, chunk_mb: float = 0.004) -> Path:
    """The shop's move on disk, without its source.lock.json."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "mapping").mkdir(parents=True)
    (folder / "crossfade.toml").write_text(SETTINGS % chunk_mb)
    (folder / "schema.sql").write_text(SCHEMA)
    for table, sql in MAPPING.items():
        (folder / "mapping" / f"{table}.sql").write_text(sql.strip() + "\n")
    return folder


def oid(kind: int, number: int) -> ObjectId:
    """The same on every run; mixed, so that neighbours in one collection are none in another."""
    return ObjectId(f"{kind:02x}{(number * 7919) % 65521:08x}{number:014x}")


def documents(users: int = 120) -> Documents:
    """All collections, with planted mess of every kind in about every fifth record."""
    teams = [_team(i) for i in range(max(8, users // 4))]
    people = [_user(i, len(teams)) for i in range(users)]
    posts = [_post(i, users) for i in range(users * 2)]
    likes = [_like(i, users) for i in range(users * 2)]
    return {"teams": teams, "users": people, "posts": posts, "likes": likes}


def _team(i: int) -> dict[str, Any]:
    parent = oid(1, i - 1) if i % 4 else None
    if i % 13 == 6:
        parent = oid(1, 10_000 + i)  # nobody: this one leaves, and those under it, and all their users
    return {"_id": oid(1, i), "name": f"Team {i}", "slug": f"team-{i - i % 7 // 6}", "parent": parent}


def _user(i: int, teams: int) -> dict[str, Any]:
    return {
        "_id": oid(2, i),
        "email": f"User{i}@example.org" if i % 11 else f"USER{i - 1}@Example.org",
        "age": [i % 90, i % 90, i % 90, "unknown", 200][0 if i % 13 else 3 + i % 2],
        "team": oid(1, i % teams if i % 17 else 50_000),
        "invitedBy": oid(2, i - 1) if i % 3 == 2 else None,
        "badge": i // 2 if i % 19 == 0 else i * 3,
        "area": None if i % 19 < 2 else 1,
        "nick": f"Nick{i}" if i % 23 else f"team-{i % teams}",
        "code": f"c{i // 2}" if i % 7 == 0 or i % 7 == 1 else f"d{i}",
        "active": i % 4 != 0,
        "tags": ["a", "b", "a"] if i % 29 == 5 else [f"t{i % 5}", "x"][: i % 3],
    }


def _post(i: int, users: int) -> dict[str, Any]:
    title = "draft" if i % 31 == 7 else ("x" * 60 if i % 37 == 3 else f"Post {i}")
    return {
        "_id": oid(3, i),
        "author": oid(2, i // 2 if i % 41 else 90_000),
        "number": i % 2 if i % 43 else 1,
        "title": title,
        "comments": [
            {"by": oid(2, (i * 5 + n) % users if n else i // 2), "body": f"body {n} of {i} " * 4}
            for n in range(i % 4 if i % 9 else 0)
        ],
    }


def _like(i: int, users: int) -> dict[str, Any]:
    post = i // 2 * 2
    return {"_id": oid(4, i), "author": oid(2, post // 2), "number": 0, "by": oid(2, (i * 3) % users if i % 5 else 1)}


def fill(db: Any, found: Documents) -> None:
    for name, records in found.items():
        db[name].insert_many(records)


def dump(folder: Path, found: dict[str, Sequence[dict[str, Any]]]) -> str:
    """The same as a folder of mongodump; its URL."""
    folder.mkdir(parents=True)
    for name, records in found.items():
        (folder / f"{name}.bson").write_bytes(b"".join(map(encode, records)))
    return f"dump:{folder}"
