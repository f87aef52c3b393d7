"""The projects that carry the club: its target's schema and mappings, for documents and for rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import club

SETTINGS = """
name = "club"

[source]
url = "${SOURCE_URL}"

[target]
url = "${TARGET_URL}"
schema = "%s"

[limits]
quarantine = 1.0
stop_at = 1.0
chunk_mb = 0.05

[[discard]]
entity = "people"
alias = "p"
where = "p.age = '%s'"
reason = "they do not want to be in the new one"
"""
SCHEMA = f"""
CREATE TABLE cities (id int PRIMARY KEY, name text NOT NULL, stamp int NOT NULL);
CREATE TABLE teams (
    id text PRIMARY KEY, name text NOT NULL, slug text UNIQUE, city_id int, city_name text, chief_id int,
    stamp int NOT NULL
);
CREATE TABLE team_sizes (team_id text PRIMARY KEY, members bigint NOT NULL);
CREATE TABLE people (
    id int PRIMARY KEY, email text NOT NULL UNIQUE, age int NOT NULL CHECK (age < {club.OLDEST}),
    team_id text NOT NULL REFERENCES teams (id) ON DELETE CASCADE, boss_id int REFERENCES people (id),
    team_name text, bio text, stamp int NOT NULL
);
CREATE TABLE tags (
    person_id int REFERENCES people (id) ON DELETE CASCADE, place bigint, tag text, PRIMARY KEY (person_id, place)
);
CREATE TABLE handles (handle text PRIMARY KEY, holder text NOT NULL);
CREATE TABLE orders (
    id int PRIMARY KEY, person_id int NOT NULL REFERENCES people (id), amount int NOT NULL, stamp int NOT NULL,
    skus text[] NOT NULL
);
CREATE TABLE lines (
    id bigint, order_id int NOT NULL REFERENCES orders (id) ON DELETE CASCADE, sku text NOT NULL, qty int NOT NULL,
    stamp int NOT NULL, PRIMARY KEY (%s)
);
CREATE INDEX people_of_team ON people (team_id);
CREATE INDEX people_of_boss ON people (boss_id);
CREATE INDEX orders_of_person ON orders (person_id);
CREATE INDEX lines_of_order ON lines (order_id);
ALTER TABLE teams ADD CONSTRAINT teams_chief FOREIGN KEY (chief_id) REFERENCES people (id) ON DELETE SET NULL;
"""
SOURCE_SCHEMA = """
CREATE TABLE cities (id int PRIMARY KEY, name text NOT NULL, stamp int NOT NULL);
CREATE TABLE teams (
    id text PRIMARY KEY, name text NOT NULL, slug text, city int NOT NULL, chief int, handle text, stamp int NOT NULL
);
CREATE TABLE people (
    id int PRIMARY KEY, email text NOT NULL, age text NOT NULL, team text NOT NULL, boss int, handle text,
    tags text[] NOT NULL, bio text, stamp int NOT NULL
);
CREATE TABLE orders (id int PRIMARY KEY, person int NOT NULL, amount int NOT NULL, stamp int NOT NULL);
CREATE TABLE lines (
    id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders (id) ON DELETE CASCADE, sku text NOT NULL,
    qty int NOT NULL, stamp int NOT NULL
);
CREATE INDEX teams_of_city ON teams (city);
CREATE INDEX people_of_team ON people (team);
CREATE INDEX lines_of_order ON lines (order_id);
"""
DOCUMENT_INDEXES = {"teams": "city", "people": "team"}
"""Collection -> the field by which it is asked for."""

MAPPING = {
    "cities": "SELECT c.{id} AS {key}, c.name AS name, c.stamp AS stamp FROM cities AS c",
    "teams": """
        SELECT t.{id} AS {key}, t.name AS name, t.slug AS slug, t.city AS city_id, c.name AS city_name,
               t.chief AS chief_id, t.stamp AS stamp
        FROM teams AS t LEFT JOIN cities AS c ON c.{id} = t.city""",
    "team_sizes": """
        SELECT t.{id} AS {team}, count(p.{id}) AS members
        FROM teams AS t LEFT JOIN people AS p ON p.team = t.{id} GROUP BY t.{id}""",
    "people": """
        SELECT p.{id} AS {key}, p.email AS email, CAST(p.age AS INTEGER) AS age, p.team AS team_id, p.boss AS boss_id,
               t.name AS team_name, p.bio AS bio, p.stamp AS stamp{tags}
        FROM people AS p LEFT JOIN teams AS t ON t.{id} = p.team""",
    "handles": """
        SELECT p.handle AS {handle}, 'p' || CAST(p.{id} AS VARCHAR) AS holder FROM people AS p
        WHERE p.handle IS NOT NULL
        UNION ALL
        SELECT t.handle AS {handle}, 't' || t.{id} AS holder FROM teams AS t WHERE t.handle IS NOT NULL""",
}
TAGS = """
        SELECT p.{id} AS person_id, g.place AS place, g.tag AS tag
        FROM people AS p, unnest(p.tags) WITH ORDINALITY AS g(tag, place)"""
OF_DOCUMENTS = {
    "orders": """
        SELECT o._id AS {key}, o.person AS person_id, o.amount AS amount, o.stamp AS stamp,
               list_transform(o.lines, lambda l: l.sku) AS skus
        FROM orders AS o""",
    "lines": """
        SELECT l.place AS {key}, o._id AS order_id, l.line.sku AS sku, l.line.qty AS qty, o.stamp AS stamp
        FROM orders AS o, unnest(o.lines) WITH ORDINALITY AS l(line, place)""",
}
OF_ROWS = {
    "orders": """
        SELECT o.id AS {key}, o.person AS person_id, o.amount AS amount, o.stamp AS stamp,
               coalesce(list(l.sku ORDER BY l.id) FILTER (WHERE l.sku IS NOT NULL), []) AS skus
        FROM orders AS o LEFT JOIN lines AS l ON l.order_id = o.id GROUP BY o.id""",
    "lines": """
        SELECT l.id AS {key}, l.order_id AS order_id, l.sku AS sku, l.qty AS qty, l.stamp AS stamp FROM lines AS l""",
}
INT, LONG, TEXT, NOTHING = "int", "long", "string", "null"
FIELDS: dict[str, dict[str, Any]] = {
    "cities": {"_id": INT, "name": TEXT, "stamp": INT},
    "teams": {
        "_id": TEXT, "name": TEXT, "slug": TEXT, "city_id": INT, "city_name": TEXT, "chief_id": INT, "stamp": INT,
    },
    "team_sizes": {"_id": TEXT, "members": LONG},
    "people": {
        "_id": INT, "email": TEXT, "age": INT, "team_id": TEXT, "boss_id": INT, "team_name": TEXT, "bio": TEXT,
        "stamp": INT, "tags": [TEXT],
    },
    "handles": {"_id": TEXT, "holder": TEXT},
    "orders": {"_id": INT, "person_id": INT, "amount": INT, "stamp": INT, "skus": [TEXT]},
    "lines": {"_id": INT, "order_id": INT, "sku": TEXT, "qty": INT, "stamp": INT},
}  # fmt: skip
OPTIONAL = {"slug", "city_name", "chief_id", "boss_id", "team_name", "bio"}
POINTING = {"teams": {"chief_id": "people"}, "people": {"team_id": "teams", "boss_id": "people"},
            "orders": {"person_id": "people"}, "lines": {"order_id": "orders"}}  # fmt: skip
UNIQUES = {"teams": "slug", "people": "email"}


def write_project(folder: Path, *, rows: bool, documents: bool) -> Path:
    """Write the move's folder: out of `rows` (PostgreSQL) or documents, into `documents` (MongoDB) or tables."""
    (folder / "mapping").mkdir(parents=True)
    schema = "schema.json" if documents else "schema.sql"
    (folder / "crossfade.toml").write_text(SETTINGS % (schema, club.HIDDEN))
    key_of_lines = "id" if rows else "order_id, id"
    (folder / schema).write_text(collections() if documents else SCHEMA % key_of_lines)
    names = {"id": "id" if rows else "_id", "tags": ", p.tags AS tags" if documents else ""}
    keys = {name: "_id" if documents else own for name, own in OWN_KEYS.items()}
    mapping = {**MAPPING, **(OF_ROWS if rows else OF_DOCUMENTS), **({} if documents else {"tags": TAGS})}
    for table, sql in mapping.items():
        (folder / "mapping" / f"{table}.sql").write_text(sql.strip().format(**names, **keys) + "\n")
    return folder


OWN_KEYS = {"key": "id", "handle": "handle", "team": "team_id"}


def collections() -> str:
    """Return the target's schema for MongoDB."""
    return json.dumps({"collections": {name: _collection(name, fields) for name, fields in FIELDS.items()}}, indent=1)


def _collection(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        field: {"bsonType": "array", "items": {"bsonType": kind[0]}} if isinstance(kind, list) else {"bsonType": kind}
        for field, kind in fields.items()
    }
    if name == "people":
        properties["age"]["maximum"] = club.OLDEST - 1
    required = [field for field in fields if field not in OPTIONAL]
    out: dict[str, Any] = {
        "validator": {"$jsonSchema": {"required": required, "additionalProperties": False, "properties": properties}},
        "references": [{"fields": [field], "collection": to} for field, to in POINTING.get(name, {}).items()],
    }
    if unique := UNIQUES.get(name):
        there = {"partialFilterExpression": {unique: {"$exists": True}}} if unique in OPTIONAL else {}
        out["indexes"] = [{"key": {unique: 1}, "unique": True, **there}]
    return out
