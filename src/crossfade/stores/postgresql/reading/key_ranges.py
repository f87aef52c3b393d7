"""Keys of a PostgreSQL table as SQL: their order, ranges of them, and lists.

Rows are compared by the key's own types, in the order of its index. Where a table has no key, a row is known by its
place in the file (`ctid`, of partitions with the partition's number before it), which holds for one snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crossfade.records.rows.keys import texts_of_key
from crossfade.stores.postgresql.reading.lookup import literal, text_array
from crossfade.stores.postgresql.reading.relations import PARTITIONED, Key, Relation


@dataclass(frozen=True)
class KeySql:
    """`parts` are the expressions over `t` that make the key, `types` what a text of each is cast to."""

    parts: tuple[str, ...]
    types: tuple[str, ...]

    @property
    def is_place(self) -> bool:
        """Return whether it is the place of a row in one file."""
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
        arrays = [text_array([texts[i] for texts in split]) for i in range(len(self.parts))]
        if len(arrays) == 1:
            return "", f"{self.parts[0]} = ANY(ARRAY(SELECT k.k0::{self.types[0]} FROM unnest({arrays[0]}) AS k(k0)))"
        names = ", ".join(f"k{i}" for i in range(len(arrays)))
        equal = [f"{part} = k.k{i}::{self.types[i]}" for i, part in enumerate(self.parts)]
        return f"unnest({', '.join(arrays)}) AS k({names})", " AND ".join(equal)

    @property
    def _row(self) -> str:
        return self.parts[0] if len(self.parts) == 1 else f"({self.order})"

    def _value(self, key: str) -> str:
        texts = texts_of_key(key)
        cast = [f"{literal(text)}::{type_}" for text, type_ in zip(texts, self.types, strict=True)]
        return cast[0] if len(cast) == 1 else f"({', '.join(cast)})"


def key_sql(relation: Relation, key: Key) -> KeySql:
    if key.columns:
        return KeySql(tuple(c.sql for c in key.columns), tuple(c.cast for c in key.columns))
    if relation.kind == PARTITIONED:
        return KeySql(("t.tableoid", "t.ctid"), ("oid", "tid"))
    return KeySql(("t.ctid",), ("tid",))
