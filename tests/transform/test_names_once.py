"""Objects with a name twice are found in jsonb, whatever the text is written like."""

from __future__ import annotations

import json

import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.transform.fit.canonical_rows import fit

TABLE = TargetTable("t", None, "t", (TargetColumn("c", ColumnType("jsonb", "jsonb")),), ())
NAMES = st.sampled_from(["a", "b", "", '"', "\\", "\\\\", '\\"', "\u2028", "é", ":", ","])


@st.composite
def documents(draw: st.DrawFn, depth: int = 2) -> tuple[str, bool]:
    """JSON text, and whether each of its objects has each name once."""
    if not depth or draw(st.booleans()):
        return _literal(draw, draw(NAMES | st.integers() | st.none())), True
    pairs = draw(st.lists(st.tuples(NAMES, documents(depth - 1)), max_size=4))
    blank = draw(st.sampled_from(["", " ", "\n\t"]))
    text = f",{blank}".join(f"{_literal(draw, name)}:{blank}{value}" for name, (value, _) in pairs)
    once = len({name for name, _ in pairs}) == len(pairs) and all(once for _, (_, once) in pairs)
    return f"{{{text}{blank}}}", once


def _literal(draw: st.DrawFn, value: object) -> str:
    """As json prints it, or with every character escaped."""
    if isinstance(value, str) and draw(st.booleans()):
        return '"' + "".join(f"\\u{ord(c):04x}" for c in value) + '"'
    return json.dumps(value, ensure_ascii=draw(st.booleans()))


@given(documents())
@example(('{"a": "\\u0022", "a": ""}', False))
@example(('{"a": "\\\\", "\\u0061": "\\""}', False))
def test_a_name_twice(made: tuple[str, bool]) -> None:
    text, once = made
    found = fit(pa.table({"c": pa.array([text])}), TABLE)
    assert [r.reason for r in found.rejections] == ([] if once else ["duplicate_key"])
    if once:
        assert found.table.column("c").to_pylist() == [text]
