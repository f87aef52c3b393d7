"""The language: what is accepted, and that a faulty line affects only that line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crossfade.errors import SchemaFault
from crossfade.schema.prisma import PrismaSchema, read_prisma
from crossfade.schema.prisma.faults import Faults
from crossfade.schema.prisma.names import Dialect
from crossfade.schema.prisma.parse import parse
from crossfade.schema.prisma.syntax import Block, Call, Items, Name, NumberLiteral, Pairs, Text

EVERYTHING = (Path(__file__).parent / "prisma" / "everything.prisma").read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    """The blocks of a text that has no faults."""
    faults = Faults()
    found = parse("s.prisma", text, faults)
    faults.raise_any()
    return found


def reasons(text: str) -> list[str]:
    """`line: reason` of every fault of a text's syntax."""
    faults = Faults()
    parse("s.prisma", text, faults)
    with pytest.raises(SchemaFault) as caught:
        faults.raise_any()
    return [f"{f.line}:{f.column} {f.reason}" for f in caught.value.faults]


def test_every_kind_of_block_is_read() -> None:
    found = [(b.kind, b.name) for b in blocks(EVERYTHING)]
    assert found[:3] == [("generator", "client"), ("datasource", "db"), ("model", "User")]
    assert found[-2:] == [("enum", "Role"), ("view", "Reader")]


@pytest.mark.parametrize(
    ("written", "many", "optional"),
    [("Int", False, False), ("Int?", False, True), ("Int[]", True, False), ("Int [ ]", True, False)],
)
def test_a_type_may_be_a_list_or_optional(written: str, many: bool, optional: bool) -> None:
    (model,) = blocks(f"model A {{\n a {written}\n}}")
    assert (model.fields[0].type.many, model.fields[0].type.optional) == (many, optional)


def test_every_kind_of_value_is_read() -> None:
    (model,) = blocks('model A {\n @@x(["a", -1.5, b.c, f(1), []], where: { a: true, b: { not: null } })\n}')
    listed, where = (a.value for a in model.attributes[0].arguments)
    assert isinstance(listed, Items)
    assert [type(v) for v in listed.values] == [Text, NumberLiteral, Name, Call, Items]
    assert isinstance(where, Pairs)
    assert [name for name, _ in where.pairs] == ["a", "b"]


def test_keywords_are_names_for_fields() -> None:
    (model,) = blocks("model A {\n model String\n type Int\n enum Int\n view Int\n}")
    assert [f.name for f in model.fields] == ["model", "type", "enum", "view"]


def test_comments_and_documentation_are_distinguished() -> None:
    (model,) = blocks(
        "// no\n/// one\n/// two\nmodel A { // no\n  /// above\n  a Int // no\n  b Int /// behind\n  c Int\n}"
    )
    assert model.doc == "one\ntwo"
    assert [f.doc for f in model.fields] == ["above", "behind", None]


def test_an_argument_list_may_span_lines() -> None:
    (model,) = blocks("model A {\n a Int @x(fields: [\n  b, // first\n  c\n ],\n)\n d Int\n}")
    assert [f.name for f in model.fields] == ["a", "d"]


def test_strings_are_those_of_json() -> None:
    (model,) = blocks('model A {\n a String @default("\\u00e9\\n\\"\\\\ // no comment")\n}')
    value = model.fields[0].attributes[0].arguments[0].value
    assert value == Text('é\n"\\ // no comment', value.place)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_of_both_kinds(end: str) -> None:
    assert len(blocks(EVERYTHING.replace("\n", end))) == len(blocks(EVERYTHING))


def test_what_was_expected_is_reported() -> None:
    assert reasons("model A {\n a Int = 3\n}") == [
        "2:8 unexpected '='; expected '(', '?', '@', '[]', the end of the line"
    ]


def test_a_faulty_line_hides_no_other() -> None:
    text = 'model A {\n a Int @id(\n b String @default("x)\n c Int\n d Int ! \n}\nmodel B {\n e\n}\n'
    assert [r.partition(" ")[0] for r in reasons(text)] == ["2:12", "3:20", "5:8", "8:3"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("model A {\n a Int", "1:1 model A is not closed"),
        ("model A {\n a Int\nmodel B {\n b Int\n}", "1:1 model A is not closed"),
        ("}\n", "1:1 '}' closes no block"),
        ("stray\n", "1:1 'stray' is outside any block; expected datasource, enum, generator, model, type, view"),
        ("modle A {\n a Int\n}", "1:1 block 'modle' is not known; the nearest is 'model'"),
        ("model A {\n _id Int\n}", "2:2 '_id' is not a valid name: a name starts with a letter"),
        ('model A {\n a String @default("\\q")\n}', '2:20 "\\q" has an escape that JSON does not have'),
        ("model A {\n a Int @default(" + "[" * 30 + "]" * 30 + ")\n}", "2:2 brackets are nested more than 24 deep"),
    ],
)
def test_broken_syntax(text: str, reason: str) -> None:
    assert reasons(text) == [reason]


