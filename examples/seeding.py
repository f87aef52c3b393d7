"""What the examples' seed.py files share: ids, dates, words, planted flaws, and two ways out (a server, a dump).

Every document is a function of (entity, number) alone, so any part of the data can be made again, in any order, and
at any scale the planted flaws are the same documents with the same ids.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bson
from bson import ObjectId
from bson.datetime_ms import DatetimeMS

Document = dict[str, Any]

FLAWED = 8_000_000  # flawed documents have numbers from here on: their ids come after all clean ones
CAST = 9_000_000  # clean users that exist at every scale, for flawed documents to point to
GONE = 9_500_000  # numbers of documents that were deleted: they are never made

_EPOCH = datetime(2023, 9, 1, 6, 0, tzinfo=UTC)
_SPACING_MS = 11_000


def oid(entity: str, number: int) -> ObjectId:
    """The ObjectId of document `number`: its time grows with the number, as it does where documents are inserted."""
    seconds = int(_EPOCH.timestamp()) + number * _SPACING_MS // 1000
    machine = hashlib.sha256(entity.encode()).digest()[:5]
    return ObjectId(struct.pack(">I", seconds) + machine + struct.pack(">I", number)[1:])


def born(number: int) -> datetime:
    """When document `number` was made: the second of its ObjectId, and some milliseconds."""
    return _EPOCH + timedelta(milliseconds=number * _SPACING_MS + number * 7919 % 1000)


def iso(moment: datetime) -> str:
    """As JSON.stringify writes a Date."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def year(number: int) -> DatetimeMS:
    """New year's midnight of any year, also of those that Python's datetime cannot hold."""
    days = 365 * (number - 1970) + _leaps(number - 1) - _leaps(1969)
    return DatetimeMS(days * 86_400_000)


def _leaps(last: int) -> int:
    return last // 4 - last // 100 + last // 400


@dataclass(frozen=True)
class Flaw:
    """Documents planted on purpose: `count` of them in `entity`, each a clean document that `change` spoilt.

    `ends` says where each of them is after the move: "copied", "discarded", or "quarantined:<reason>"; where a target
    holds it differently, `ends_in` says so (target scheme -> end). `change` gets the document and its place in it.
    """

    name: str
    entity: str
    count: int
    what: str
    ends: str
    change: Callable[[Document, int], object]
    ends_in: Mapping[str, str] | None = None
    breaks: str | None = None  # the rule under rules/ that the copied rows break; planted only when asked for

    def end(self, scheme: str) -> str:
        return (self.ends_in or {}).get(scheme, self.ends)


def put(path: str, *values: Any) -> Callable[[Document, int], object]:
    """A change that sets `path` (dots between steps, numbers step into arrays): the i-th value in the i-th document."""

    def change(document: Document, i: int) -> None:
        place, last = _walk(document, path)
        value = values[i % len(values)]
        place[last] = value(document) if callable(value) else value

    return change


def drop(path: str) -> Callable[[Document, int], object]:
    """A change that removes the field at `path`."""

    def change(document: Document, i: int) -> None:
        place, last = _walk(document, path)
        place.pop(last, None)

    return change


def _walk(document: Any, path: str) -> tuple[Any, Any]:
    *steps, last = [int(s) if s.isdigit() else s for s in path.split(".")]
    for step in steps:
        document = document[step]
    return document, last


@dataclass(frozen=True)
class Planted:
    """One flawed document as it stands in the source."""

    flaw: Flaw
    key: Any
    document: Document


