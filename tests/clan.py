"""A small world for `apply`: groups and people that refer to each other, share handles, and want the same values.

What a source of it must come to is written here in plain Python, apart from everything that is tested.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crossfade.journal import dirty, journal
from crossfade.journal.dirty import Dirty
from crossfade.move import Move
from crossfade.pipeline.apply_keys import Applied, apply_keys
from crossfade.project import load_project
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.runtime.session import Work, session
from crossfade.stores.memory.database import Database, database

SCHEMA = """
CREATE TABLE groups (
    id text PRIMARY KEY, name text NOT NULL, slug text UNIQUE, lead_id int REFERENCES people (id) ON DELETE SET NULL
);
CREATE TABLE people (
    id int PRIMARY KEY, email text NOT NULL UNIQUE, age int NOT NULL CHECK (age < 150),
    group_id text NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    boss_id int REFERENCES people (id) ON DELETE CASCADE, group_name text
);
CREATE TABLE tags (
    person_id int NOT NULL REFERENCES people (id) ON DELETE CASCADE, tag text, PRIMARY KEY (person_id, tag)
);
CREATE TABLE handles (handle text PRIMARY KEY, holder text NOT NULL);
"""
PLAIN = (
    SCHEMA.replace(" CHECK (age < 150)", "")
    .replace(" REFERENCES people (id) ON DELETE SET NULL", "")
    .replace(" ON DELETE CASCADE", "")
)
"""As much of it as the store in memory takes."""
POSTGRESQL = SCHEMA.replace(
    "CREATE TABLE groups (\n    id text PRIMARY KEY, name text NOT NULL, slug text UNIQUE,"
    " lead_id int REFERENCES people (id) ON DELETE SET NULL\n);",
    "CREATE TABLE groups (id text PRIMARY KEY, name text NOT NULL, slug text UNIQUE, lead_id int);",
) + ("ALTER TABLE groups ADD CONSTRAINT groups_lead FOREIGN KEY (lead_id) REFERENCES people (id) ON DELETE SET NULL;\n")
MAPPING = {
    "groups": "SELECT g._id AS id, g.name AS name, g.slug AS slug, g.lead AS lead_id FROM groups AS g",
    "people": """
        SELECT p._id AS id, p.email AS email, parse_int(p.age) AS age, p.group AS group_id, p.boss AS boss_id,
               g.name AS group_name
        FROM people AS p LEFT JOIN groups AS g ON g._id = p.group""",
    "tags": "SELECT p._id AS person_id, t.tag AS tag FROM people AS p, unnest(p.tags) AS t(tag)",
    "handles": """
        SELECT p.handle AS handle, 'p' || CAST(p._id AS VARCHAR) AS holder FROM people AS p WHERE p.handle IS NOT NULL
        UNION ALL
        SELECT g.handle AS handle, 'g' || g._id AS holder FROM groups AS g WHERE g.handle IS NOT NULL""",
}
SETTINGS = """
name = "clan"
source.url = "{source}"
target.url = "{target}"
target.schema = "schema.sql"
limits.quarantine = 1.0

