"""Two tables with a column of every kind, rows for them, and ways to corrupt a row that a verification must find."""

from __future__ import annotations

import json
import math
import random
import struct
import unicodedata
import uuid
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from crossfade.model.canonical import arrow_schema
from crossfade.model.target import TargetTable

SCHEMA = """
CREATE TYPE mood AS ENUM ('calm', 'Calm', 'angry', '');
CREATE TABLE everything (
    id uuid PRIMARY KEY, n int4, big int8, tiny int2, title text, nothing text, empty text, code varchar(60),
    tag char(8), zero float8, ratio float8, small float4, price numeric, cost numeric(12, 2), flag bool, at timestamptz,
    local timestamp, day date, clock time, doc jsonb, kept json, ref uuid, mood mood, tags text[], marks int4[],
    ratios float8[], data bytea,
    spare text, spares int4[], stamped timestamptz DEFAULT now()
);
CREATE TABLE lines (owner uuid, position int4, note text, PRIMARY KEY (owner, position));
"""

Row = dict[str, Any]
"""A row in canonical Python values: times as integers, UUIDs as bytes."""


def everything_row(r: random.Random) -> Row:
    words = [
        r.choice(["Straße", "naïve", "plain", "Ω-value", "x", "tab\there", "日本語", "a'b\"c\\d"]) for _ in range(4)
    ]
    doc = {
        "n": r.randrange(10**6),
        "long": 12345678901234567890 + r.randrange(100),
        "part": r.random(),
        "on": r.random() < 0.5,
        "none": None,
        "list": [r.randrange(10, 99) for _ in range(3)] + [1000],
        "inner": {"key": "v" + str(r.randrange(1000)), "Key": "other"},
    }
    return {
        "id": r.randbytes(16),
        "n": r.randrange(-(2**31), 2**31 - 1),
        "big": r.randrange(2**53, 2**62),
        "tiny": r.randrange(-100, 100),
        "title": "T" + " ".join(words) + "e\u0301é",
        "nothing": None,
        "empty": "",
        "code": "code " + str(r.randrange(10**9)),
        "tag": r.choice(["abc", "ABC", "a b"]),
        "zero": 0.0,
        "ratio": r.uniform(-1e6, 1e6),
        "small": struct.unpack("<f", struct.pack("<f", r.uniform(-1e3, 1e3)))[0],
        "price": f"{r.randrange(10**20)}.{r.randrange(10**9):09}",
        "cost": f"{r.randrange(10**9)}.{r.randrange(100):02}",
        "flag": r.random() < 0.5,
        "at": r.randrange(-(10**16), 10**16),
        "local": r.randrange(10**16),
        "day": r.randrange(-10000, 30000),
        "clock": r.randrange(86_400_000_000 - 1),
        "doc": json.dumps(doc, separators=(",", ":")),
        "kept": json.dumps({"b": r.randrange(1000), "a": [1, 2]}),
        "ref": r.randbytes(16),
        "mood": r.choice(["calm", "Calm", "angry"]),
        "tags": ["x" + str(r.randrange(100)), "null", None, "y" + str(r.randrange(100))],
        "marks": [r.randrange(100), 200, None],
        "ratios": [0.0, r.random()],
        "data": r.randbytes(r.randrange(1, 40)),
    }


def line_rows(r: random.Random, owner: bytes) -> list[Row]:
    return [{"owner": owner, "position": i, "note": f"note {r.randrange(10**6)}"} for i in range(3)]


def as_table(table: TargetTable, rows: list[Row]) -> pa.Table:
    """As a mapping makes it that fills the columns of `rows`, and no others."""
    names = [c.name for c in table.columns if c.name in rows[0]]
    schema = arrow_schema(table, names)
    return pa.table([pa.array([row[n] for row in rows], schema.field(n).type) for n in names], schema=schema)


# -- ways to corrupt one value: (column, SQL expression with one parameter, the parameter)

Corruption = tuple[str, str, Any]
Corrupt = Callable[[Row, random.Random], Corruption]


def _change(column: str, change: Callable[[Any, random.Random], Any], sql: str = "%s") -> Corrupt:
    return lambda row, r: (column, sql, change(row[column], r))


def _sql(column: str, expression: str) -> Corrupt:
    return lambda row, r: (column, expression, None)


def _doc(column: str, edit: Callable[[dict[str, Any], random.Random], None]) -> Corrupt:
    def corrupt(row: Row, r: random.Random) -> Corruption:
        value = json.loads(row[column])
        edit(value, r)
        return column, "%s::jsonb" if column == "doc" else "%s::json", json.dumps(value)

    return corrupt


def _character(text: str, r: random.Random) -> str:
    i = r.randrange(len(text))
    other = r.choice([c for c in "abcxyzЖé0 " if c != text[i]])
    return text[:i] + other + text[i + 1 :]


def _case(text: str, r: random.Random) -> str:
    places = [i for i, c in enumerate(text) if c.isascii() and c.isalpha()]
    i = r.choice(places)
    return text[:i] + text[i].swapcase() + text[i + 1 :]


def _byte(data: bytes, r: random.Random) -> bytes:
    i = r.randrange(len(data))
    return data[:i] + bytes([data[i] ^ (1 << r.randrange(8))]) + data[i + 1 :]


def _bit(data: bytes, r: random.Random) -> str:
    return str(uuid.UUID(bytes=_byte(data, r)))


def _last_digit(text: str, r: random.Random) -> str:
    return text[:-1] + str((int(text[-1]) + 1) % 10)


def _next_float4(value: float, r: random.Random) -> float:
    (bits,) = struct.unpack("<i", struct.pack("<f", value))
    return float(struct.unpack("<f", struct.pack("<i", bits ^ 1))[0])


