"""Fields of rows, and the columns that a reader must provide for them.

A `Row` is what an alias stands for: a document of a batch, or an element of an unnested array. Reading a field in a
certain form returns the SQL for the column and records the column; the reader later provides exactly these columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlglot import exp

from crossfade.model.batch import Column
from crossfade.model.names import fold
from crossfade.model.nodes import entry_value, listed_element
from crossfade.model.shape import ELEMENT, ENTRY, Node, Path, TypeStats, escape_step, format_path


class ColumnSet:
    """The columns needed of one batch (or of one array's elements), each once.

    A column is named after its path, so that DuckDB's messages contain names of fields. If two names differ only in
    case, which DuckDB ignores, the second gets a number.
    """

    def __init__(self) -> None:
        self._names: dict[tuple[Path, str], str] = {}
        self._used_names: set[str] = set()
        self._elements: dict[tuple[Path, str], ColumnSet] = {}

    def name(self, path: Path, form: str) -> str:
        if (path, form) not in self._names:
            self._names[path, form] = self._free(format_path(path) + ("" if form == "native" else f" ({form})"))
        return self._names[path, form]

    def _free(self, wanted: str) -> str:
        name, number = wanted, 1
        while fold(name) in self._used_names:
            number += 1
            name = f"{wanted} #{number}"
        self._used_names.add(fold(name))
        return name

    def elements(self, path: Path, form: str) -> tuple[str, ColumnSet]:
        return self.name(path, form), self._elements.setdefault((path, form), ColumnSet())

    def columns(self) -> tuple[Column, ...]:
        return tuple(
            Column(name, path, form, self._elements[path, form].columns() if (path, form) in self._elements else ())
            for (path, form), name in self._names.items()
        )


@dataclass(frozen=True)
class Row:
    """`access` returns the SQL that reads a column of this row; `bases` has the paths of its node in the entity.

    The elements of `list_of(place)` have two paths: in the arrays of the place, and, as single values, the place
    itself. `within` is the place whose arrays contain the element; `less` names the operation that selects only some of
    the elements: `[1]`, `list_filter`. An entry (`entries_of`) has the fields `key` and `value`; its bases are the
    paths of the values.
    """

    entity: str
    node: Node
    bases: tuple[Path, ...]
    places: ColumnSet
    access: Callable[[str], exp.Expr]
    looked_up: bool = False
    within: FieldRef | None = None
    less: tuple[str, ...] = ()
    is_entry: bool = False


@dataclass(frozen=True)
class FieldRef:
    """A place in a row: a field, or the row itself, without a form yet. `path` goes through objects only."""

    row: Row
    path: Path
    node: Node

    @property
    def full_path(self) -> Path:
        return self.full_paths[0]

    @property
    def full_paths(self) -> tuple[Path, ...]:
        if not self.row.is_entry:
            return tuple((*base, *self.path) for base in self.row.bases)
        if self.path[:1] == ("value",):
            return tuple((*base, *self.path[1:]) for base in self.row.bases)
        return tuple(dict.fromkeys(base[:-1] for base in self.row.bases))

    @property
    def is_key(self) -> bool:
        """Whether it is the key of an entry."""
        return self.row.is_entry and self.path == ("key",)

    def step(self, child: Node) -> FieldRef:
        return FieldRef(self.row, (*self.path, escape_step(child.name)), child)

    def read(self, form: str) -> exp.Expr:
        if self.is_key:
            return _of_key(self.row.access(self.row.places.name((), "key")), form)
        return self.row.access(self.row.places.name(self._in_row, form))

    @property
    def _in_row(self) -> Path:
        return self.path[1:] if self.row.is_entry else self.path

    def read_elements(self, form: str) -> tuple[exp.Expr, Callable[[exp.Expr], Row]]:
        """Return the list, and a function from the SQL of an element to its row."""
        name, places = self.row.places.elements(self._in_row, form)
        bases = tuple((*path, ELEMENT) for path in self.full_paths)
        within: FieldRef | None = self
        if form == "entries":
            node, within = _entry(self.node), None
            steps = [escape_step(field.name) for field in self.node.fields] or [ENTRY]
            bases = tuple((*path, step) for path in self.full_paths for step in steps)
        elif form == "listed":  # a single value is a list of one
            node, bases, within = listed_element(self.node), (*bases, *self.full_paths), None
        else:
            node = self.node.element or Node(ELEMENT, ELEMENT, {})
        row = self.row

        def element(sql: exp.Expr) -> Row:
            def access(name: str) -> exp.Expr:
                return struct_field(sql, name)

            return Row(row.entity, node, bases, places, access, row.looked_up, within, row.less, form == "entries")

        return row.access(name), element


def _entry(node: Node) -> Node:
    """Return the node of an entry of an object."""
    words = node.vocabulary
    key = Node("key", "key", {"string": TypeStats(0)}, vocabulary=words)
    value = replace(entry_value(node), name="value", engine="value")
    return Node(ENTRY, ENTRY, {"object": TypeStats(0)}, fields=(key, value), vocabulary=words)


def _of_key(sql: exp.Expr, form: str) -> exp.Expr:
    """Return a key, which is text, in one of the forms of a place."""
    if form in ("json", "ejson"):
        return exp.cast(exp.func("to_json", sql), "text")
    return {"type": exp.Literal.string("string"), "present": exp.true()}.get(form, sql)


def struct_field(sql: exp.Expr, name: str) -> exp.Expr:
    return exp.Anonymous(this="struct_extract", expressions=[sql.copy(), exp.Literal.string(name)])
