"""Diagrams: the whole text, once, and names that need care."""

from __future__ import annotations

from crossfade.model.target import ColumnType, ForeignKey, TargetColumn, TargetSchema, TargetTable, Unique
from crossfade.schema.diagram import dbml, mermaid

ID = TargetColumn("id", ColumnType("uuid", "uuid"), nullable=False)
STATE = ColumnType("enum", "shop.state", labels=("open", 'a "b"'))
USERS = TargetTable("users", "public", "users", (ID,), ("id",))
ORDERS = TargetTable(
    "shop.Order lines",
    "shop",
    "Order lines",
    (
        ID,
        TargetColumn("n", ColumnType("numeric", "numeric(10,2)"), nullable=False),
        TargetColumn('the "state"', STATE),
        TargetColumn("user", ColumnType("uuid", "uuid")),
        TargetColumn("twin", ColumnType("uuid", "uuid"), nullable=False),
    ),
    ("id", "n"),
    (Unique("t", ("twin",)), Unique("e", ("lower(x)",)), Unique("p", ('"n"', '"user"'))),
    (ForeignKey("f", ("user",), "users", ("id",)), ForeignKey("g", ("twin",), "users", ("id",))),
)
SCHEMA = TargetSchema("postgresql", (ORDERS, USERS), (), (), None, "")


def test_mermaid() -> None:
    assert mermaid(SCHEMA) == (
        "erDiagram\n"
        '    "shop.Order lines" {\n'
        '        uuid id PK "not null"\n'
        '        numeric(10-2) n PK "not null"\n'
        "        shop_state the_state\n"
        "        uuid user FK\n"
        '        uuid twin FK, UK "not null"\n'
        "    }\n"
        '    "users" {\n'
        '        uuid id PK "not null"\n'
        "    }\n"
        '    "users" |o--o{ "shop.Order lines" : "user"\n'
        '    "users" ||--o| "shop.Order lines" : "twin"\n'
    )


def test_dbml() -> None:
    assert dbml(SCHEMA) == (
        'Enum "shop"."state" {\n  "open"\n  "a \\"b\\""\n}\n\n'
        'Table "shop"."Order lines" {\n'
        '  "id" "uuid" [not null]\n'
        '  "n" "numeric(10,2)" [not null]\n'
        '  "the \\"state\\"" "shop"."state"\n'
        '  "user" "uuid"\n'
        '  "twin" "uuid" [not null]\n\n'
        "  indexes {\n"
        '    ("id", "n") [pk]\n'
        '    ("twin") [unique]\n'
        '    ("n", "user") [unique]\n'
        "  }\n"
        "}\n\n"
        'Table "users" {\n  "id" "uuid" [pk, not null]\n}\n\n'
        'Ref "f": "shop"."Order lines"."user" > "users"."id"\n'
        'Ref "g": "shop"."Order lines"."twin" - "users"."id"\n'
    )


def test_an_enum_with_capitals() -> None:
    level = ColumnType("enum", '"Level"', labels=("low",))
    columns = (ID, TargetColumn("level", level), TargetColumn("all", ColumnType("array", '"Level"[]', of=level)))
    text = dbml(TargetSchema("postgresql", (TargetTable("t", "public", "t", columns, ("id",)),), (), (), None, ""))
    assert text.startswith('Enum "Level" {\n  "low"\n}\n')
    assert '  "level" "Level"\n  "all" "Level[]"\n' in text


def test_names_that_would_be_the_same_in_a_diagram() -> None:
    text = ColumnType("text", "text")
    names = ("a\nb", "a%b", "a b", "a_b")
    columns = tuple(TargetColumn(name, text) for name in names)
    keys = {"a_b": (ForeignKey("f", ("a\nb",), "a%b", ("a b",)),)}
    tables = tuple(TargetTable(n, "public", n, columns, ("a\nb",), (), keys.get(n, ())) for n in names)
    schema = TargetSchema("postgresql", tables, (), (), None, "")
    lines = [line.strip() for line in mermaid(schema).splitlines()]
    assert [line for line in lines if line.endswith("{")] == ['"a_b_" {', '"a b" {', '"a_b__" {', '"a_b" {']
    assert lines[2:6] == ["text a_b_ PK", "text a_b__", "text a_b___", "text a_b"]
    assert lines[-1] == '"a_b__" |o--o| "a_b" : "a b"'
    drawn = dbml(schema)
    assert [line for line in drawn.splitlines() if line.startswith("Table")] == [
        'Table "a b_" {', 'Table "a b" {', 'Table "a%b" {', 'Table "a_b" {',
    ]  # fmt: skip
    assert 'Ref "f": "a_b"."a b_" - "a%b"."a b"' in drawn


def test_the_order_of_tables_does_not_matter() -> None:
    turned = TargetSchema("postgresql", (USERS, ORDERS), (), (), None, "")
    assert (mermaid(turned), dbml(turned)) == (mermaid(SCHEMA), dbml(SCHEMA))