@dataclass(frozen=True)
class System:
    """An application's database: how many documents each entity has at scale 1, how one is made, and its flaws."""

    name: str
    sizes: Mapping[str, int]
    make: Mapping[str, Callable[[int, Sizes], Document]]
    flaws: Sequence[Flaw]
    indexes: Mapping[str, Sequence[Sequence[str]]]

    def at(self, scale: float) -> Sizes:
        return Sizes({entity: max(MINIMUM, round(n * scale)) for entity, n in self.sizes.items()})

    def planted(self, scale: float = 1.0, *, break_rules: bool = False) -> Iterator[Planted]:
        """The flawed documents, in the order of `flaws`."""
        sizes, used = self.at(scale), dict.fromkeys(self.sizes, 0)
        for flaw in self.flaws:
            for i in range(flaw.count):
                number = FLAWED + used[flaw.entity]
                used[flaw.entity] += 1
                if flaw.breaks and not break_rules:
                    continue
                document = self.make[flaw.entity](number, sizes)
                flaw.change(document, i)
                yield Planted(flaw, document["_id"], document)

    def documents(self, entity: str, scale: float = 1.0, *, break_rules: bool = False) -> Iterator[Document]:
        """All documents of an entity: the clean ones, those that flaws point to, the flawed ones."""
        sizes, make = self.at(scale), self.make[entity]
        yield from (make(n, sizes) for n in range(sizes[entity]))
        if entity == "users":
            yield from (make(CAST + n, sizes) for n in range(CAST_SIZE))
        yield from (p.document for p in self.planted(scale, break_rules=break_rules) if p.flaw.entity == entity)

    def expected(self, scheme: str, scale: float = 1.0, *, break_rules: bool = False) -> dict[str, dict[str, int]]:
        """What the count equation must say after the move: entity -> source, copied, quarantined, discarded."""
        sizes = self.at(scale)
        counts = {
            e: {"source": n + CAST_SIZE * (e == "users"), "quarantined": 0, "discarded": 0} for e, n in sizes.items()
        }
        for planted in self.planted(scale, break_rules=break_rules):
            end = planted.flaw.end(scheme).partition(":")[0]
            counts[planted.flaw.entity]["source"] += 1
            if end != "copied":
                counts[planted.flaw.entity][end] += 1
        return {e: c | {"copied": c["source"] - c["quarantined"] - c["discarded"]} for e, c in counts.items()}


MINIMUM = 20  # of each entity at the smallest scale, so that flaws always have clean neighbours
CAST_SIZE = 120


class Sizes(dict[str, int]):
    """How many clean documents each entity has."""

    def one(self, entity: str, rng: random.Random) -> ObjectId:
        return oid(entity, rng.randrange(self[entity]))


def rng_of(entity: str, number: int) -> random.Random:
    return random.Random(f"crossfade/{entity}/{number}")


def cast(number: int) -> ObjectId:
    """A clean user of its own for flawed document `number`, so that it clashes with nobody over unique pairs."""
    return oid("users", CAST + number % CAST_SIZE)


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Our own words: enough for sizes and shapes that are like the real ones.
FIRST_NAMES = _split(
    "Ada Amara Anouk Bao Beatriz Chidi Clara Dalia Elif Emeka Farah Femi Greta Hana Idris Ines Jonas Kaito Leila Lena "
    "Malik Mei Mirjam Nadia Nils Noor Olu Paloma Priya Quentin Rafa Rosa Sana Sven Tala Tomas Uma Vera Wanjiru Yusuf"
)
LAST_NAMES = _split(
    "Abara Bergström Castillo Dvořák Eze Fontaine García Hoffmann Ito Jensen Kowalski Lindqvist Müller Nakamura Okafor "
    "O'Brien Petrov Quispe Rossi Sørensen Tanaka Ueda Varga Wójcik Xu Yılmaz Zhang Achterberg Baptiste Costa"
)
WORDS = _split(
    "the a of to in and that it with for on as argument draft reader voice paragraph evidence source claim scene story "
    "memory river city window letter question answer sentence revision structure theme character dialogue image rhythm "
    "system network packet signal protocol attack defence layer key access record pattern method reason example result "
    "shows follows suggests reveals builds keeps turns finds asks opens closes carries breaks holds grows moves "
    "clear early late small open strong careful honest quiet strange simple hidden common public first second last new "
    "because although while after before between without through against toward under across beyond within café naïve"
)


def words(rng: random.Random, count: int) -> str:
    return " ".join(rng.choices(WORDS, k=count))


def sentence(rng: random.Random, least: int = 6, most: int = 18) -> str:
    return words(rng, rng.randint(least, most)).capitalize() + "."


def text(rng: random.Random, sentences: int) -> str:
    return " ".join(sentence(rng) for _ in range(sentences))


def title(rng: random.Random, least: int = 3, most: int = 7) -> str:
    return words(rng, rng.randint(least, most)).title()


def bcrypt_like(rng: random.Random) -> str:
    """Text of the size and alphabet of a bcrypt hash; it is the hash of nothing."""
    letters = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return "$2b$12$" + "".join(rng.choices(letters, k=53))