def test_the_corrected_line_is_shown() -> None:
    faults = Faults()
    parse("s.prisma", "modle A {\n a Int\n}", faults)
    with pytest.raises(SchemaFault, match=r"corrected: model A \{"):
        faults.raise_any()


WORDS = st.sampled_from(
    [
        *[
            "model",
            "enum",
            "view",
            "type",
            "datasource",
            "A",
            "B",
            "id",
            "Int",
            "String",
            "Json",
            "DateTime",
            "unique",
            "index",
            "relation",
            "default",
            "map",
            "db",
        ],
        *[
            "VarChar",
            "now",
            "cuid",
            "fields",
            "references",
            "where",
            "raw",
            "Unsupported",
            "autoincrement",
            "é",
            "99999999999999999999",
        ],
        *["@", "@@", ".", "(", ")", "[", "]", "[]", "{", "}", "?", ":", ",", "=", "//", "///", '"', '"x"', "1", "-2.5"],
        *["\n", "\n", "\n", " ", "\\", "\x00", "\u2028"],
    ]
)


def read_or_fault(file: Path, dialect: Dialect) -> PrismaSchema | SchemaFault:
    """What becomes of a file: a schema, or a SchemaFault. Any other exception is for the test to show."""
    try:
        return read_prisma([file], dialect)
    except SchemaFault as fault:
        return fault


def named(file: Path, outcome: PrismaSchema | SchemaFault) -> bool:
    """Whether a fault says where it is."""
    return isinstance(outcome, PrismaSchema) or all(f.file == str(file) and f.line for f in outcome.faults)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(WORDS, max_size=60), dialect=st.sampled_from(["postgresql", "sqlite"]))
@example(pieces=["model A {\n id Int @id\n}"], dialect="sqlite")
def test_any_text_is_a_schema_or_a_schema_fault(tmp_path: Path, pieces: list[str], dialect: Dialect) -> None:
    file = tmp_path / "any.prisma"
    file.write_text(" ".join(pieces), encoding="utf-8")
    assert named(file, read_or_fault(file, dialect))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_schema_with_a_piece_cut_out_is_a_schema_or_a_schema_fault(tmp_path: Path, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(EVERYTHING)))
    length = data.draw(st.integers(0, 60))
    file = tmp_path / "cut.prisma"
    file.write_text(EVERYTHING[:start] + data.draw(WORDS) + EVERYTHING[start + length :], encoding="utf-8")
    assert named(file, read_or_fault(file, "sqlite"))


TAKEN = """
/* a /* comment
model X { */
datasource db {
  provider = "postgresql"
  schemas  = "app"
}

model Größe { /* here */
  /* there:
  x Int
  */
  日本 Int @id /* and */
  c String @default("/* no */") // /*
  e E @default(none)
  oid Int @db.Oid @default(autoincrement())
  up Größe? @relation("x", fields: c2, references: 日本)
  c2 Int?
  down Größe[] @relation("x")

  @@index(c)
  @@unique(map: "c_key", c(sort: Desc))
  @@schema("app")
}

enum E {
  none @map("")
  élan

  @@schema("app")
}
"""


def test_what_prisma_takes_is_taken(tmp_path: Path) -> None:
    """Block comments, names in any script, a single field where a list is meant, an empty label."""
    (tmp_path / "s.prisma").write_text(TAKEN, encoding="utf-8")
    table = read_prisma([tmp_path / "s.prisma"], "postgresql").metadata.tables["app.Größe"]
    assert [c.name for c in table.columns] == ["日本", "c", "e", "oid", "c2"]
    assert getattr(table.c.e.type, "enums", None) == ["", "élan"]
    assert table.c.oid.server_default is None
    assert str(getattr(table.c.c.server_default, "arg", None)) == "/* no */"
    assert sorted(str(index.name) for index in table.indexes) == ["Größe_c_idx", "c_key"]
    assert [key.column_keys for key in table.foreign_key_constraints] == [["c2"]]


def test_a_block_comment_without_an_end_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "s.prisma").write_text("model A {\n id Int @id\n}\n/* never ends\nmodel B {\n id Int @id\n}\n")
    with pytest.raises(SchemaFault):
        read_prisma([tmp_path / "s.prisma"], "postgresql")
