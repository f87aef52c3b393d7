"""Keys of a SQLite table as SQL: their order, ranges of them, and lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from crossfade.records.rows.dynamic.values import BadText, value_of
from crossfade.records.rows.keys import texts_of_key

PARAMETERS, MORE_PARAMETERS = 900, 90  # in one statement; every build of SQLite takes 999


@dataclass(frozen=True)
class Condition:
    """A condition over `t`, and the values of its parameters."""

    sql: str
    parameters: tuple[Any, ...] = ()


def within(parts: Sequence[str], lower: str | None, upper: str | None) -> Condition:
    """Return the condition that a row's key is from `lower` on, and before `upper`, in the order of the key's columns
    and collations.
    """
    sides = [(operator, texts_of_key(key)) for operator, key in ((">=", lower), ("<", upper)) if key is not None]
    bound = [(operator, [_bound(text) for text in texts]) for operator, texts in sides]
    sql = [f"{_row(parts)} {operator} {_row([sql for sql, _ in values])}" for operator, values in bound]
    return Condition(" AND ".join(sql) or "true", tuple(value for _, values in bound for _, value in values))


def lists(parts: Sequence[str], keys: Sequence[str]) -> Iterator[Condition]:
    """Yield conditions that a row has one of these keys, each once."""
    split = [texts for key in dict.fromkeys(keys) if len(texts := texts_of_key(key)) == len(parts)]
    size = max(1, PARAMETERS // len(parts))
    for start in range(0, len(split), size):
        bound = [[_bound(text) for text in texts] for texts in split[start : start + size]]
        parameters = tuple(value for values in bound for _, value in values)
        yield Condition(_one_of(parts, [[sql for sql, _ in values] for values in bound]), parameters)


def _one_of(parts: Sequence[str], keys: Sequence[Sequence[str]]) -> str:
    if len(parts) == 1:
        return f"{parts[0]} IN ({', '.join(sql for (sql,) in keys)})"
    return f"{_row(parts)} IN (VALUES {', '.join(_row(one) for one in keys)})"


def _row(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def _bound(text: str) -> tuple[str, Any]:
    value = value_of(text)
    return ("CAST(? AS TEXT)", bytes(value)) if isinstance(value, BadText) else ("?", value)