[[discard]]
entity = "people"
where = "p.age = '99'"
alias = "p"
reason = "who is 99 stays"
"""
HIDDEN = "99"

Document = Mapping[str, Any]
Source = Mapping[str, Mapping[Any, Document]]
"""Entity -> key -> document."""

GROUP: Document = {"_id": "a", "name": "A", "slug": "s", "lead": 1, "handle": "h"}
PERSON: Document = {"_id": 1, "email": "e", "age": "30", "group": "a", "boss": 1, "tags": ["t"], "handle": "h"}
PARTIAL: dict[str, Document] = {
    "groups": {"_id": "z", "name": "Z", "slug": None, "lead": None, "handle": None},
    "people": {"_id": 9, "email": "z", "age": "3", "group": "z", "boss": None, "tags": [], "handle": None},
}


def project(folder: Path, source: str, target: str, schema: str = SCHEMA) -> Path:
    (folder / "mapping").mkdir(parents=True)
    (folder / "crossfade.toml").write_text(SETTINGS.format(source=source, target=target))
    (folder / "schema.sql").write_text(schema)
    for table, sql in MAPPING.items():
        (folder / "mapping" / f"{table}.sql").write_text(sql.strip() + "\n")
    return folder


def surveyed(folder: Path, source: str) -> Path:
    """Survey a source that has every path and type, then take the records out again."""
    fill(database(source, BSON), {"groups": {"a": GROUP}, "people": {1: PERSON}}, PARTIAL)
    with Move(load_project(folder)) as move:
        move.survey()
    fill(database(source, BSON), {})
    return folder


def fill(source: Database, records: Source, more: Mapping[str, Document] | None = None) -> None:
    for entity in ("groups", "people"):
        source.create(entity)
        found = [*records.get(entity, {}).values(), *([more[entity]] if more else [])]
        source.put(entity, *map(to_bson, found))


def key(of: Any) -> str:
    return str(BSON.key(to_bson({"_id": of})))


def again(work: Work, **changes: Any) -> Work:
    """The same move with another target, as another worker sees it."""
    return replace(work, token=secrets.token_hex(8), **changes)


def put(work: Work, names: Iterable[tuple[str, Any]]) -> None:
    """Put records into the journal, to be applied."""
    found = list(names)
    with session(work).transaction() as tx:
        for entity in ("groups", "people"):
            dirty.put(tx, entity, [key(of) for name, of in found if name == entity])


def apply(work: Work, names: Iterable[tuple[str, Any]]) -> list[Applied]:
    """Put records into the journal and apply all that is in it, until nothing is."""
    s, found = session(work), list[Applied]()
    if listed := list(names):
        put(work, listed)
    for _ in range(30):
        with s.transaction() as tx:
            todo = dirty.all_dirty(tx)
        if not todo:
            return found
        found.append(apply_keys(s, todo))
    raise AssertionError(f"it does not settle: {todo}")


def apply_these(work: Work, claims: Sequence[Dirty]) -> Applied:
    return apply_keys(session(work), claims)


# -- what must come of it


Row = tuple[Any, ...]


def rows_of(source: Source, entity: str, of: Any) -> dict[str, list[Row]]:
    """The rows that a record makes."""
    doc = source[entity][of]
    handle = [(doc["handle"], ("p" if entity == "people" else "g") + str(of))] if doc.get("handle") is not None else []
    if entity == "groups":
        return {"groups": [(of, doc["name"], doc.get("slug"), doc.get("lead"))], "handles": handle}
    group = source.get("groups", {}).get(doc["group"])
    own = (of, doc["email"], int(doc["age"]), doc["group"], doc.get("boss"), group["name"] if group else None)
    tags = [(of, tag) for tag in doc.get("tags", ())]
    return {"people": [own], "tags": tags, "handles": handle}


def is_bad(doc: Document) -> bool:
    return "age" in doc and (not doc["age"].isdigit() or int(doc["age"]) >= 150)


@dataclass(frozen=True)
class Found:
    tables: dict[str, set[Row]]
    entries: dict[tuple[str, Any], tuple[str, str | None]]
    counts: dict[str, tuple[int, int, int, int]]
    rows: Counter[str]
    dirty: int


def require_true(source: Source, found: Found) -> None:
    """Fail unless every record of the source is in with all its rows, discarded, or in quarantine for a reason that is
    true; nothing else is in the target; and the accounts are those.
    """
    every = {(entity, of): doc for entity in source for of, doc in source[entity].items()}
    hidden = {who for who, doc in every.items() if doc.get("age") == HIDDEN}
    out = set(found.entries)
    assert out <= every.keys() - hidden, (out, every.keys())
    inside = every.keys() - hidden - out
    expected: dict[str, list[Row]] = {"groups": [], "people": [], "tags": [], "handles": []}
    for entity, of in inside:
        for table, rows in rows_of(source, entity, of).items():
            expected[table] += rows
    for table, rows in expected.items():
        assert len(rows) == len(set(rows)), f"two records made one row of {table}"
        assert found.tables[table] == set(rows), table
    for who in out:
        require_reason(source, found, who)
    for entity in ("groups", "people"):
        own = [who for who in every if who[0] == entity]
        parts = (len(own), *(len([w for w in own if w in of]) for of in (inside, out, hidden)))
        assert found.counts.get(entity, (0, 0, 0, 0)) == parts, entity
    assert +found.rows == Counter({table: len(rows) for table, rows in found.tables.items() if rows})
    assert found.dirty == 0


def obstacles(source: Source, tables: Mapping[str, set[Row]], who: tuple[str, Any]) -> set[str]:
    """Why a record cannot be in the target, beside the rows that are there."""
    entity, of = who
    doc, why = source[entity][of], set[str]()
    if is_bad(doc) and not doc["age"].isdigit():
        return {"mapping_error"}
    made = rows_of(source, entity, of)
    why |= {"check"} if is_bad(doc) else set()
    people, groups = {row[0] for row in tables["people"]}, {row[0] for row in tables["groups"]}
    handles = {row[0] for row in tables["handles"]}
    if any(row[0] in handles for row in made["handles"]):
        why.add("unique")
    for row in made.get("people", ()):
        why |= {"unique"} if row[1] in {r[1] for r in tables["people"]} else set()
        missing = row[3] not in groups or (row[4] is not None and row[4] not in people | {of})
        why |= {"foreign_key"} if missing else set()
    for row in made.get("groups", ()):
        why |= {"unique"} if row[2] is not None and row[2] in {r[2] for r in tables["groups"]} else set()
        why |= {"foreign_key"} if row[3] is not None and row[3] not in people else set()
    return why


def require_reason(source: Source, found: Found, who: tuple[str, Any]) -> None:
    reason, _ = found.entries[who]
    assert reason in obstacles(source, found.tables, who), (who, reason, obstacles(source, found.tables, who))


def could_be_in(source: Source, found: Found) -> set[tuple[str, Any]]:
    """Records in quarantine that could all be in together: nothing is in their way, and no two want one value."""
    tables = {name: set(rows) for name, rows in found.tables.items()}
    chosen = {who for who in found.entries if not is_bad(source[who[0]][who[1]])}
    wanted = Counter(value for who in chosen for value in values_of(source, *who))
    chosen = {who for who in chosen if all(wanted[value] == 1 for value in values_of(source, *who))}
    while True:
        beside = {name: set(rows) for name, rows in tables.items()}
        for entity, of in chosen:
            for table, rows in rows_of(source, entity, of).items():
                beside[table] |= set(rows)
        stay = {
            who
            for who in chosen
            if "unique" not in obstacles(source, tables, who) and "foreign_key" not in obstacles(source, beside, who)
        }
        if stay == chosen:
            return chosen
        chosen = stay


def values_of(source: Source, entity: str, of: Any) -> Iterator[tuple[str, Any]]:
    """The values that no other record may have."""
    made = rows_of(source, entity, of)
    yield from (("handle", row[0]) for row in made["handles"])
    yield from (("email", row[1]) for row in made.get("people", ()))
    yield from (("slug", row[2]) for row in made.get("groups", ()) if row[2] is not None)


def found_in(work: Work, query: Any) -> Found:
    """Everything that is in the target, read by `query` (SQL -> rows)."""
    with session(work).transaction() as tx:
        entries = journal.entries(tx)
        chunks = journal.chunks(tx)
        left = len(dirty.all_dirty(tx))
    counts: dict[str, tuple[int, int, int, int]] = {}
    rows: Counter[str] = Counter()
    for one in chunks:
        rows.update(one.rows)
        if one.counts is not None:
            c, old = one.counts, counts.get(one.chunk.entity, (0, 0, 0, 0))
            new = (c.source, c.copied, c.quarantined, c.discarded)
            counts[one.chunk.entity] = tuple(a + b for a, b in zip(old, new, strict=True))  # type: ignore[assignment]
    named = {(e.entity, _of(e.key)): (e.reason, e.table) for e in entries if e.state == "open"}
    columns = {
        "groups": "id, name, slug, lead_id",
        "people": "id, email, age, group_id, boss_id, group_name",
        "tags": "person_id, tag",
        "handles": "handle, holder",
    }
    tables = {name: set(map(tuple, query(f"SELECT {listed} FROM {name}"))) for name, listed in columns.items()}
    return Found(tables, named, counts, rows, left)


def _of(text: str | None) -> Any:
    import json

    value = json.loads(text or "null")
    return int(next(iter(value.values()))) if isinstance(value, dict) else value
