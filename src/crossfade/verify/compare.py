"""Compare the expected rows of a target table exactly with the rows found, by primary key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.equal import differing, find_keys, one_array
from crossfade.model.matching import arranged
from crossfade.model.target import TargetTable
from crossfade.verify.show import cut, key_text, printable, shown_pair

CHANGED, MISSING, EXTRA, DUPLICATE = "changed", "missing", "extra", "duplicate"
_UNREADABLE = "#unreadable"  # see RowReader: values in a row that the types of its columns cannot represent


@dataclass(frozen=True, slots=True)
class Unlike:
    """A difference. `row` is the index among the expected rows; the texts are as reports show them.

    `kind` is CHANGED (then `column` names the column) or MISSING.
    """

    kind: str
    row: int
    key: str
    column: str | None = None
    expected: str | None = None
    found: str | None = None


@dataclass(frozen=True)
class Comparison:
    """`missing` has the indexes of expected rows that were not found; `changed` counts differing values by column.

    `changed_rows` counts the rows with such values; `unlike` has the first differences, up to the limit.
    """

    rows: int
    missing: tuple[int, ...]
    changed: Mapping[str, int]
    changed_rows: int
    unlike: tuple[Unlike, ...]
    wrong: tuple[int, ...] = ()
    """The indexes of all expected rows that are missing or changed."""


def compare(table: TargetTable, expected: pa.Table, found: pa.Table, *, limit: int) -> Comparison:
    """Compare every column of `expected` with `found`, which holds the target's rows with those keys in any order.

    Both are canonical and have the same columns, including the primary key. At most `limit` differences are named.
    """
    keys = table.primary_key
    places = find_keys(expected, found, table, keys)
    missing = pc.indices_nonzero(pc.is_null(places))
    unlike = [Unlike(MISSING, row, _key(expected, row, table)) for row in missing[:limit].to_pylist()]
    there = pc.indices_nonzero(pc.is_valid(places)) if len(missing) else None
    left = expected if there is None else expected.take(there)
    right = arranged(found, places if there is None else places.take(there))
    changed = _changed(table, left, right, [name for name in expected.column_names if name not in keys])
    rows = sorted({place for wrong in changed.values() for place in wrong})
    for place in rows[: max(0, limit - len(unlike))]:
        row = place if there is None else there[place].as_py()
        columns = [name for name, wrong in changed.items() if place in wrong]
        unlike += [_changed_value(table, row, column, left, right, place) for column in columns]
    counts = {name: len(wrong) for name, wrong in changed.items()}
    lost = missing.to_pylist()
    wrong = (*lost, *(rows if there is None else (there[place].as_py() for place in rows)))
    return Comparison(len(expected), tuple(lost), counts, len(rows), tuple(unlike[:limit]), wrong)


def _changed(table: TargetTable, left: pa.Table, right: pa.Table, names: Sequence[str]) -> dict[str, set[int]]:
    """Return the indexes of the differing values, for each column that has any."""
    changed = {}
    for name in names:
        column = table.column(name)
        assert column is not None
        wrong = differing(left.column(name), right.column(name), column.type)
        if _UNREADABLE in right.column_names:
            wrong = pc.or_(wrong, _unreadable(right, name))
        places = pc.indices_nonzero(wrong)
        if len(places):
            changed[name] = set(places.to_pylist())
    return changed


def _unreadable(rows: pa.Table, name: str) -> pa.Array:
    """Return where the column holds a value that its type cannot represent: such a value is read as NULL."""
    notes = one_array(rows.column(_UNREADABLE))
    return pc.fill_null(pc.match_substring(pc.binary_join_element_wise("", notes, "; "), f"; {name} holds "), False)


def _changed_value(table: TargetTable, row: int, column: str, left: pa.Table, right: pa.Table, place: int) -> Unlike:
    target = table.column(column)
    assert target is not None
    one, other = one_array(left.column(column))[place], one_array(right.column(column))[place]
    expected, found = shown_pair(one, other, target.type)
    if _UNREADABLE in right.column_names and not other.is_valid:
        notes = (right.column(_UNREADABLE)[place].as_py() or "").split("; ")
        found = next((cut(printable(note)) for note in notes if note.startswith(f"{column} holds ")), found)
    return Unlike(CHANGED, row, _key(left, place, table), column, expected, found)


def _key(rows: pa.Table, place: int, table: TargetTable) -> str:
    return key_text(rows.slice(place, 1), table, table.primary_key)
