"""Map some documents without writing anything, neither to the target nor to a journal."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from crossfade.model.batch import Batch, Column
from crossfade.model.events import Listener, RecordsSampled
from crossfade.model.program import Program
from crossfade.model.rejection import Rejection
from crossfade.model.shape import Shape
from crossfade.model.target import TargetTable
from crossfade.records.codec import Codec, ColumnReader
from crossfade.stores.contract import Reader
from crossfade.transform.engine import Engine
from crossfade.transform.lookup import LookupReader, fetched
from crossfade.transform.transform import TableRows, Transformer, keep_roots

AT_ONCE = 500
"""The number of documents of a sample that are fetched and mapped at once."""


@dataclass(frozen=True)
class Previewed:
    """A document with its result: rows, a refusal, or (`discarded`) nothing on purpose."""

    entity: str
    key: str | None
    raw: bytes
    rows: tuple[TableRows, ...] = ()
    refused: Rejection | None = None
    discarded: bool = False


class Mapper:
    """Maps raw documents of any entity, using only the source and the mapping."""

    def __init__(
        self,
        program: Program,
        shapes: Mapping[str, Shape],
        tables: Mapping[str, TargetTable],
        reader: Reader,
        codec: Codec,
        engine: Engine,
    ) -> None:
        self._program, self.shapes, self._tables, self._engine = program, shapes, tables, engine
        self._reader, self._codec = reader, codec
        self._transformers: dict[str, Transformer] = {}
        self._transcoders: dict[tuple[str, tuple[Column, ...]], ColumnReader] = {}

    def map(self, entity: str, raws: Sequence[bytes]) -> list[Previewed]:
        """Return one result for each document, in order."""
        if not raws:
            return []
        batch = self._transcode(self.shapes[entity], self._program.feeds[entity].columns, b"".join(raws))
        mapped = self._carrier(entity).map(batch)
        rejections = {m.row: m for m in mapped.rejections}
        aside = {a.row: a for a in batch.rejected}
        out, row = [], 0
        for position in range(len(batch.raws) + len(batch.rejected)):
            if position in aside:
                a = aside[position]
                out.append(Previewed(entity, a.key, a.raw, refused=Rejection(0, a.reason, a.said)))
                continue
            raw = batch.raws[row]
            parts = tuple(p for p in (keep_roots(t, {row}) for t in mapped.tables) if p.rows.num_rows)
            out.append(Previewed(entity, batch.keys[row], raw, parts, rejections.get(row), row in mapped.discarded))
            row += 1
        return out

    def _carrier(self, entity: str) -> Transformer:
        if entity not in self._transformers:
            lookups = LookupReader(
                self.shapes, fetched(self._reader.fetch, self._transcode), self._transcode, self._codec
            )
            self._transformers[entity] = Transformer(self._program.feeds[entity], self._tables, self._engine, lookups)
        return self._transformers[entity]

    def _transcode(self, shape: Shape, columns: Sequence[Column], raw: bytes) -> Batch:
        key = (shape.entity, tuple(columns))
        if key not in self._transcoders:
            self._transcoders[key] = self._codec.reader(shape, columns)
        return self._transcoders[key].read(raw)


def first_of(reader: Reader, codec: Codec, entity: str, limit: int, target_bytes: int) -> list[bytes]:
    """Return the first documents of an entity, in the order of its keys."""
    found: list[bytes] = []
    for chunk in reader.chunks(entity, target_bytes=target_bytes):
        for piece in reader.raw(chunk):
            found += codec.split(piece)
            if len(found) >= limit:
                return found[:limit]
    return found


def with_keys(reader: Reader, codec: Codec, shape: Shape, keys: Sequence[str]) -> list[bytes]:
    """Return the documents of an entity with one of these keys."""
    return [raw for reply in reader.fetch(shape.entity, codec.key_path, keys, shape) for raw in codec.split(reply)]


# -- a sample


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate for all `records` from `count` of `sampled` ones: between `low` and `high` with 95 % confidence."""

    count: int
    sampled: int
    records: int

    @property
    def likely(self) -> int:
        return round(self.count * self.records / self.sampled) if self.sampled else 0

    @property
    def low(self) -> int:
        return max(self.count, math.floor(self._bounds[0] * self.records))

    @property
    def high(self) -> int:
        return min(self.records - (self.sampled - self.count), math.ceil(self._bounds[1] * self.records))

    @property
    def _bounds(self) -> tuple[float, float]:
        """Return Wilson's interval. It is exact if all records were sampled."""
        if not self.sampled or self.sampled >= self.records:
            share = self.count / self.sampled if self.sampled else 0.0
            return share, share
        z, n = 1.959964, self.sampled
        p = self.count / n
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass
class SampleCause:
    """Refusals of a sample with the same reason at the same place; `examples` has the first ones with their details."""

    reason: str
    table: str | None
    column: str | None
    count: int = 0
    examples: list[tuple[str | None, str]] = field(default_factory=list)


