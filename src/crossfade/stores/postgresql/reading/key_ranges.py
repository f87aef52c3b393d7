"""Keys of a PostgreSQL table as SQL: their order, ranges of them, and lists.

Rows are compared by the key's own types, in the order of its index. Rows of a table without a key are identified by
their place in the file (`ctid`, after the number of the partition), which is valid for one snapshot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from crossfade.records.rows.keys import texts_of_key
from crossfade.stores.postgresql.reading.lookup import literal, text_array
from crossfade.stores.postgresql.reading.relations import PARTITIONED, Relation, RelationKey, SourceColumn


@dataclass(frozen=True)
class KeySql:
    """`parts`: the expressions over `t` that make up the key. `types`: the types to which their texts are cast.
    `equating`: the numbers of parts of which different texts may be equal: their bytes are compared, too.
    """

    parts: tuple[str, ...]
    types: tuple[str, ...]
    equating: frozenset[int] = frozenset()

    @property
    def is_place(self) -> bool:
        """Return whether the key is the place of a row in one file (`ctid`)."""
        return self.parts == ("t.ctid",)

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the parts as text."""
        return tuple(f"{part}::text" for part in self.parts)

    @property
    def order(self) -> str:
        return ", ".join(self.parts)

    def within(self, lower: str | None, upper: str | None) -> str:
        """Return the condition that a row's key is from `lower` on, and before `upper`."""
        found = [f"{self._row} >= {self._value(lower)}"] if lower is not None else []
        found += [f"{self._row} < {self._value(upper)}"] if upper is not None else []
        return " AND ".join(found) or "true"

    def one_of(self, keys: Sequence[str]) -> tuple[str, str]:
        """Return rows of `k` to join (or ""), and the condition that `t` has one of these keys."""
        split = [texts_of_key(key) for key in keys]
        if any(len(texts) != len(self.parts) for texts in split):
            split = [texts for texts in split if len(texts) == len(self.parts)]
        for i in (i for i, type_ in enumerate(self.types) if type_ == "bigint"):
            if not all(texts[i].isdecimal() for texts in split):  # the usual case: ids
                whole = [(texts, _whole(texts[i])) for texts in split]
                split = [[*texts[:i], number, *texts[i + 1 :]] for texts, number in whole if number is not None]
        arrays = [text_array([texts[i] for texts in split]) for i in range(len(self.parts))]
        if len(arrays) == 1:
            found = f"{self.parts[0]} = ANY(ARRAY(SELECT k.k0::{self.types[0]} FROM unnest({arrays[0]}) AS k(k0)))"
            return "", f"{found} AND {_bytes(self.parts[0])} = ANY({arrays[0]})" if self.equating else found
        names = ", ".join(f"k{i}" for i in range(len(arrays)))
        equal = [f"{part} = k.k{i}::{self.types[i]}" for i, part in enumerate(self.parts)]
        equal += [f"{_bytes(self.parts[i])} = k.k{i}" for i in sorted(self.equating)]
        return f"unnest({', '.join(arrays)}) AS k({names})", " AND ".join(equal)

    @property
    def _row(self) -> str:
        return self.parts[0] if len(self.parts) == 1 else f"({self.order})"

    def _value(self, key: str) -> str:
        texts = texts_of_key(key)
        cast = [f"{literal(text)}::{type_}" for text, type_ in zip(texts, self.types, strict=True)]
        return cast[0] if len(cast) == 1 else f"({', '.join(cast)})"


def _whole(text: str) -> str | None:
    """Return a number as a bigint; None for one that equals none: its cast would be an error."""
    found = re.fullmatch(r"(-?[0-9]{1,19})(?:\.0*)?", text)
    return found[1] if found is not None and -(2**63) <= int(found[1]) < 2**63 else None


def _bytes(part: str) -> str:
    return f'{part}::text COLLATE "C"'


def of_columns(columns: Sequence[SourceColumn]) -> KeySql:
    equating = frozenset(number for number, column in enumerate(columns) if column.equates)
    return KeySql(tuple(c.sql for c in columns), tuple(c.cast for c in columns), equating)


def key_sql(relation: Relation, key: RelationKey) -> KeySql:
    if key.columns:
        return of_columns(key.columns)
    if relation.kind == PARTITIONED:
        return KeySql(("t.tableoid", "t.ctid"), ("oid", "tid"))
    return KeySql(("t.ctid",), ("tid",))
