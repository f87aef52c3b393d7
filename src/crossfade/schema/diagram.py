"""Draws entity-relationship diagrams of a target schema, as Mermaid and as DBML. The output is deterministic."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from crossfade.model.target import ColumnType, ForeignKey, TargetColumn, TargetSchema, TargetTable
from crossfade.schema.tokens import meaningful


def mermaid(schema: TargetSchema) -> str:
    """Return a Mermaid erDiagram."""
    lines = ["erDiagram"]
    tables = sorted(schema.tables, key=lambda t: t.name)
    names = [*(t.name for t in tables), *(key.parent for t in tables for key in t.foreign_keys)]
    called = _apart({name: name for name in names}, _entity)
    for table in tables:
        columns = _apart({c.name: c.name for c in table.columns}, _word)
        lines.append(f'    "{called[table.name]}" {{')
        lines += [f"        {_attribute(table, column, columns[column.name])}" for column in table.columns]
        lines.append("    }")
    for table in tables:
        for key in table.foreign_keys:
            label = _label(", ".join(key.columns))
            lines.append(f'    "{called[key.parent]}" {_cardinality(table, key)} "{called[table.name]}" : "{label}"')
    return "\n".join(lines) + "\n"


def _apart(names: Mapping[str, str], spelled: Callable[[str], str]) -> dict[str, str]:
    """Return each name as a diagram can have it, each another text. A name that can stand as it is comes first."""
    texts: dict[str, str] = {}
    for key, name in sorted(names.items(), key=lambda item: spelled(item[1]) != item[1]):
        text = spelled(name)
        while text in texts.values():
            text += "_"
        texts[key] = text
    return texts


def _entity(name: str) -> str:
    """Return a name as Mermaid accepts it in quotes. (Names are quoted because many words are keywords there.)"""
    return re.sub(r'["%\\\n\r]', "_", name) or "_"


def _attribute(table: TargetTable, column: TargetColumn, name: str) -> str:
    marks = ["PK"] if column.name in table.primary_key else []
    marks += ["FK"] if any(column.name in key.columns for key in table.foreign_keys) else []
    marks += ["UK"] if any(_plain(u.expressions) == (column.name,) and not u.predicate for u in table.uniques) else []
    parts = [_word(column.type.sql), name, ", ".join(marks), "" if column.nullable else '"not null"']
    return " ".join(part for part in parts if part)


def _word(text: str) -> str:
    """Return a single word for a type or attribute name: letters, digits, underscores, parentheses and brackets.

    Mermaid reads a word that begins like a key marker as the marker.
    """
    word = re.sub(r"(?:[^A-Za-z0-9_()\[\]\u00c0-\uffff-]|\s)+", "_", text.replace(", ", ",").replace(",", "-")).strip(
        "_"
    )
    return word if re.match(r"(?!(?:PK|FK|UK)(?![A-Za-z0-9_]))[A-Za-z_\u00c0-\uffff]", word, re.I) else f"_{word}"


def _label(text: str) -> str:
    return text.replace('"', "#quot;").replace("\n", " ")


def _cardinality(table: TargetTable, key: ForeignKey) -> str:
    """Return parent to child: one (or none if the key may be NULL) to many (or at most one if the key is unique)."""
    optional = any((column := table.column(name)) is None or column.nullable for name in key.columns)
    sets = [set(table.primary_key), *(set(_plain(u.expressions)) for u in table.uniques if not u.predicate)]
    single = set(key.columns) in sets
    return f"{'|o' if optional else '||'}--{'o|' if single else 'o{'}"


def _plain(expressions: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns of a unique constraint that has only columns, without quotes."""
    return tuple(e[1:-1].replace('""', '"') if e.startswith('"') and e.endswith('"') else e for e in expressions)


def dbml(schema: TargetSchema) -> str:
    """Return DBML, as dbdiagram.io and dbdocs read it."""
    tables = sorted(schema.tables, key=lambda t: t.name)
    names = _names_of(tables)
    parts = [*_enums(tables, names), *("\n".join(_table(t, names)) for t in tables)]
    seen: set[tuple[str, str]] = set()
    references = [line for t in tables for line in _references(t, names, seen)]
    return "\n\n".join([*parts, *(["\n".join(references)] if references else [])]) + "\n"


