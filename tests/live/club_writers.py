"""Writers of the club: seeded changes by several connections at once, with a note of each write that was acknowledged.

Every record belongs to one writer, so that each writer knows what is there; references, e-mail addresses, slugs and
handles are taken from all of them. A write has a stamp of its own, which it leaves in every record that it touches.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import club
from club import Document, Who
from club_stores import Change, Effect, Source, State, connect

EMAILS, SLUGS, HANDLES, SKUS = 12, 6, 8, "abcdef"
CITIES = 8
LONG = 9000
"""Letters of a long text, which PostgreSQL stores apart from its row."""


@dataclass(frozen=True)
class Size:
    """How many keys there are of each entity; they are used again."""

    people: int = 300

    @property
    def teams(self) -> int:
        return max(4, self.people // 15)

    @property
    def orders(self) -> int:
        return self.people

    def of(self, entity: str) -> int:
        return {"cities": CITIES, "teams": self.teams, "people": self.people, "orders": self.orders}[entity]


def initial(seed: int, size: Size, *, rows: bool) -> State:
    """Return what is there before anything is written: every type of value at every path is among it."""
    maker = Maker(random.Random(f"{seed} initial"), size, rows, iter(range(1, 10**9)))
    state: State = {name: {} for name in club.ENTITIES if rows or name != "lines"}
    for entity in ("cities", "teams", "people", "orders"):
        for number in range(size.of(entity) if entity == "cities" else size.of(entity) * 3 // 4):
            key = f"t{number}" if entity == "teams" else number
            state[entity][key] = maker.document(entity, key)
            if rows and entity == "orders":
                state["lines"] |= {line: maker.line(number) for line in range(number * 10, number * 10 + number % 3)}
    plain: Document = {"chief": None, "slug": None, "boss": None, "handle": None, "bio": None, "tags": []}
    full: Document = {"chief": 1, "slug": "s", "boss": 1, "handle": "full", "bio": "b", "tags": ["x"]}
    for entity, first, other in (("teams", "t0", "t1"), ("people", 0, 1)):
        for key, values in ((first, plain), (other, full)):
            doc = state[entity][key]
            doc |= {name: value for name, value in values.items() if name in doc}
    if not rows:
        state["orders"][0]["lines"], state["orders"][1]["lines"] = [], [{"sku": "a", "qty": 1}]
    return state


class Maker:
    """Makes documents."""

    def __init__(self, rng: random.Random, size: Size, rows: bool, stamps: Iterator[int]) -> None:
        self.rng, self.size, self.rows, self.stamps = rng, size, rows, stamps

    def document(self, entity: str, key: Any) -> Document:
        stamp, rng = next(self.stamps), self.rng
        if entity == "cities":
            return {"name": f"City {stamp % 7}", "stamp": stamp}
        if entity == "teams":
            return {
                "name": f"Team {stamp % 50}", "slug": self.slug(key), "city": rng.randrange(CITIES + 1),
                "chief": self.perhaps(self.person), "handle": self.handle(), "stamp": stamp,
            }  # fmt: skip
        if entity == "people":
            return {
                "email": self.email(key), "age": self.age(), "team": self.team(), "boss": self.perhaps(self.person),
                "handle": self.handle(), "tags": self.tags(), "bio": self.bio(), "stamp": stamp,
            }  # fmt: skip
        lines = {} if self.rows else {"lines": [self.item() for _ in range(rng.randrange(4))]}
        return {"person": self.person(), "amount": rng.randrange(1000), "stamp": stamp, **lines}

    def line(self, order: int) -> Document:
        return {"order_id": order, **self.item(), "stamp": next(self.stamps)}

    def item(self) -> Document:
        return {"sku": self.rng.choice(SKUS), "qty": self.rng.randrange(1, 9)}

    def perhaps(self, make: Callable[[], Any]) -> Any:
        return make() if self.rng.random() < 0.1 else None

    def person(self) -> int:
        return self.rng.randrange(self.size.people)

    def team(self) -> str:
        return f"t{self.rng.randrange(self.size.teams)}"

    def email(self, key: Any) -> str:
        return f"shared{self.rng.randrange(EMAILS)}" if self.rng.random() < 0.05 else f"e{key}"

    def slug(self, key: Any) -> str | None:
        return self.rng.choice([None, f"slug {key}", f"slug {key}", f"s{self.rng.randrange(SLUGS)}"])

    def handle(self) -> str | None:
        return f"h{self.rng.randrange(HANDLES)}" if self.rng.random() < 0.04 else None

    def age(self) -> str:
        odd = self.rng.choice(["old", club.HIDDEN, "200", "x1"]) if self.rng.random() < 0.06 else ""
        return odd or str(self.rng.randrange(1, 90))

    def tags(self) -> list[str]:
        return [self.rng.choice(SKUS) for _ in range(self.rng.randrange(4))]

    def bio(self) -> str | None:
        if self.rng.random() < 0.03:
            return self.rng.choice("uvw") * LONG
        if not self.rows and self.rng.random() < 0.01:
            return "not \0 allowed"
        return self.rng.choice([None, "short"])


class Plan:
    """Decides what one writer writes next. `state` is what its records are by now."""

    def __init__(self, maker: Maker, state: State, writer: int, writers: int) -> None:
        self.maker, self.rng, self.state = maker, maker.rng, state
        self.writer, self.writers = writer, writers
        self._lines = itertools.count(10**6 * (writer + 1))

    def next(self) -> Change:
        kinds, weights = zip(*KINDS.items(), strict=True)
        while True:
            change: Change | None = getattr(self, self.rng.choices(kinds, weights)[0])()
            if change is not None and change.effects:
                self.remember(change)
                return change

    def remember(self, change: Change) -> None:
        for effect in change.effects:
            records = self.state[effect.entity]
            if effect.moved_from is not None:
                records.pop(effect.moved_from, None)
            if effect.doc is None:
                records.pop(effect.key, None)
            else:
                records[effect.key] = effect.doc

    # -- kinds of changes

    def fields(self) -> Change | None:
        """Some fields of a person; one of them is changed much more often than the others."""
        return self._person(lambda doc, key: {"bio": self.maker.bio(), "age": self.maker.age()}, hot=True)

    def array(self) -> Change | None:
        return self._person(lambda doc, key: {"tags": self._edited(doc["tags"])})

    def another_team(self) -> Change | None:
        return self._person(lambda doc, key: {"team": self.maker.team(), "boss": self.maker.perhaps(self.maker.person)})

    def another_handle(self) -> Change | None:
        return self._person(lambda doc, key: {"handle": self.maker.handle(), "email": self.maker.email(key)})

    def person(self) -> Change | None:
        return self._here_or_gone("people")

    def order(self) -> Change | None:
        return self._here_or_gone("orders")

    def team(self) -> Change | None:
        return self._here_or_gone("teams") if self.rng.random() < 0.3 else self._replaced("teams")

    def city(self) -> Change | None:
        return self._replaced("cities")

    def swap(self) -> Change | None:
        """Two people change their e-mail addresses and handles, in one transaction."""
        return self._two("people", ("email", "handle"))

    def transfer(self) -> Change | None:
        two = self._some("orders", 2)
        if len(two) < 2:
            return None
        stamp, amount = next(self.maker.stamps), self.rng.randrange(100)
        docs = [self.state["orders"][key] for key in two]
        signs = (amount, -amount)
        new = [{**doc, "amount": doc["amount"] + sign, "stamp": stamp} for doc, sign in zip(docs, signs, strict=True)]
        return Change([Effect("orders", k, n, d) for k, n, d in zip(two, new, docs, strict=True)])

    def items(self) -> Change | None:
        """Lines of an order: added, changed, removed, moved to another order."""
        return self._line() if self.maker.rows else self._embedded()

    def another_key(self) -> Change | None:
        """The primary key changes; where it cannot, the record is deleted and inserted with another, at once."""
        old, new = self._some("people", 1), self._free("people")
        if not old or new is None:
            return None
        before = self.state["people"][old[0]]
        doc = {**before, "stamp": next(self.maker.stamps)}
        if self.maker.rows:
            return Change([Effect("people", new, doc, before, moved_from=old[0])])
        return Change([Effect("people", old[0], None, before), Effect("people", new, doc)])

    def again(self) -> Change | None:
        """A record is deleted and inserted again, in one transaction."""
        if not (keys := self._some("people", 1)):
            return None
        key = keys[0]
        gone = Effect("people", key, None, self.state["people"][key])
        return Change([gone, Effect("people", key, self.maker.document("people", key))])

    def family(self) -> Change | None:
        """A team and its chief, who refer to each other, in one transaction."""
        team, person = self._free("teams"), self._free("people")
        if team is None or person is None:
            return None
        docs = self.maker.document("teams", team), self.maker.document("people", person)
        return Change([
            Effect("teams", team, {**docs[0], "chief": person}), Effect("people", person, {**docs[1], "team": team}),
        ])  # fmt: skip

    def many(self) -> Change | None:
        """One statement changes a fifth of the orders."""
        keys, stamp = self._some("orders", max(1, len(self.state["orders"]) // 5)), next(self.maker.stamps)
        old = self.state["orders"]
        return Change([Effect("orders", k, {**old[k], "stamp": stamp}, old[k]) for k in keys], {"stamp": stamp})

    # -- how they are made

    def _person(self, make: Callable[[Document, Any], Document], *, hot: bool = False) -> Change | None:
        keys = sorted(self.state["people"])
        if not keys:
            return None
        key = keys[0] if hot and self.rng.random() < 0.1 else self.rng.choice(keys)
        before = self.state["people"][key]
        return Change(
            [Effect("people", key, {**before, **make(before, key), "stamp": next(self.maker.stamps)}, before)]
        )

    def _edited(self, listed: list[Any]) -> list[Any]:
        new, place = list(listed), self.rng.randrange(len(listed) + 1)
        how = self.rng.randrange(4)
        if how == 0:
            new.insert(place, self.rng.choice(SKUS))
        elif how == 1:
            new = new[:place] + new[place + 1 :]
        elif how == 2:
            new.reverse()
        else:
            new = self.maker.tags()
        return new

    def _here_or_gone(self, entity: str) -> Change | None:
        """A record is inserted with a key that is free, also one that was used before; or one is deleted."""
        room = len(self.state[entity]) / max(1, self.maker.size.of(entity) // self.writers)
        key = self._free(entity) if self.rng.random() > room * 0.6 else None
        if key is not None:
            return Change([Effect(entity, key, self.maker.document(entity, key))])
        if not (keys := self._some(entity, 1)):
            return None
        gone = [Effect(entity, keys[0], None, self.state[entity][keys[0]])]
        lines = self.state.get("lines", {}) if entity == "orders" else {}
        gone += [Effect("lines", n, None, d, implied=True) for n, d in lines.items() if d["order_id"] == keys[0]]
        return Change(gone)

    def _replaced(self, entity: str) -> Change | None:
        if not (keys := self._some(entity, 1)):
            return None
        before = self.state[entity][keys[0]]
        return Change([Effect(entity, keys[0], self.maker.document(entity, keys[0]), before)])

    def _two(self, entity: str, names: tuple[str, ...]) -> Change | None:
        two = self._some(entity, 2)
        if len(two) < 2:
            return None
        docs, stamp = [self.state[entity][key] for key in two], next(self.maker.stamps)
        new = [{**docs[n], **{name: docs[1 - n][name] for name in names}, "stamp": stamp} for n in (0, 1)]
        return Change([Effect(entity, key, new[n], docs[n]) for n, key in enumerate(two)])

    def _embedded(self) -> Change | None:
        if not (keys := self._some("orders", 1)):
            return None
        before = self.state["orders"][keys[0]]
        lines = [dict(line) for line in self._edited(before["lines"]) if isinstance(line, dict)]
        if self.rng.random() < 0.6:
            lines = [*lines[:5], self.maker.item()]
        return Change([Effect("orders", keys[0], {**before, "lines": lines, "stamp": next(self.maker.stamps)}, before)])

    def _line(self) -> Change | None:
        lines, orders = self.state["lines"], self._some("orders", 1)
        if not orders:
            return None
        how = self.rng.random()
        if how < 0.4 or not lines:
            return Change([Effect("lines", next(self._lines), self.maker.line(orders[0]))])
        key = self.rng.choice(sorted(lines))
        if how < 0.7:
            return Change([Effect("lines", key, None, lines[key])])
        new = self.maker.line(orders[0] if how < 0.85 else lines[key]["order_id"])
        return Change([Effect("lines", key, new, lines[key])])

    def _some(self, entity: str, count: int) -> list[Any]:
        keys = sorted(self.state[entity])
        return self.rng.sample(keys, min(count, len(keys)))

    def _free(self, entity: str) -> Any:
        numbers = range(self.writer, self.maker.size.of(entity), self.writers)
        keys = [f"t{n}" if entity == "teams" else n for n in numbers]
        free = [key for key in keys if key not in self.state[entity]]
        return self.rng.choice(free) if free else None


KINDS = {
    "fields": 22, "array": 12, "another_team": 8, "another_handle": 6, "person": 10, "order": 10, "team": 1,
    "city": 0.3, "swap": 5, "transfer": 6, "items": 12, "another_key": 2, "again": 2, "family": 0.6, "many": 0.2,
}  # fmt: skip
"""Kind of change -> how often."""


# -- who writes them


@dataclass
class Notes:
    """Record -> the stamp of its last acknowledged write (None: deleted), and those of later writes whose outcome is
    not known, because the connection broke.
    """

    acknowledged: dict[Who, int | None] = field(default_factory=dict)
    unknown: dict[Who, set[int | None]] = field(default_factory=dict)
    written: int = 0

    def note(self, change: Change, *, known: bool) -> None:
        for effect in change.effects:
            stamp = None if effect.doc is None else effect.doc["stamp"]
            stamps = [((effect.entity, effect.key), stamp)]
            if effect.moved_from is not None:
                stamps.append(((effect.entity, effect.moved_from), None))
            for who, value in stamps:
                if known:
                    self.acknowledged[who] = value
                    self.unknown.pop(who, None)
                else:
                    self.unknown.setdefault(who, set()).add(value)
        self.written += known

    def lost(self, source: State) -> list[str]:
        """Return the acknowledged writes that the source does not hold: a sentence each."""
        out: list[str] = []
        for (entity, key), stamp in self.acknowledged.items():
            doc = source[entity].get(key)
            there = None if doc is None else doc["stamp"]
            if there != stamp and there not in self.unknown.get((entity, key), ()):
                out.append(f"{entity} {key}: the source has the write {there}, acknowledged was {stamp}")
        return out


class Writer(threading.Thread):
    """One connection that writes until it is stopped. Connects again, and looks what is there, if it is cut off."""

    def __init__(self, url: str, plan: Plan, rate: float, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.url, self.plan, self.rate, self.stop = url, plan, rate, stop
        self.notes = Notes()
        self.error: BaseException | None = None
        self.heard: Callable[[Change], None] = lambda change: None

    def run(self) -> None:
        try:
            source: Source = connect(self.url)
            due = time.monotonic()
            while not self.stop.is_set():
                source = self._write(source)
                due = max(due + self.burst / self.rate, time.monotonic() - 1)
                self.stop.wait(max(0.0, due - time.monotonic()))
            source.close()
        except BaseException as error:  # told by Writers.stop
            self.error = error

    @property
    def burst(self) -> int:
        """How many changes are sent at once: with high rates several, as an application with many clients does."""
        return max(1, round(self.rate / 40))

    def _write(self, source: Source) -> Source:
        changes = [self.plan.next() for _ in range(self.burst)]
        try:
            source.write(changes)
        except Exception as error:  # cut off: each driver has its own errors for that
            for change in changes:
                self.notes.note(change, known=False)
            return self._again(source, error)
        for change in changes:
            self.notes.note(change, known=True)
            self.heard(change)
        return source

    def _again(self, source: Source, why: Exception) -> Source:
        """Connect again; what is there is what the source says."""
        with suppress(Exception):
            source.close()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                return self._back()
            except Exception as error:
                why = error
                time.sleep(0.1)
        raise why

    def _back(self) -> Source:
        source = connect(self.url)
        try:
            self.plan.state = self._mine(source.read())
        except Exception:
            source.close()
            raise
        return source

    def _mine(self, state: State) -> State:
        writer, writers = self.plan.writer, self.plan.writers
        return share(state, writer, writers)


def share(state: State, writer: int, writers: int) -> State:
    """Return the records that belong to a writer; lines belong to the one of their order."""
    out: State = {}
    for entity, records in state.items():
        mine = {key: doc for key, doc in records.items() if _number(entity, key, doc) % writers == writer}
        out[entity] = deepcopy(mine)
    return out


def _number(entity: str, key: Any, doc: Document) -> int:
    return int(str(doc["order_id"] if entity == "lines" else key).lstrip("t"))


class Writers:
    """Several of them, with one stream of stamps."""

    def __init__(
        self, url: str, seed: int, size: Size, state: State, *, rows: bool, rate: float, writers: int = 3
    ) -> None:
        self._stop, stamps = threading.Event(), itertools.count(10**6)
        self.all: list[Writer] = []
        for number in range(writers):
            maker = Maker(random.Random(f"{seed} {number}"), size, rows, stamps)
            plan = Plan(maker, share(state, number, writers), number, writers)
            self.all.append(Writer(url, plan, rate / writers, self._stop))

    def start(self) -> None:
        for writer in self.all:
            writer.start()

    def stop(self) -> None:
        """Stop them all. Raises what stopped one of them before."""
        self._stop.set()
        for writer in self.all:
            writer.join(90)
            if writer.error is not None:
                raise writer.error

    @property
    def written(self) -> int:
        """The number of acknowledged changes."""
        return sum(writer.notes.written for writer in self.all)

    def lost(self, source: State) -> list[str]:
        return [line for writer in self.all for line in writer.notes.lost(source)]