def sometimes(rng: random.Random, share: float, document: Document, **fields: Any) -> None:
    """Adds the fields to a part of the documents; the others have them missing, as optional fields are."""
    if rng.random() < share:
        document.update(fields)


def fill(url: str, system: System, scale: float, *, break_rules: bool) -> dict[str, int]:
    """Fills the database that the URL names, dropping what stands there; the number of documents of each entity."""
    from pymongo import MongoClient

    counts = {}
    with MongoClient[Document](url) as client:
        database = client.get_default_database()
        for entity in system.sizes:
            collection = database[entity]
            collection.drop()
            counts[entity] = 0
            for batch in _batches(system.documents(entity, scale, break_rules=break_rules), 1000):
                collection.insert_many(batch, ordered=False)
                counts[entity] += len(batch)
            for fields in system.indexes.get(entity, ()):
                collection.create_index([(f, 1) for f in fields])
    return counts


def _batches(documents: Iterable[Document], size: int) -> Iterator[list[Document]]:
    batch: list[Document] = []
    for document in documents:
        batch.append(document)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def dump(folder: Path, system: System, scale: float, *, break_rules: bool) -> dict[str, int]:
    """Writes what mongodump would: `<folder>/<system>/<entity>.bson` and its metadata; returns the number of each."""
    root, counts = folder / system.name, {}
    root.mkdir(parents=True, exist_ok=True)
    for entity in system.sizes:
        counts[entity] = 0
        with (root / f"{entity}.bson").open("wb") as out:
            for document in system.documents(entity, scale, break_rules=break_rules):
                out.write(bson.encode(document))
                counts[entity] += 1
        (root / f"{entity}.metadata.json").write_text(_metadata(entity, system), encoding="utf-8")
    return counts


def _metadata(entity: str, system: System) -> str:
    keys = [["_id"], *system.indexes.get(entity, ())]
    indexes = [
        {"v": {"$numberInt": "2"}, "key": {f: {"$numberInt": "1"} for f in fields}, "name": _index_name(fields)}
        for fields in keys
    ]
    uuid = hashlib.sha256(f"{system.name}.{entity}".encode()).hexdigest()[:32]
    return json.dumps({"indexes": indexes, "uuid": uuid, "collectionName": entity, "type": "collection"})


def _index_name(fields: Sequence[str]) -> str:
    return "_id_" if list(fields) == ["_id"] else "_".join(f"{f}_1" for f in fields)


def main(system: System, description: str) -> None:
    """The command line of a seed.py."""
    parser = argparse.ArgumentParser(description=description)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", help="fill this database: mongodb://host/name")
    where.add_argument("--dump", type=Path, metavar="DIR", help="write a mongodump folder")
    where.add_argument("--flaws", action="store_true", help="print the planted flaws and where each ends")
    parser.add_argument("--scale", type=float, default=1.0, help="1.0 is a few thousand documents")
    parser.add_argument("--break-rules", action="store_true", help="also plant records that break the business rules")
    given = parser.parse_args()
    if given.flaws:
        print(flaw_table(system))
        return
    start = time.perf_counter()
    if given.url:
        counts = fill(given.url, system, given.scale, break_rules=given.break_rules)
    else:
        counts = dump(given.dump, system, given.scale, break_rules=given.break_rules)
    for entity, count in counts.items():
        print(f"{entity:24}{count:>10,}")
    print(f"{'in all':24}{sum(counts.values()):>10,}   {time.perf_counter() - start:.1f} s")


def flaw_table(system: System) -> str:
    """The flaws as a Markdown table, for the README."""
    lines = ["| entity | records | what is wrong | where it ends |", "|---|---|---|---|"]
    for f in sorted(system.flaws, key=lambda f: list(system.sizes).index(f.entity)):
        end = _words(f.ends)
        end += "".join(f" ({scheme}: {_words(other)})" for scheme, other in (f.ends_in or {}).items())
        end += f", breaks rule `{f.breaks}` (only with `--break-rules`)" if f.breaks else ""
        lines.append(f"| {f.entity} | {f.count} | {f.what} | {end} |")
    return "\n".join(lines)


def _words(end: str) -> str:
    return end.replace("quarantined:", "quarantined, ")
