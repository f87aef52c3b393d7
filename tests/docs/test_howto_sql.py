"""Every piece of SQL in the how-tos, in a suitable project: it is checked, copied and verified."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from bson import Decimal128, Int64, ObjectId, Timestamp
from pages import blocks, indented, page
from sqlglot import exp

from crossfade.cli.app import main
from crossfade.move import Move
from crossfade.project import load_project
from crossfade.testing.dump_writer import write_dump_folder
from scratch import PostgresScratch

SETTINGS = """
source.url = "{source}"
target.url = "{target}"
target.schema = "schema.sql"
"""


@dataclass(frozen=True)
class Piece:
    """A mapping made of a piece of SQL: the table that it fills, and the types of its columns."""

    table: str
    sql: str
    columns: dict[str, str]


def carry(root: Path, target: str, pieces: list[Piece], collections: dict[str, Any], discards: str = "") -> None:
    """A project with these mappings, from the survey to the proof: nothing is in quarantine, and all is equal."""
    source = write_dump_folder(root, "shop", collections)
    (root / "crossfade.toml").write_text(SETTINGS.format(source=f"dump:{source}", target=target) + discards)
    (root / "mapping").mkdir()
    tables = []
    for piece in pieces:
        (root / "mapping" / f"{piece.table}.sql").write_text(piece.sql)
        columns = ", ".join(f'"{name}" {kind}' for name, kind in piece.columns.items())
        tables.append(f"CREATE TABLE {piece.table} ({columns}, PRIMARY KEY (id));\n")
    (root / "schema.sql").write_text("".join(tables))
    with Move(load_project(root, {})) as move:
        move.survey()
        assert [f for f in move.check() if f.severity == "fault"] == []
        status = move.copy()
        assert status.ok, move.quarantine()
        assert move.verify().equal


# -- mapping.md

AT = datetime(2024, 5, 1, 12, 0, 0, 123000)
ADA, BOB = ObjectId("5e0b00000000000000000001"), ObjectId("5e0b00000000000000000002")
SCHOOL: dict[str, Any] = {
    "users": [
        {"_id": ADA, "profile": {"firstName": "Ada"}, "email": "ada@mail.example", "shoes": {"size": 39}},
        {"_id": BOB, "profile": {"firstName": "Bob"}, "email": "bob@mail.example"},
    ],
    "courses": [
        {"_id": ObjectId(), "settings": {"at": AT, "by": ADA}, "maxStudents": 12, "students": [ADA, BOB],
         "instructor": ADA},
        {"_id": ObjectId(), "students": []},
    ],
    "submissions": [{"_id": ObjectId(), "comments": [{"text": "Yes."}, {"text": "No."}]}],
    "templates": [{"_id": ObjectId(), "tags": ["Essay", "memoir"]}],
    "documents": [{"_id": ObjectId()}],
}  # fmt: skip
SCHOOL["documents"] += [{"_id": ObjectId(), "course": SCHOOL["courses"][0]["_id"]} for _ in range(2)]
ENTITIES = {"u": "users", "c": "courses", "s": "submissions", "t": "templates", "d": "documents"}
TYPES = {
    "id": "uuid", "course_id": "uuid", "student_id": "uuid", "first_name": "text", "settings": "jsonb", "body": "text",
    "max_students": "integer", "tags": "text[]", "instructor_email": "text", "documents": "bigint", "legacy": "jsonb",
    "n": "integer", "initial": "text",
}  # fmt: skip
DISCARDS = """
[[discard]]
entity = "documents"
reason = "they are only counted here"
[[discard]]
entity = "courses"
path = "instructor"
reason = "it is only followed here"
"""


def whole(sql: str) -> Iterator[str]:
    """Mappings of a piece: itself, or a SELECT around a FROM or around each column."""
    if sql.startswith("SELECT"):
        yield sql
    elif sql.startswith("FROM"):
        yield f"SELECT uuid_of(s._id, c.n) AS id, c.comment.text AS body, c.n AS n\n{sql}"
    else:
        for line in sql.strip().splitlines():
            alias = re.findall(r"\b([a-z])(?=\.|\))", line)[0]
            yield f"SELECT uuid_of({alias}._id) AS id,\n{line}\nFROM {ENTITIES[alias]} AS {alias}"


def pieces_of(name: str) -> list[Piece]:
    found = [sql for block in blocks(page(name)) if block.language == "sql" for sql in whole(block.text)]
    out = []
    for number, sql in enumerate(found):
        columns = sqlglot.parse_one(sql, read="duckdb", into=exp.Select).named_selects
        out.append(Piece(f"piece_{number}", sql, {column: TYPES[column] for column in columns}))
    return out


def test_every_pattern_of_the_mapping_page_carries_and_is_proved(tmp_path: Path, pg_db: PostgresScratch) -> None:
    pieces = pieces_of("docs/howto/mapping.md")
    assert len(pieces) == 12
    carry(tmp_path, pg_db.url, pieces, SCHOOL, DISCARDS)
    tables = {next(c for c in reversed(p.columns) if c != "n"): p.table for p in pieces}
    answers = {
        "first_name": [("Ada",), ("Bob",)],
        "student_id": [(f"{str(x)[:8]}-0000-8000-8000-00000{str(x)[-1]}cf01d0",) for x in (ADA, BOB)],
        "body": [("No.",), ("Yes.",)],
        "instructor_email": [("ada@mail.example",), (None,)],
        "documents": [("0",), ("2",)],
        "legacy": [('{"email": "ada@mail.example", "shoes": {"size": 39}}',), ('{"email": "bob@mail.example"}',)],
        "max_students": [("12",), ("30",)],
        "settings": [(f'{{"at": "2024-05-01T12:00:00.123Z", "by": "{ADA}"}}',), (None,)],
        "tags": [("{Essay,memoir}",)],
    }
    for column, rows in answers.items():
        assert pg_db.execute(f'SELECT "{column}"::text FROM {tables[column]} ORDER BY 1') == rows, column


# -- mixed-types.md

OID = ObjectId("5e0b00000000000000000009")
EPOCH = Int64(1714564800123)
MIXED: list[tuple[list[Any], list[str | None]]] = [
    ([1, 2.0], ["1", "2"]),
    ([1, 2.5], ["1", "2.5"]),
    ([1, "2"], ["1", "2"]),
    ([1.25, Decimal128("2.50"), "3.75"], ["1.25", "2.50", "3.75"]),
    ([AT, "2024-05-01T12:00:00.123Z"], ["2024-05-01 12:00:00.123+00"] * 2),
    ([AT, EPOCH], ["2024-05-01 12:00:00.123+00"] * 2),
    ([OID, str(OID)], ["5e0b0000-0000-8000-8000-000009cf01d0"] * 2),
    (["a", ["a", "b"]], ["{a,b}", "{a}"]),
    ([{"city": "Ulm"}, "Ulm"], ['"Ulm"', '{"city": "Ulm"}']),
    ([True, "false"], ["false", "true"]),
    ([245.14999999999998], ["245.15"]),
    (["2024-05-01T12:00:00.123"], ["2024-05-01 10:00:00.123+00"]),
    ([Timestamp(1714564800, 5)], ["2024-05-01 12:00:00+00"]),
]  # fmt: skip
"""For each line of the table: values of the types that it names, and what they have to become, in the order of text."""


def test_every_line_of_the_table_of_mixed_types_carries_and_is_proved(tmp_path: Path, pg_db: PostgresScratch) -> None:
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in table_of("docs/howto/mixed-types.md")]
    assert len(cells) == len(MIXED)
    pieces, collections = [], {}
    for number, ((holds, wanted, write), (values, _)) in enumerate(zip(cells, MIXED, strict=True)):
        assert len(values) == len(set(map(type, values))) == len(types_named(holds)), holds
        entity, name = f"things_{number}", re.findall(r"\bx\.(\w+)", write)[0]
        collections[entity] = [{"_id": n, name: value} for n, value in enumerate(values)]
        sql = f"SELECT x._id AS id, {write.strip('`')} AS found FROM {entity} AS x"
        pieces.append(Piece(f"lines_{number}", sql, {"id": "integer", "found": wanted}))
    carry(tmp_path, pg_db.url, pieces, collections)
    pg_db.execute(f"ALTER DATABASE {pg_db.name} SET timezone TO 'UTC'")
    for number, (_, expected) in enumerate(MIXED):
        rows = pg_db.execute(f'SELECT found::text FROM lines_{number} ORDER BY found::text COLLATE "C"')
        assert [row[0] for row in rows] == expected, cells[number]


def test_the_case_on_a_type_carries_and_is_proved(tmp_path: Path, pg_db: PostgresScratch) -> None:
    by_language = {block.language: block.text for block in reversed(blocks(page("docs/howto/mixed-types.md")))}
    sql = f"SELECT p._id AS id, {by_language['sql'].strip()} FROM products AS p"
    products = [{"_id": 1, "rating": 4.5}, {"_id": 2, "rating": "Not yet rated"}, {"_id": 3, "rating": 4}]
    piece = Piece("ratings", sql, {"id": "integer", "rating": "double precision"})
    carry(tmp_path, pg_db.url, [piece], {"products": products}, by_language["toml"])
    assert pg_db.execute("SELECT rating FROM ratings ORDER BY id") == [(4.5,), (None,), (4.0,)]


def table_of(name: str) -> list[str]:
    return [line for line in page(name).splitlines() if line.startswith("|")][2:]


def types_named(cell: str) -> list[str]:
    """`int, double (JavaScript wrote 1 as 1.0)` names two."""
    return re.sub(r"\(.*?\)", "", cell.replace('"true"/"false"', "string")).split(",")


# -- explain


def test_explain_prints_what_the_mapping_page_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = indented(page("docs/howto/mapping.md"))
    at = shown.index("courses: mapping/courses.sql, of courses")
    explain_scribe_tree(tmp_path)
    said = capsys.readouterr().out.rstrip("\n").splitlines()
    assert [line.rstrip() for line in said if line] == [line for line in shown[at:] if line]


def explain_scribe_tree(folder: Path) -> None:
    """`crossfade explain courses.max_students`, of Scribe Tree as `seed.py` makes it."""
    example = Path(__file__).resolve().parents[2] / "examples" / "scribe-tree"
    subprocess.run([sys.executable, example / "seed.py", "--dump", folder / "dump"], check=True, capture_output=True)
    shutil.copytree(example, folder / "project", ignore=shutil.ignore_patterns("__pycache__", "source.lock.json"))
    with Move(load_project(folder / "project", {"SOURCE_URL": f"dump:{folder / 'dump'}"})) as move:
        move.survey()
    assert main(["explain", "courses.max_students", "--project", str(folder / "project")]) == 0
