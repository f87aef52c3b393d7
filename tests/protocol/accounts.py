"""Accounts with an owner and a unique address, and perhaps a note that names its account, from memory to memory,
followed: what a test changes there, and what must come of it, written in plain Python apart from all that is tested.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from crossfade.journal import dirty, journal
from crossfade.journal import feed as feeds
from crossfade.model.positions import Floor, Position
from crossfade.move import Move
from crossfade.move.context import Context
from crossfade.pipeline.apply_keys import apply_keys
from crossfade.project import load_project
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.runtime.session import Work, close_sessions, session
from crossfade.stores.contract import ChangeFeed, need
from crossfade.stores.memory.database import Database, Entity, Turn, database, forget
from crossfade.stores.memory.history import History
from crossfade.stores.memory.tables import Catalog

SCHEMA = """
CREATE TABLE owners (id text PRIMARY KEY, name text NOT NULL);
CREATE TABLE accounts (
    id int PRIMARY KEY, email text NOT NULL UNIQUE, owner_id text NOT NULL REFERENCES owners (id), note text
);
"""
MAPPING = {
    "owners": "SELECT o._id AS id, o.name AS name FROM owners AS o",
    "accounts": "SELECT a._id AS id, a.email AS email, a.owner AS owner_id FROM accounts AS a",
}
NOTED = """
SELECT a._id AS id, a.email AS email, a.owner AS owner_id, n.text AS note
FROM accounts AS a LEFT JOIN notes AS n ON n.account = a._id
"""
SETTINGS = """
name = "accounts"
source.url = "{}"
target.url = "{}"
target.schema = "schema.sql"
limits.quarantine = 1.0
"""
UNUSED = """
[[discard]]
entity = "notes"
reason = "accounts look them up"
"""
ENTITIES = ("accounts", "notes", "owners")
NAME = "accounts"

Document = Mapping[str, Any]
Write = tuple[str, Any, Document | None]
"""Entity, key, document; None: it is deleted."""


def account(of: int, email: str, owner: str = "a") -> Write:
    return "accounts", of, {"email": email, "owner": owner}


def owner(of: str, name: str = "A") -> Write:
    return "owners", of, {"name": name}


def note(of: int, account: int, text: str = "t") -> Write:
    return "notes", of, {"account": account, "text": text}


def no_account(of: int) -> Write:
    return "accounts", of, None


def no_owner(of: str) -> Write:
    return "owners", of, None


def key(of: Any) -> str:
    return str(BSON.key(to_bson({"_id": of})))


class World:
    """A finished copy of an empty source. `begin` fills both sides and starts to follow. With `notes` accounts look
    them up.
    """

    def __init__(self, folder: Path, *, notes: bool = False) -> None:
        name = secrets.token_hex(6)
        self.urls = (f"memory://{name}-source", f"memory://{name}-target")
        self.records: dict[str, dict[Any, Document]] = {name: {} for name in ENTITIES}
        self._move = Move(load_project(_project(folder / "p", self.urls, notes)))
        self._empty([account(1, "e"), owner("a"), note(1, 1)])
        self._move.survey()
        self._empty([])
        self._move.copy()
        self.work = replace(self._move.context.work, token=secrets.token_hex(8), floor=Floor("0"))
        self._copied = self.target.catalog
        self._kept: dict[str, Catalog] = {}
        self._about: Any = None

    @property
    def source(self) -> Database:
        return database(self.urls[0], BSON)

    @property
    def target(self) -> Database:
        return database(self.urls[1], BSON)

    @property
    def context(self) -> Context:
        return self._move.context

    def about(self, make: Callable[[], Any]) -> Any:
        """What a verification is about, made once."""
        if self._about is None:
            self._about = make()
        return self._about

    def spoil(self, of: int, email: str) -> None:
        """Write a wrong row, as a fault would."""
        catalog = self.target.catalog.begin()
        (old,) = [row.values for row in catalog.table("accounts").rows.values() if row.values[0] == of]
        catalog.update("accounts", (of,), (of, email, *old[2:]), 0)
        self.target.catalog = catalog.begin()

    def begin(self, writes: Sequence[Write]) -> None:
        """Take these records into both sides; the feed begins after them."""
        self._empty(writes)
        started = self.feed(self.work).start()
        if (said := repr(writes)) not in self._kept:
            self._kept[said] = self._applied(writes, started.position, started.floor)
        self.target.catalog = self._kept[said].begin()

    def _empty(self, writes: Sequence[Write]) -> None:
        self.records = {name: {} for name in ENTITIES}
        self.source.history, self.source.feeds = History(), {}
        self.source.entities = {name: Entity() for name in ENTITIES}
        self.write(*writes)

    def _applied(self, writes: Sequence[Write], position: Position, floor: Floor) -> Catalog:
        self.target.catalog, s = self._copied.begin(), session(self.work)
        with s.transaction() as tx:
            feeds.begin(tx, NAME, position, floor, "following")
            for entity, of, _ in writes:
                if entity != "notes":
                    dirty.put(tx, entity, [key(of)])
        while self.has_pending():
            with s.transaction() as tx:
                claims = dirty.all_dirty(tx)
            apply_keys(s, claims)
        return self.target.catalog

    def feed(self, work: Work) -> ChangeFeed:
        store = session(work).source
        return need(store.changes, store, "name changes").feed(NAME, ENTITIES)

    def release(self) -> None:
        """Let nobody be stepped any more."""
        self.source.history.visible = None
        for held in (self.source, self.target):
            held.hooks.clear()
            held.writing = Turn()

    def write(self, *writes: Write) -> None:
        for entity, of, doc in writes:
            if doc is None:
                del self.records[entity][of]
                self.source.remove(entity, key(of))
            else:
                self.records[entity][of] = {"_id": of, **doc}
                self.source.put(entity, to_bson(self.records[entity][of]))

    # -- what is committed in the target, seen without a transaction

    def noted_position(self) -> Position:
        (row,) = self.target.catalog.notes["feed"].values()
        return Position(row["position"])

    def has_changes(self) -> bool:
        return self.source.history.now > int(self.noted_position().token)

    def has_pending(self) -> bool:
        """Whether a follower has something to do: to apply, or to find who looks it up."""
        notes = self.target.catalog.notes
        return bool(notes.get("changed")) or any(row["number"] for row in notes["dirty"].values())

    def rows(self, table: str) -> set[tuple[Any, ...]]:
        return {row.values for row in self.target.catalog.table(table).rows.values()}

    def require_true(self) -> None:
        """Fail unless every record is in the target as it is now, or in quarantine because it has to be; nothing else
        is there; and the accounts balance.
        """
        with session(self.work).writer.transaction() as tx:
            journal.take_over(tx, self.work.run)
            held = {(e.entity, e.key): e.reason for e in journal.entries(tx) if e.state == "open"}
        assert not self.has_pending()
        owners = {(of, doc["name"]) for of, doc in self.records["owners"].items()}
        assert self.rows("owners") == owners
        there = self.rows("accounts")
        out = {of for entity, of in ((e, _of(k)) for e, k in held) if entity == "accounts"}
        texts = {doc["account"]: doc["text"] for doc in self.records["notes"].values()}
        inside = {of: doc for of, doc in self.records["accounts"].items() if of not in out}
        found = {(of, doc["email"], doc["owner"], texts.get(of)) for of, doc in inside.items()}
        assert there == found, (there, found, held)
        assert out <= self.records["accounts"].keys(), out
        for of in out:
            reasons = self._obstacles(of)
            assert held["accounts", key(of)] in reasons, (of, held, reasons)
        assert not self._could_come(out)
        self._require_counts(out)

    def _obstacles(self, of: int) -> set[str]:
        doc = self.records["accounts"][of]
        why = {"unique"} if doc["email"] in {row[1] for row in self.rows("accounts")} else set()
        return why | ({"foreign_key"} if doc["owner"] not in self.records["owners"] else set())

    def _could_come(self, out: Iterable[int]) -> set[int]:
        return {of for of in out if not self._obstacles(of)}

    def _require_counts(self, out: set[int]) -> None:
        with session(self.work).transaction() as tx:
            chunks = [one for one in journal.chunks(tx) if one.counts is not None]
        found = Counter[tuple[str, str]]()
        for one in chunks:
            assert one.counts is not None
            for name in ("source", "copied", "quarantined"):
                found[one.chunk.entity, name] += getattr(one.counts, name)
        n = len(self.records["accounts"])
        expected = {"source": n, "copied": n - len(out), "quarantined": len(out)}
        assert {name: found["accounts", name] for name in expected} == expected

    def close(self) -> None:
        for token in (self.work.token, next_of(self.work).token, f"{self.work.token}-proof"):
            close_sessions(token)
        self._move.close()
        for url in self.urls:
            forget(url)


def next_of(work: Work) -> Work:
    """The same move in the hands of another controller."""
    return replace(work, token=f"{work.token}-next", run="the next")


def _of(text: str | None) -> Any:
    value = json.loads(text or "null")
    return int(next(iter(value.values()))) if isinstance(value, dict) else value


def _project(folder: Path, urls: tuple[str, str], notes: bool) -> Path:
    (folder / "mapping").mkdir(parents=True)
    (folder / "crossfade.toml").write_text(SETTINGS.format(*urls) + UNUSED)
    (folder / "schema.sql").write_text(SCHEMA)
    for table, sql in {**MAPPING, **({"accounts": NOTED.strip()} if notes else {})}.items():
        (folder / "mapping" / f"{table}.sql").write_text(sql + "\n")
    return folder