@dataclass(frozen=True)
class _Names:
    """What DBML calls the tables and the columns of each, by their names in mapping files, and the enums, by their SQL.
    It cannot have line ends.
    """

    tables: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]]
    enums: Mapping[str, str]

    def of_columns(self, table: str, columns: Sequence[str]) -> list[str]:
        known = self.columns.get(table, {})
        return [_quoted(known.get(column, column)) for column in columns]


def _names_of(tables: Sequence[TargetTable]) -> _Names:
    types = (c.type.of or c.type for t in tables for c in t.columns)
    return _Names(
        _qualified({t.name: ("" if t.name == t.table else t.schema or "", t.table) for t in tables}),
        {t.name: _apart({c.name: c.name for c in t.columns}, _line) for t in tables},
        _qualified({t.sql: _parts(t.sql) for t in types if t.kind == "enum"}),
    )


def _parts(sql: str) -> tuple[str, str]:
    *schema, name = (word.name for word in meaningful(sql) if word.text != ".")
    return (schema[0] if schema else "", name)


def _qualified(names: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return what DBML calls things of one kind, each given as the schema to be named, if any, and its own name. What
    names no schema is in `public`.
    """
    schemas = _apart({schema: schema for schema, _ in names.values()}, _line)
    inside: dict[str, dict[str, str]] = defaultdict(dict)
    for key, (schema, own) in sorted(names.items()):
        inside[schemas[schema] or "public"][key] = own
    found = {key: text for of in inside.values() for key, text in _apart(of, _line).items()}
    return {
        key: (f"{_quoted(schemas[schema])}." if schema else "") + _quoted(found[key])
        for key, (schema, _) in names.items()
    }


def _enums(tables: Sequence[TargetTable], names: _Names) -> Iterator[str]:
    types = (c.type.of or c.type for t in tables for c in t.columns)
    found = {names.enums[t.sql]: t.labels for t in types if t.kind == "enum" and t.labels}
    for name in sorted(found):
        labels = _apart({label: label for label in found[name]}, lambda label: _line(label) or "(empty)")
        yield "\n".join([f"Enum {name} {{", *(f"  {_quoted(labels[label])}" for label in found[name]), "}"])


def _table(table: TargetTable, names: _Names) -> Iterator[str]:
    yield f"Table {names.tables[table.name]} {{"
    for column, name in zip(table.columns, names.of_columns(table.name, [c.name for c in table.columns]), strict=True):
        settings = ["pk"] if table.primary_key == (column.name,) else []
        settings += [] if column.nullable else ["not null"]
        yield f"  {name} {_type(column.type, names)}" + (f" [{', '.join(settings)}]" if settings else "")
    keys = [(table.primary_key, "pk")] if len(table.primary_key) > 1 else []
    keys += [(_plain(u.expressions), "unique") for u in table.uniques if not u.predicate]
    keys = [(columns, word) for columns, word in keys if set(columns) <= {c.name for c in table.columns}]
    if keys:
        yield "\n  indexes {"
        yield from (f"    ({', '.join(names.of_columns(table.name, columns))}) [{word}]" for columns, word in keys)
        yield "  }"
    yield "}"


def _references(table: TargetTable, names: _Names, seen: set[tuple[str, str]]) -> Iterator[str]:
    """DBML refuses a second reference between the same columns, and one of columns to themselves."""
    for key in table.foreign_keys:
        sign = "-" if _cardinality(table, key).endswith("o|") else ">"
        here = f"{names.tables[table.name]}.{_columns(names.of_columns(table.name, key.columns))}"
        parent = names.tables.get(key.parent, _quoted(key.parent))
        there = f"{parent}.{_columns(names.of_columns(key.parent, key.parent_columns))}"
        mark = "// " if here == there or {(here, there), (there, here)} & seen else ""
        seen.add((here, there))
        yield f"{mark}Ref {_quoted(key.name)}: {here} {sign} {there}"


def _type(kind: ColumnType, names: _Names) -> str:
    """Return the name of an enum as in this diagram; any other type as the target spells it."""
    return names.enums[kind.sql] if kind.kind == "enum" else _quoted(kind.sql.replace('"', ""))


def _columns(columns: Sequence[str]) -> str:
    return columns[0] if len(columns) == 1 else f"({', '.join(columns)})"


def _line(text: str) -> str:
    return text.replace("\n", " ")


def _quoted(name: str) -> str:
    return '"' + _line(name).replace("\\", "\\\\").replace('"', '\\"') + '"'
