"""A small application that is written to while it is moved, and what its data must come to: the oracle.

cities <- teams <-> people <- orders <- lines. Names are looked up, people are counted by team, handles are shared by
teams and people, and much of what is written cannot be in the target: texts that are no numbers, ages that are none,
values that another one has, references to nobody.

Nothing here is Crossfade's: plain Python from what the source holds to the rows that must be there. Which of two
records that want one value has it is not decided by the source alone; so the quarantine that was found is judged: every
entry must have a reason that is true, and nobody may be in it who could be in the target.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]
Row = tuple[Any, ...]
Who = tuple[str, Any]
"""(entity, key)"""
Source = Mapping[str, Mapping[Any, Document]]
"""Entity -> key -> document. Lines are an entity of their own, or lists of orders."""
Tables = Mapping[str, Iterable[Row]]

HIDDEN = "99"
"""Who is that old is discarded."""
OLDEST = 150
ENTITIES = ("cities", "teams", "people", "orders", "lines")
TABLES = ("cities", "teams", "team_sizes", "people", "tags", "handles", "orders", "lines")

UNIQUE = {
    "cities": [0], "teams": [0, 2], "team_sizes": [0], "people": [0, 1], "handles": [0], "orders": [0],
}  # fmt: skip
"""Table -> the columns, by place, of which no two rows have the same value."""
REFERENCES = {
    "teams": [(5, "people")], "people": [(3, "teams"), (4, "people")], "orders": [(1, "people")],
    "lines": [(1, "orders")],
}  # fmt: skip
"""Table -> (column, table): the first column of that table has the value."""


def rows_of(source: Source, who: Who) -> dict[str, list[Row]]:
    """Return the rows that a record makes, by table."""
    entity, key = who
    doc = source[entity][key]
    made: dict[str, list[Row]] = {}
    if entity == "cities":
        made["cities"] = [(key, doc["name"], doc["stamp"])]
    if entity == "teams":
        city = source["cities"].get(doc["city"])
        row: Row = (key, doc["name"], doc["slug"], doc["city"], city and city["name"], doc["chief"], doc["stamp"])
        made = {"teams": [row], "team_sizes": [(key, members_of(source, key))], "handles": handles(doc, "t", key)}
    if entity == "people":
        team = source["teams"].get(doc["team"])
        row = (key, doc["email"], number(doc["age"]), doc["team"], doc["boss"], team and team["name"], *notes(doc))
        tags = [(key, place, tag) for place, tag in enumerate(doc["tags"], 1)]
        made = {"people": [row], "tags": tags, "handles": handles(doc, "p", key)}
    if entity == "orders":
        made = {"orders": [order_row(source, key, doc)]}
        if "lines" in doc:
            made["lines"] = [
                (place, key, line["sku"], line["qty"], doc["stamp"]) for place, line in enumerate(doc["lines"], 1)
            ]
    if entity == "lines":
        made["lines"] = [(key, doc["order_id"], doc["sku"], doc["qty"], doc["stamp"])]
    return made


def members_of(source: Source, team: str) -> int:
    return sum(1 for person in source["people"].values() if person["team"] == team)


def order_row(source: Source, key: Any, doc: Document) -> Row:
    """With the lines that name it, where those are records."""
    own = (key, doc["person"], doc["amount"], doc["stamp"])
    if "lines" in doc:
        return (*own, tuple(line["sku"] for line in doc["lines"]))
    named = sorted((number, line["sku"]) for number, line in source["lines"].items() if line["order_id"] == key)
    return (*own, tuple(sku for _, sku in named))


def notes(doc: Document) -> tuple[str | None, int]:
    return doc["bio"], doc["stamp"]


def handles(doc: Document, letter: str, key: Any) -> list[Row]:
    return [(doc["handle"], f"{letter}{key}")] if doc["handle"] is not None else []


def number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def flaw(doc: Document, *, nul: bool = True) -> str | None:
    """Return why a record cannot be in the target whatever else is there, or None."""
    if "age" in doc and number(doc["age"]) is None:
        return "mapping_error"
    if nul and "\0" in (doc.get("bio") or ""):
        return "nul_character"
    return "check" if "age" in doc and int(doc["age"]) >= OLDEST else None


# -- what was found, judged


@dataclass(frozen=True)
class Found:
    """What is in the target: the rows of its tables, the reasons of the open entries of quarantine, and the counts
    (source, copied, quarantined, discarded) that `status` says.
    """

    tables: Mapping[str, Counter[Row]]
    entries: Mapping[Who, str]
    counts: Mapping[str, tuple[int, int, int, int]] = field(default_factory=dict)


def faults(source: Source, found: Found) -> list[str]:
    """Return what is not as it must be, a sentence each."""
    world = _World(source, found)
    return [*world.rows(), *world.reasons(), *world.kept_out(), *world.accounts()]


class _World:
    def __init__(self, source: Source, found: Found) -> None:
        self.source, self.found = source, found
        self.every = {(entity, key): doc for entity, records in source.items() for key, doc in records.items()}
        self.hidden = {who for who, doc in self.every.items() if doc.get("age") == HIDDEN}
        self.out = set(found.entries)
        self._made: dict[Who, dict[str, list[Row]]] = {}

    def made(self, who: Who) -> dict[str, list[Row]]:
        if who not in self._made:
            self._made[who] = rows_of(self.source, who)
        return self._made[who]

    def rows(self) -> Iterator[str]:
        """Every record that is neither in quarantine nor discarded has all its rows, once; nothing else is there."""
        for who in sorted(self.out - (self.every.keys() - self.hidden), key=repr):
            yield f"{who} is in quarantine, and is no record that was to be copied"
        expected: dict[str, Counter[Row]] = {table: Counter() for table in self.found.tables}
        for who in self.every.keys() - self.hidden - self.out:
            for table, rows in self.made(who).items():
                expected[table].update(rows)
        for table, due in expected.items():
            there = self.found.tables[table]
            yield from (f"{table} lacks {short(row)} x {n}" for row, n in (due - there).items())
            yield from (f"{table} has {short(row)} x {n} too many" for row, n in (there - due).items())

    def reasons(self) -> Iterator[str]:
        values, parents = self._taken()
        for who in sorted(self.out & self.every.keys(), key=repr):
            true = self._obstacles(who, values, parents)
            if self.found.entries[who] not in true:
                yield f"{who} is in quarantine for {self.found.entries[who]}; true are {sorted(true)}"

    def kept_out(self) -> Iterator[str]:
        """Records in quarantine that could all be in together: nothing is in their way, no two want one value."""
        values, parents = self._taken()
        chosen = {who for who in self.out & self.every.keys() if not flaw(self.every[who])}
        wanted = Counter(value for who in chosen for value in self._values(who))
        chosen = {who for who in chosen if all(wanted[v] == 1 and v not in values for v in self._values(who))}
        while True:
            beside = parents | {value for who in chosen for value in self._parents(who)}
            stay = {who for who in chosen if self._needs(who) <= beside}
            if stay == chosen:
                break
            chosen = stay
        yield from (
            f"{who} is in quarantine for {self.found.entries[who]}, and could be in the target" for who in chosen
        )

    def accounts(self) -> Iterator[str]:
        for entity, said in self.found.counts.items():
            own = {who for who in self.every if who[0] == entity}
            parts = (own, own - self.hidden - self.out, own & self.out, own & self.hidden)
            true = tuple(map(len, parts))
            if said != true:
                yield f"{entity}: the counts are {said}, and must be {true}"

    def _taken(self) -> tuple[set[Row], set[Row]]:
        """The values of the target that no other row may have, and those that others may refer to."""
        values, parents = set[Row](), set[Row]()
        for table, rows in self.found.tables.items():
            values |= {(table, place, row[place]) for row in rows for place in UNIQUE.get(table, ())}
            parents |= {(table, row[0]) for row in rows}
        return values, parents

    def _values(self, who: Who) -> set[Row]:
        return {
            (table, place, row[place])
            for table, rows in self.made(who).items()
            for row in rows
            for place in UNIQUE.get(table, ())
            if row[place] is not None
        }

    def _parents(self, who: Who) -> set[Row]:
        return {(table, row[0]) for table, rows in self.made(who).items() for row in rows}

    def _needs(self, who: Who) -> set[Row]:
        return {
            (parent, row[place])
            for table, rows in self.made(who).items()
            for row in rows
            for place, parent in REFERENCES.get(table, ())
            if row[place] is not None
        }

    def _obstacles(self, who: Who, values: set[Row], parents: set[Row]) -> set[str]:
        found = {flaw(self.every[who])} - {None}
        if "mapping_error" in found:
            return {"mapping_error"}
        found |= {"unique"} if self._values(who) & values else set()
        found |= {"foreign_key"} if self._needs(who) - parents - self._parents(who) else set()
        return found  # type: ignore[return-value]


def short(row: Row) -> str:
    text = repr(row)
    return text if len(text) < 160 else text[:150] + "...)"