def _renamed(doc: dict[str, Any], r: random.Random) -> None:
    doc[r.choice(["N", "n ", "ñ"])] = doc.pop("n")


def _swapped_inside(doc: dict[str, Any], r: random.Random) -> None:
    doc["inner"]["key"], doc["inner"]["Key"] = doc["inner"]["Key"], doc["inner"]["key"]


CORRUPTIONS: dict[str, Corrupt] = {
    "a changed character": _change("title", _character),
    "another case": _change("title", _case),
    "a trailing space": _change("title", lambda v, r: v + " "),
    "a leading space": _change("code", lambda v, r: " " + v),
    "a trailing space in varchar": _change("code", lambda v, r: v + " "),
    "a trailing newline": _change("title", lambda v, r: v + "\n"),
    "composed letters": _change("title", lambda v, r: unicodedata.normalize("NFC", v)),
    "a letter that is not seen": _change("title", lambda v, r: v[:2] + "\u200b" + v[2:]),
    "a lost character": _change("title", lambda v, r: v[:-1]),
    "NULL for empty text": _sql("empty", "NULL"),
    "empty text for NULL": _change("nothing", lambda v, r: ""),
    "the word NULL for NULL": _change("nothing", lambda v, r: "NULL"),
    "NULL for text": _sql("title", "NULL"),
    "char": _change("tag", lambda v, r: v + "."),
    "char, in another case": _change("tag", lambda v, r: v.swapcase()),
    "int4 plus one": _sql("n", "n + 1"),
    "int8 plus one": _sql("big", "big + 1"),
    "int2 negated": _sql("tiny", "(tiny + 1000)::int2"),
    "-0.0 for 0.0": _sql("zero", "'-0'::float8"),
    "NULL for zero": _sql("zero", "NULL"),
    "a float's last bit": _change("ratio", lambda v, r: math.nextafter(v, math.inf)),
    "NaN": _sql("ratio", "'NaN'::float8"),
    "Infinity": _sql("ratio", "'Infinity'::float8"),
    "a float4's last bit": _change("small", _next_float4),
    "numeric scale": _sql("price", "(price::text || '0')::numeric"),
    "numeric, last digit": _change("price", _last_digit, "%s::numeric"),
    "numeric NaN": _sql("price", "'NaN'::numeric"),
    "a cent": _sql("cost", "cost + 0.01"),
    "a flipped bool": _sql("flag", "NOT flag"),
    "NULL for bool": _sql("flag", "NULL"),
    "a microsecond": _sql("at", "at + interval '1 microsecond'"),
    "an hour": _sql("at", "at - interval '1 hour'"),
    "infinity": _sql("at", "'infinity'::timestamptz"),
    "a microsecond of timestamp": _sql("local", "local - interval '1 microsecond'"),
    "a day": _sql("day", "day + 1"),
    "a microsecond of time": _sql("clock", "clock + interval '1 microsecond'"),
    "a digit in jsonb": _doc("doc", lambda d, r: d.update(n=d["n"] + 1)),
    "the last digit of a long number in jsonb": _doc("doc", lambda d, r: d.update(long=d["long"] + 1)),
    "a jsonb key renamed": _doc("doc", _renamed),
    "a jsonb key lost": _doc("doc", lambda d, r: d.pop("none")),
    "a jsonb null filled": _doc("doc", lambda d, r: d.update(none="")),
    "a jsonb number as text": _doc("doc", lambda d, r: d.update(n=str(d["n"]))),
    "a jsonb boolean as number": _doc("doc", lambda d, r: d.update(on=int(d["on"]))),
    "a jsonb boolean flipped": _doc("doc", lambda d, r: d.update(on=not d["on"])),
    "a jsonb array in another order": _doc("doc", lambda d, r: d["list"].reverse()),
    "jsonb values swapped": _doc("doc", _swapped_inside),
    "NULL for jsonb": _sql("doc", "NULL"),
    "the jsonb null for jsonb": _sql("doc", "'null'::jsonb"),
    "json in another order": _sql("kept", "kept::jsonb::json"),
    "a digit in json": _doc("kept", lambda d, r: d.update(b=d["b"] + 1)),
    "a uuid's bit": _change("ref", _bit, "%s::uuid"),
    "another label": _change("mood", lambda v, r: {"calm": "Calm", "Calm": "calm"}.get(v, "calm"), "%s::mood"),
    "the empty label": _change("mood", lambda v, r: "", "%s::mood"),
    "an array in another order": _change("tags", lambda v, r: v[::-1]),
    "an array element null": _change("tags", lambda v, r: [None, *v[1:]]),
    "the word null in an array": _change("tags", lambda v, r: [*v[:2], "null", v[3]]),
    "NULL for the word null in an array": _change("tags", lambda v, r: [v[0], None, *v[2:]]),
    "an array element lost": _change("tags", lambda v, r: v[:-1]),
    "an array element twice": _change("marks", lambda v, r: [*v, v[-1]], "%s::int4[]"),
    "an empty array": _sql("marks", "'{}'"),
    "NULL for an array": _sql("marks", "NULL"),
    "a number in an array": _change("marks", lambda v, r: [v[0] + 1, *v[1:]], "%s::int4[]"),
    "-0.0 in an array": _change("ratios", lambda v, r: [-0.0, v[1]], "%s::float8[]"),
    "an array of two dimensions": _sql("marks", "ARRAY[marks]"),
    "a byte": _change("data", _byte),
    "a byte more": _change("data", lambda v, r: v + b"\0"),
    "NULL for bytes": _sql("data", "NULL"),
    "a value that no mapping made": _sql("spare", "'x'"),
    "empty text where no mapping fills": _sql("spare", "''"),
    "an empty array where no mapping fills": _sql("spares", "'{}'"),
}
