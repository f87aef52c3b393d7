"""Check values of types without a canonical form before they are written: does their column keep the text?

The server reads each text as COPY would, with the column's own modifier, and prints it. The package meaning decides
whether the result has the same meaning. The writer and the reader of rows both use this, each over its own connection.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.canonical import element_of
from crossfade.model.rejection import Rejection
from crossfade.model.target import ColumnType, TargetTable
from crossfade.stores.postgresql.meaning import PgType, changed

_SHOWN = 80  # characters of a value in a message


@dataclass(frozen=True, slots=True)
class Printed:
    """What a type prints for a text. `wrong` is set if it has another meaning: a reason and a message."""

    text: str
    wrong: tuple[str, str] | None = None


Verdict = Printed | tuple[str, str]
"""A pair is the reason and the message of a refusal."""


def is_unusual(kind: ColumnType) -> bool:
    """Return whether the values of such a column are text that only its type can read."""
    return kind.kind == "other" or (kind.kind == "array" and is_unusual(element_of(kind)))


def unusual_columns(table: TargetTable, names: Iterable[str]) -> list[str]:
    types = {c.name: c.type for c in table.columns}
    return [name for name in names if is_unusual(types[name])]


def statement_of(type_: PgType, texts: Sequence[str]) -> str:
    """Return a query for the index, the text that the type prints, and for money the number. json_to_recordset reads
    text in the same way as COPY.
    """
    data = json.dumps([{"i": i, "v": text} for i, text in enumerate(texts)], ensure_ascii=False)
    exact = "x.v::pg_catalog.numeric::pg_catalog.text" if type_.name == "money" else "NULL::pg_catalog.text"
    return (
        f"SELECT x.i::pg_catalog.text, x.v::pg_catalog.text, {exact}"
        f" FROM pg_catalog.json_to_recordset({_dollars(data)}::pg_catalog.json)"
        f" AS x(i pg_catalog.int4, v {type_.spelled})"
    )


def valid_texts(type_: PgType, texts: Sequence[str]) -> str:
    """Return a query for the texts that the type accepts, for servers since version 16."""
    return (
        f"SELECT v FROM pg_catalog.json_array_elements_text({_dollars(json.dumps(texts, ensure_ascii=False))}) AS v"
        f" WHERE pg_catalog.pg_input_is_valid(v, {_dollars(type_.spelled)})"
    )


def read_answer(type_: PgType, texts: Sequence[str], rows: Iterable[Sequence[str | None]]) -> dict[str, Printed]:
    """Return the verdicts on the rows that the statement returned."""
    found = {}
    for place, printed, exact in rows:
        given = texts[int(place or 0)]
        found[given] = Printed(printed or "", _wrong(given, printed or "", exact, type_))
    return found


def _wrong(given: str, printed: str, exact: str | None, type_: PgType) -> tuple[str, str] | None:
    if given == printed or (reason := changed(given, printed if exact is None else exact, type_)) is None:
        return None
    return reason, f"a column of type {type_.spelled} changes {shown(given)} to {shown(printed)}"


def refusals_of(
    kind: ColumnType, name: str, values: Any, judge: Callable[[list[str]], Mapping[str, Verdict]]
) -> list[Rejection]:
    """Return the rows of a column (an Arrow array) whose texts the type refuses or changes."""
    texts, parents = _texts(values, kind)
    given = pc.unique(texts).drop_null().to_pylist()
    bad = {text: why for text, verdict in judge(given).items() if (why := _why(verdict))}
    if not bad:
        return []
    wrong = pc.indices_nonzero(pc.is_in(texts, value_set=pa.array(sorted(bad), texts.type)))
    rows: dict[int, Rejection] = {}
    for place in wrong.to_pylist():
        row = place if parents is None else parents[place].as_py()
        rows.setdefault(row, Rejection(row, *bad[texts[place].as_py()], column=name))
    return list(rows.values())


def _why(verdict: Verdict) -> tuple[str, str] | None:
    return verdict.wrong if isinstance(verdict, Printed) else verdict


def with_texts(kind: ColumnType, values: Any, judge: Callable[[list[str]], Mapping[str, Verdict]]) -> Any:
    """Return the column with each text replaced by the text that the type prints, if it has the same meaning."""
    values = _one(values)
    texts, parents = _texts(values, kind)
    verdicts = judge(pc.unique(texts).drop_null().to_pylist())
    same = {text: v.text for text, v in verdicts.items() if isinstance(v, Printed) and v.wrong is None}
    made = pa.array([None if t is None else same.get(t, t) for t in texts.to_pylist()], texts.type)
    if parents is None:
        return made
    mask = values.is_null() if values.null_count else None
    lengths = pc.fill_null(pc.list_value_length(values), 0).cast(pa.int64())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())])
    return pa.ListArray.from_arrays(offsets, made, type=values.type, mask=mask)


def _texts(values: Any, kind: ColumnType) -> tuple[Any, Any]:
    """Return the texts of a column and, for elements of arrays, the row of each."""
    values = _one(values)
    return (values.flatten(), pc.list_parent_indices(values)) if kind.kind == "array" else (values, None)


def _one(values: Any) -> Any:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def type_of_texts(type_: PgType, kind: ColumnType) -> PgType:
    """Return the type that reads each text: the element's type for an array."""
    return type_.parts[0] if kind.kind == "array" and type_.parts else type_


def shown(text: str) -> str:
    said = repr(text)
    return said if len(said) <= _SHOWN else f"{said[: _SHOWN - 1]}… ({len(text)} characters)"


def _dollars(text: str) -> str:
    """Return a dollar-quoted literal, whose meaning depends on no setting of the server."""
    tag = "cf"
    while f"${tag}$" in text or text.endswith(f"${tag}"):
        tag += "_"
    return f"${tag}${text}${tag}$"
