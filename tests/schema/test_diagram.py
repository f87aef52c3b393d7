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


def test_the_order_of_tables_does_not_matter() -> None:
    turned = TargetSchema("postgresql", (USERS, ORDERS), (), (), None, "")
    assert (mermaid(turned), dbml(turned)) == (mermaid(SCHEMA), dbml(SCHEMA))
