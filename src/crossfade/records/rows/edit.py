"""Change rows, or make new ones, from rebuilt values: each as the text that the database prints."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from crossfade.model.inverse_names import steps_of
from crossfade.model.rebuilt import CannotStore, Day, Digits, Ejson, Json, Moment, TimeOfDay
from crossfade.model.shape import Node, Path, Shape, unescape_step
from crossfade.records.edit import Editor, same
from crossfade.records.rows import raw as lines
from crossfade.records.rows.reader import misfit
from crossfade.records.rows.texts import text_of
from crossfade.records.rows.types import key_names


@dataclass(frozen=True)
class RowEditor:
    shape: Shape

    def edit(self, old: bytes | None, before: Mapping[str, Any], after: Mapping[str, Any]) -> bytes:
        changed = [name for name in after if old is None or not same(before.get(name), after[name])]
        if old is not None and not changed:
            return old
        columns = dict(lines.read(old).columns) if old is not None else dict.fromkeys(self.shape.root.by_name, None)
        for name in changed:
            node = self._node(name)
            columns[node.name] = _stored(after[name], node)
        key = [columns.get(name) for name in key_names(self.shape)]
        if any(part is None for part in key):
            raise CannotStore("not_null", "the rows do not tell the record's key", ", ".join(key_names(self.shape)))
        return lines.write(lines.RawRow([str(part) for part in key], columns))

    def without(self, raw: bytes, paths: Collection[Path]) -> bytes:
        row = lines.read(raw)
        left = {unescape_step(path[0]) for path in paths if len(path) == 1}
        return lines.write(
            lines.RawRow(row.key, {name: text for name, text in row.columns.items() if name not in left})
        )

    def _node(self, name: str) -> Node:
        steps = steps_of(name)
        node = self.shape.root.by_engine.get(steps[0]) or self.shape.root.by_name.get(steps[0])
        if len(steps) != 1 or node is None:
            raise CannotStore("bad_type", "an output of an inverse of rows must be the name of a column", name)
        return node


def _stored(value: Any, node: Node) -> str | None:
    if value is None:
        return None
    text = _text(value, node)
    if (why := misfit(node, text)) is not None:
        raise CannotStore(why[0] if why[0] == "out_of_range" else "bad_type", why[1], node.name)
    return text


def _text(value: Any, node: Node) -> str:
    """Return the text of a value in a column of this kind."""
    if isinstance(value, list):
        element = node.element or Node("[]", "[]", {}, vocabulary=node.vocabulary)
        return "{" + ",".join("NULL" if one is None else _quoted(_text(one, element)) for one in value) + "}"
    if isinstance(value, Json | Ejson | Digits):
        return _plain(value.text) if isinstance(value, Digits) and node.kind in ("int", "long") else value.text
    if isinstance(value, Moment):
        return _moment(value, node)
    if isinstance(value, Day):
        if node.kind in ("date", "timestamp"):
            return text_of(value.days * 86_400_000_000, node.kind)
        return text_of(value.days, "day")
    if isinstance(value, TimeOfDay):
        return text_of(value.us, "time")
    if isinstance(value, float):
        whole = node.kind in ("int", "long", "decimal") and value.is_integer()
        return str(int(value)) if whole else _float(value)
    if isinstance(value, bytes):
        return text_of(value, "binary")
    if isinstance(value, UUID):
        return str(value)
    if not isinstance(value, int | str):
        raise CannotStore("bad_type", f"a column cannot hold {type(value).__name__}", node.name)
    return text_of(value, "bool") if isinstance(value, bool) else str(value)


def _moment(value: Moment, node: Node) -> str:
    if node.kind == "day":
        days, rest = divmod(value.us, 86_400_000_000)
        if rest:
            raise CannotStore("precision", "a date has no time of day", node.name)
        return text_of(days, "day")
    kind = node.kind if node.kind in ("date", "timestamp") else "date" if value.zoned else "timestamp"
    return text_of(value.us, kind)


def _plain(digits: str) -> str:
    number = Decimal(digits)
    return str(int(number)) if number.is_finite() and number == number.to_integral_value() else digits


def _float(value: float) -> str:
    """Return the shortest digits as PostgreSQL prints them: 1 for 1.0, 1e+15 from there on."""
    text = text_of(value, "double")
    if "e" in text or not text[-1].isdigit():
        return text
    digits = text.removesuffix(".0")
    if len(digits.lstrip("-")) > 15 and "." not in digits:
        number = Decimal(digits).normalize()
        return re.sub(r"E\+?", "e+", f"{number:E}")
    return digits


_BARE = re.compile(r'[^\s{}",\\]+')


def _quoted(text: str) -> str:
    if _BARE.fullmatch(text) and text.upper() != "NULL":
        return text
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


_: type[Editor] = RowEditor
