"""One table in memory: its rows by primary key, and the keys of its unique values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from crossfade.model.quoting import identifier
from crossfade.model.target import ForeignKey, TargetColumn, TargetTable, Unique
from crossfade.stores.memory.statements import CreateIndex

Key = tuple[object, ...]
Notes = dict[Key, Mapping[str, Any]]
"""Rows of one of the journal's tables."""

Values = tuple[object, ...]
"""A row's values, in the order of its table's columns; as `python_rows` gives them."""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """`writer` numbers the transaction that wrote it."""

    values: Values
    writer: int


@dataclass
class Table:
    """A table with its indexes. `keys_by_value` has, for each unique index, the key of the row with each value."""

    name: str
    columns: tuple[TargetColumn, ...]
    primary_key: tuple[str, ...]
    indexes: dict[str, CreateIndex] = field(default_factory=dict)
    foreign_keys: dict[str, ForeignKey] = field(default_factory=dict)
    rows: dict[Key, StoredRow] = field(default_factory=dict)
    keys_by_value: dict[str, dict[Values, Key]] = field(default_factory=dict)
    numbered: int = 0
    """Rows of a table without a primary key are numbered."""

    def copied(self) -> Table:
        keys_by_value = {name: dict(keys) for name, keys in self.keys_by_value.items()}
        return replace(
            self,
            indexes=dict(self.indexes),
            foreign_keys=dict(self.foreign_keys),
            rows=dict(self.rows),
            keys_by_value=keys_by_value,
        )

    def __post_init__(self) -> None:
        self._place = {column.name: i for i, column in enumerate(self.columns)}

    def places(self, names: Iterable[str]) -> list[int]:
        return [self._place[name] for name in names]

    def part(self, values: Values, names: Iterable[str]) -> Values:
        return tuple([values[self._place[name]] for name in names])

    @property
    def target(self) -> TargetTable:
        """The table as the rest of crossfade sees it."""
        uniques = [
            Unique(i.name, tuple(map(identifier, i.columns)))
            for i in sorted(self.indexes.values(), key=lambda i: i.name)
            if i.unique
        ]
        keys = sorted(self.foreign_keys.values(), key=lambda k: k.name)
        return TargetTable(
            self.name, None, self.name, self.columns, self.primary_key, uniques=tuple(uniques), foreign_keys=tuple(keys)
        )