@dataclass
class Sample:
    """The result of a sample of an entity's records."""

    entity: str
    records: int = 0
    sampled: int = 0
    discarded: int = 0
    causes: dict[tuple[str, str | None, str | None], SampleCause] = field(default_factory=dict)

    @property
    def refused(self) -> Estimate:
        return self.estimate(sum(c.count for c in self.causes.values()))

    def estimate(self, count: int) -> Estimate:
        return Estimate(count, self.sampled, self.records)

    def add(self, one: Previewed, examples: int = 3) -> None:
        self.sampled += 1
        self.discarded += one.discarded
        if one.refused is not None:
            m = one.refused
            cause = self.causes.setdefault((m.reason, m.table, m.column), SampleCause(m.reason, m.table, m.column))
            cause.count += 1
            if len(cause.examples) < examples:
                cause.examples.append((one.key, m.detail))


def sample(mapper: Mapper, reader: Reader, codec: Codec, entity: str, size: int, listen: Listener) -> Sample:
    """Map `size` records of an entity, drawn at random from all its keys; always the same ones."""
    keys, records = drawn(reader, codec, entity, size)
    found = Sample(entity, records)
    for at in range(0, len(keys), AT_ONCE):
        previewed = mapper.map(entity, with_keys(reader, codec, mapper.shapes[entity], keys[at : at + AT_ONCE]))
        for one in previewed:
            found.add(one)
        listen(RecordsSampled(entity, len(previewed), sum(p.refused is not None for p in previewed)))
    found.records = max(found.records, found.sampled)
    return found


def drawn(reader: Reader, codec: Codec, entity: str, size: int) -> tuple[list[str], int]:
    """Return the keys of a random sample (reservoir sampling), and the number of all keys."""
    chance = random.Random(f"crossfade {entity}")
    kept: list[str] = []
    skip, weight, seen = 0, 1.0, 0
    for raw in _each(reader, codec, entity):
        seen += 1
        if len(kept) < size:
            if (key := codec.key(raw)) is not None:
                kept.append(key)
            if len(kept) == size:
                weight, skip = _next(chance, weight, size)
        elif skip:
            skip -= 1
        else:
            if (key := codec.key(raw)) is not None:
                kept[chance.randrange(size)] = key
            weight, skip = _next(chance, weight, size)
    return kept, seen


def _next(chance: random.Random, weight: float, size: int) -> tuple[float, int]:
    """Return how many records to skip before the next sampled one (Vitter's algorithm L)."""
    weight *= math.exp(math.log(1.0 - chance.random()) / size)
    return weight, math.floor(math.log(1.0 - chance.random()) / math.log1p(-weight)) if weight < 1 else 0


def _each(reader: Reader, codec: Codec, entity: str) -> Iterator[bytes]:
    return (raw for piece in reader.keys(entity) for raw in codec.split(piece))
