"""Draws entity-relationship diagrams of a target schema, as Mermaid and as DBML. The output is deterministic."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from crossfade.model.target import ColumnType, ForeignKey, TargetColumn, TargetSchema, TargetTable
from crossfade.schema.tokens import meaningful


def mermaid(schema: TargetSchema) -> str:
    """Return a Mermaid erDiagram."""
    lines = ["erDiagram"]
    for table in sorted(schema.tables, key=lambda t: t.name):
        lines.append(f"    {_entity(table.name)} {{")
        lines += [f"        {_attribute(table, column)}" for column in table.columns]
        lines.append("    }")
    for table in sorted(schema.tables, key=lambda t: t.name):
        for key in table.foreign_keys:
            columns = _label(", ".join(key.columns))
            lines.append(f'    {_entity(key.parent)} {_cardinality(table, key)} {_entity(table.name)} : "{columns}"')
    return "\n".join(lines) + "\n"


def _entity(name: str) -> str:
    """Quote a name: unquoted, one of Mermaid's many keywords breaks the diagram. Some characters are never allowed."""
    return '"' + (re.sub(r'["%\\\n\r]', "_", name) or "_") + '"'


def _attribute(table: TargetTable, column: TargetColumn) -> str:
    marks = ["PK"] if column.name in table.primary_key else []
    marks += ["FK"] if any(column.name in key.columns for key in table.foreign_keys) else []
    marks += ["UK"] if any(_plain(u.expressions) == (column.name,) and not u.predicate for u in table.uniques) else []
    parts = [_word(column.type.sql), _word(column.name), ", ".join(marks), "" if column.nullable else '"not null"']
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
    parts = [*_enums(tables), *("\n".join(_table(t)) for t in tables)]
    seen: set[tuple[str, str]] = set()
    references = [line for t in tables for line in _references(t, schema, seen)]
    return "\n\n".join([*parts, *(["\n".join(references)] if references else [])]) + "\n"


def _enums(tables: list[TargetTable]) -> Iterator[str]:
    types = (c.type.of or c.type for t in tables for c in t.columns)
    found = {_type(t): t.labels for t in types if t.kind == "enum" and t.labels}
    for name in sorted(found):
        yield "\n".join([f"Enum {name} {{", *(f"  {_quoted(label)}" for label in _labels(found[name])), "}"])


def _labels(labels: Sequence[str]) -> Iterator[str]:
    """Yield the labels as DBML can have them, each another text: not empty, and on one line."""
    texts = {label: label.replace("\n", " ") or "(empty)" for label in labels}
    taken = {label for label in labels if texts[label] == label}
    for label, text in texts.items():
        while text != label and text in taken:
            text += "_"
        taken.add(text)
        yield text


def _table(table: TargetTable) -> Iterator[str]:
    yield f"Table {_named(table)} {{"
    for column in table.columns:
        settings = ["pk"] if table.primary_key == (column.name,) else []
        settings += [] if column.nullable else ["not null"]
        yield f"  {_quoted(column.name)} {_type(column.type)}" + (f" [{', '.join(settings)}]" if settings else "")
    keys = [(table.primary_key, "pk")] if len(table.primary_key) > 1 else []
    names = {c.name for c in table.columns}
    keys += [(_plain(u.expressions), "unique") for u in table.uniques if not u.predicate]
    keys = [(columns, word) for columns, word in keys if set(columns) <= names]
    if keys:
        yield "\n  indexes {"
        yield from (f"    ({', '.join(map(_quoted, columns))}) [{word}]" for columns, word in keys)
        yield "  }"
    yield "}"


def _references(table: TargetTable, schema: TargetSchema, seen: set[tuple[str, str]]) -> Iterator[str]:
    """DBML refuses a second reference between the same columns, and one of columns to themselves."""
    for key in table.foreign_keys:
        parent = schema.table(key.parent)
        there = _named(parent) if parent else _quoted(key.parent)
        sign = "-" if _cardinality(table, key).endswith("o|") else ">"
        here, there = f"{_named(table)}.{_columns(key.columns)}", f"{there}.{_columns(key.parent_columns)}"
        mark = "// " if here == there or {(here, there), (there, here)} & seen else ""
        seen.add((here, there))
        yield f"{mark}Ref {_quoted(key.name)}: {here} {sign} {there}"


def _type(kind: ColumnType) -> str:
    """Return the name of an enum as in this diagram; any other type as the target spells it."""
    if kind.kind == "enum":
        return ".".join(_quoted(word.name) for word in meaningful(kind.sql) if word.text != ".")
    return _quoted(kind.sql.replace('"', ""))


def _named(table: TargetTable) -> str:
    """Return schema and table, qualified as in mapping files."""
    plain = table.name == table.table
    return _quoted(table.table) if plain else f"{_quoted(table.schema or '')}.{_quoted(table.table)}"


def _columns(columns: tuple[str, ...]) -> str:
    return _quoted(columns[0]) if len(columns) == 1 else f"({', '.join(map(_quoted, columns))})"


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
